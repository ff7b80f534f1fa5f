"""`zoo evaluate jnd`: other tables, cards renewed, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.evaluation import evaluate as run_command
from tests.support.harness import RECORDED
from tests.support.jnd import plain_mean, write_ratings
from zoo.audio import io, mix
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.jnd import card, evaluate, music, rendered, severity, songs
from zoo.jnd.degradations import Degradation, Graded
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.spectral import SpectralJND

CLIP = io.resample(io.read(RECORDED, 16000)[0], 16000, SAMPLE_RATE)[SAMPLE_RATE : 2 * SAMPLE_RATE]


@pytest.fixture
def judgments_folder(tmp_path):
    (tmp_path / "tables").mkdir()
    lines = [
        f"0.02_{talker}_script2_produced_clipped_{i}.0.wav\t{level}_{talker}_script2_produced_clipped_{i}.0.wav\t{answer}"
        "\tapplause"
        for talker in ("f1", "f9")
        for i, (level, answer) in enumerate([(0.02, 0), (0.05, 0), (1, 1), (8, 1), (0.1, 1), (0.02, 0)])
    ]
    (tmp_path / "tables" / "linear.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path / "tables"


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A small network as a bundled checkpoint; what would be rendered is given."""
    preset.save(SpectralJND(channels=(4,)), tmp_path / "zoo" / "jnd-x", card={"name": "jnd-x", "family": "jnd"})
    monkeypatch.setattr(registry, "root", lambda: tmp_path / "zoo")
    noise = mix.colored_noise(len(CLIP), 0.0, np.random.default_rng(0))

    def pairs(kept):
        noisy = [mix.mix_at_snr(CLIP, noise, 40 - 30 * one.different) for one in kept]
        return [np.round(32767 * np.stack([[CLIP, audio] for audio in noisy]).clip(-1, 1)).astype("int16")]

    def rungs(source, n_files, *_):
        clip, hiss = CLIP[4000:12000], noise[:8000]
        gains = 10.0 ** np.linspace(-3, -1, rendered.WIDTH)
        return [np.round(32767 * np.stack([clip, *(clip + g * hiss for g in gains)]) / 4).astype("int16")] * n_files

    monkeypatch.setattr(rendered, "render_judgments", lambda source, kept, *_: pairs(kept))
    monkeypatch.setattr(rendered, "render_ladders", rungs)
    monkeypatch.setattr(evaluate, "grouped_mean", plain_mean)
    monkeypatch.setattr(evaluate, "_FEW_RESAMPLES", 5)
    monkeypatch.setattr(evaluate, "draw_triplets", lambda n, seed: np.array([(0, 0, 150), (0, 60, 190)]))
    return tmp_path / "zoo" / "jnd-x"


def run(*arguments):
    run_command("jnd", "jnd-x", *arguments, "--jobs", 1, "--files", 1)


@pytest.mark.slow
def test_command_on_other_tables(checkpoint, judgments_folder, rated, tmp_path, capsys):
    path, rows = rated
    write_ratings(tmp_path, [*rows, rows[0] | {"file": "none.wav"}])
    output = tmp_path / "scores"
    run("--judgments", judgments_folder, "--speech", "any/", "--mos", path, "--output", output)
    printed = capsys.readouterr()
    assert "6 of 12 answers" in printed.out and "(f9)" in printed.out and "none.wav" in printed.err
    for heading in ("AUC on answers", "calibration error", "rises at every rung", "ratings", "in JND"):
        assert heading in printed.out
    for system in ("jnd-x", "squared error", "SI-SDR", "PESQ wb", "multi-resolution STFT"):
        assert any(line.startswith(system) for line in printed.out.splitlines())
    assert {one.name for one in output.iterdir()} == {"jnd-x", "table.txt"}
    assert {one.name for one in (output / "jnd-x").iterdir()} == {"calibration.png", "ladders.png"}
    assert (output / "table.txt").read_text() == printed.out
    assert "evaluation" not in registry.info("jnd-x")


def test_command_renews_the_card(checkpoint, judgments_folder, tmp_path):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    preset.save(SpectralJND(channels=(2,)), tmp_path / "other")
    run("--data", tmp_path, "--metric", f"{tmp_path}/other/")
    evaluation = registry.info("jnd-x")["evaluation"]
    assert evaluation["command"].endswith(f"jnd jnd-x --metric {tmp_path}/other/ --files 1") and evaluation["commit"]
    assert evaluation["answers"]["all"]["n"] == 6 and evaluation["answers"]["all"]["auc"][0] == 1
    assert set(evaluation["answers"]["all"]) == {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}
    assert list(evaluation["ladders"]) == list(rendered.LADDERS) and evaluation["ladders"]["pops"]["rises"]
    assert evaluation["two_afc"]["accuracy"][0] == 1 and evaluation["shifts"]["n"] == evaluation["levels"]["n"] == 1
    assert next(iter(evaluation["compared"])) == "other" and len(evaluation["compared"]) == 5
    assert list(evaluation["lead"]) == list(evaluation["compared"])
    assert evaluation["compared"]["PESQ wb"]["answers"]["all"]["n"] == 6
    assert {one.name for one in checkpoint.glob("*.png")} == {"calibration.png", "ladders.png"}
    assert preset.load(checkpoint).name == "spectral_jnd"


@pytest.mark.slow
def test_command_renews_several_cards(checkpoint, judgments_folder, tmp_path):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    preset.save(SpectralJND(channels=(2,)), checkpoint.parent / "jnd-y", card={"name": "jnd-y", "family": "jnd"})
    run("jnd-y", "--data", tmp_path)
    first, second = (registry.info(name)["evaluation"] for name in ("jnd-x", "jnd-y"))
    assert first["command"].endswith("jnd jnd-x jnd-y --files 1") and second["command"] == first["command"]
    assert first["compared"] == second["compared"] and "jnd-x" not in first["compared"]
    assert first["jnd_distance"] != second["jnd_distance"]


def test_command_says_what_is_wrong(checkpoint, judgments_folder, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="--output goes with"):
        run("--output", tmp_path)
    with pytest.raises(InputError, match="have one name"):
        run("--judgments", judgments_folder, "--metric", f"{checkpoint}/")
    monkeypatch.setattr(preset, "load", lambda _: object())
    with pytest.raises(InputError, match="jnd-x gives no distance"):
        run("--judgments", judgments_folder)


def test_command_refuses_answers_that_training_had(checkpoint, judgments_folder):
    table = judgments_folder / "linear.tsv"
    table.write_text(table.read_text().replace("_f9_", "_f2_"))
    with pytest.raises(InputError, match="training only"):
        run("--judgments", judgments_folder)


def test_graded_degradations_are_a_section_of_the_card(checkpoint, judgments_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    groups = [severity.draw(np.random.default_rng(seed)) for seed in range(3)]
    noise = np.random.default_rng(1).standard_normal(len(CLIP))
    audio = np.stack([CLIP + gain * noise for gain in (0, 0.01, 0.1, 0.02, 0.2)])
    calls = []

    def render(source, count, runs, lyra, *_):
        calls.append((source.split, count, lyra))
        missed = np.tile([[0.1, 1.0, 0.3, 2.0]], (3, 1))
        return Graded(groups, [np.round(8000 * np.stack([audio] * 3)).astype("int16")], np.stack([missed] * 2, -1))

    def render_ladders(source, count, *_):
        rungs = [Degradation("mnru", value, None, 0) for value in (30, 20, 10, 0)]
        return Graded(
            [rungs] * count, [np.round(8000 * np.stack([audio] * count)).astype("int16")], np.ones((count, 4, 2))
        )

    monkeypatch.setattr(severity, "render", render)
    monkeypatch.setattr(severity, "render_ladders", render_ladders)
    run("--data", tmp_path, "--graded", 3, "--lyra", "codec/")
    assert calls == [("test2", 3, "codec/")]
    evaluation = registry.info("jnd-x")["evaluation"]
    assert evaluation["command"].endswith("jnd jnd-x --files 1 --graded 3 --lyra codec/")
    for facts in (evaluation, *evaluation["compared"].values()):
        assert facts["graded"]["order"]["all"] == {"accuracy": [1.0, 1.0, 1.0], "n": 6, "n_failed": 0}
    assert evaluation["graded"]["teachers"]["visqol"]["n"] == 12
    assert evaluation["graded"]["ladders"]["mnru"]["values"] == [30, 20, 10, 0]
    assert (checkpoint / "severity.png").exists()
    assert "order within a kind" in capsys.readouterr().out
    (past,) = [part for part in card.evaluation(registry.info("jnd-x")).split("\n## ") if part.startswith("Past the")]
    assert "| jnd-x |" in past and "| PESQ wb |" in past and "| 45 ms late |" in past


def test_music_is_a_section_of_the_card(checkpoint, judgments_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    noise, folders = np.random.default_rng(1).standard_normal(len(CLIP)), []
    audio = np.stack([np.tile(CLIP + gain * noise, 2) for gain in (0, 0.01, 0.02, 0.1, 0.2, 0.1)])
    group = [Degradation("opus", value, None, 0) for value in (64, 32, 16)]
    group += [Degradation("noise", value, None, 0) for value in (10, 20)]

    def render(folder, *_):
        folders.append(folder)
        audios = [np.round(8000 * audio[None]).astype("int16")] * 4
        return Graded([group] * 4, audios, np.ones((4, 5, 1)), ("visqol-audio",), 44100)

    monkeypatch.setattr(music, "render_stereo", render)
    monkeypatch.setattr(songs, "recordings", lambda folder: [Path(folder) / "a.wav", Path(folder) / "b.wav"])
    run("--data", tmp_path, "--music", "songs/")
    evaluation = registry.info("jnd-x")["evaluation"]
    assert folders == ["songs/"] and evaluation["command"].endswith("--files 1 --music songs/")
    assert (
        evaluation["music"]["recordings"] == ["a.wav", "b.wav"]
        and "recordings" not in evaluation["compared"]["SI-SDR"]["music"]
    )
    order = evaluation["music"]["order"]
    assert list(order) == ["codecs", "opus", "noise"] and order["codecs"]["accuracy"] == [1.0, 1.0, 1.0]
    assert order["opus"]["n"] == 12 and order["noise"]["accuracy"][0] == 0.0
    assert evaluation["compared"]["PESQ wb"]["music"]["order"]["codecs"]["n"] == 12
    assert (checkpoint / "music.png").exists()
    assert "order, codecs" in capsys.readouterr().out
    (part,) = [part for part in card.evaluation(registry.info("jnd-x")).split("\n## ") if part.startswith("Music")]
    assert "| jnd-x |" in part and "| PESQ wb |" in part and "| opus | 64, 32, 16 |" in part


def test_lyra_alone_is_refused(checkpoint, judgments_folder):
    with pytest.raises(InputError, match="--lyra goes with --graded"):
        run("--judgments", judgments_folder, "--lyra", "codec/")
