"""Evaluation of distances: answers, the JND, ladders, triplets, shifts, levels, ratings, figures and the command."""

import csv
import json
import math
import subprocess
import sys

import evaluate as command
import numpy as np
import pytest
from harness import REPOSITORY, data_path
from PIL import Image

from zoo import preset, registry
from zoo.audio import io, mix
from zoo.enhancement.loss import MultiResolutionSTFT
from zoo.errors import InputError
from zoo.jnd import baselines, evaluate, figures, ratings, rendered
from zoo.jnd.batches import Judged
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.jnd.judgments import Judgment, read_judgments, split_of
from zoo.jnd.noises import Material
from zoo.jnd.spectral import SpectralJND
from zoo.metrics import speech

RECORDED = REPOSITORY / "tests" / "data" / "speech_reference.flac"
CLIP = io.resample(io.read(RECORDED, 16000)[0], 16000, SAMPLE_RATE)[SAMPLE_RATE : 2 * SAMPLE_RATE]


class Rms:
    """The rms of the difference, and a probability that is known."""

    sample_rate = SAMPLE_RATE

    def distance(self, reference, degraded, sample_rate):
        assert sample_rate == self.sample_rate and reference.shape == degraded.shape
        return mix.rms(np.atleast_2d(reference - degraded))

    def judge(self, reference, degraded, sample_rate):
        distances = self.distance(reference, degraded, sample_rate)
        return distances, np.minimum(10 * distances, 1.0)


def judgment(i, different, table="linear"):
    condition = {"noise": "white", "snr_db": 20.0}
    return Judgment(table, "f7", "1", str(i), {}, condition, "", different)


def judged(distances, different, tables=("linear",)):
    """`Judged` of short pairs whose rms difference is `distances`, in chunks of 3."""
    wave = np.tile([1.0, -1.0], 60)
    pairs = np.stack([np.zeros((len(distances), 120)), np.outer(distances, wave)], axis=1)
    pairs = np.round(32768 * pairs).astype("int16")
    told = [judgment(i, bool(answer), tables[i % len(tables)]) for i, answer in enumerate(different)]
    return Judged(told, [[pairs[start : start + 3] for start in range(0, len(pairs), 3)]])


def climbing(n_files=4, wrong=()):
    """Ladders of a constant clip whose rungs add ever more, except for the axes in `wrong`, which add ever less."""
    rows = np.zeros(rendered.WIDTH)
    for axis, columns in rendered.COLUMNS.items():
        steps = np.arange(1, columns.stop - columns.start + 1)
        rows[columns] = (steps[::-1] if axis in wrong else steps) / 100
    wave = np.tile([1.0, -1.0], 500)
    rungs = np.concatenate([np.zeros((1, 1000)), np.outer(rows, wave)])
    return [np.round(32768 * rungs * (1 + i / 8)).astype("int16") for i in range(n_files)]


def plain_mean(values, _):
    """`grouped_mean` without its interval, which is tested elsewhere and takes long for 200 rungs."""
    return np.nanmean(values), math.nan, math.nan


@pytest.fixture(scope="module")
def ladder_facts():
    return evaluate.ladders_report(evaluate.measure(Rms(), climbing(wrong=("mp3",))))


# --- answers ------------------------------------------------------------------------------------------------------


def test_answers_are_measured_in_order_and_reported_by_table():
    distances = np.array([0.0, 0.01, 0.02, 0.03, 0.05, 0.06, 0.07, 0.08])
    pairs = judged(distances, [0, 0, 1, 0, 1, 0, 1, 1], tables=("eq", "linear"))
    found, probabilities = evaluate.answers(Rms(), pairs)
    assert found == pytest.approx(distances, abs=1e-4) and probabilities == pytest.approx(10 * distances, abs=1e-3)
    found[3] = math.nan
    probabilities[3] = math.nan
    facts = evaluate.answers_report(pairs, found, probabilities)
    assert list(facts) == ["eq", "linear", "all"]
    assert [(facts[group]["n"], facts[group]["n_failed"]) for group in facts] == [(4, 0), (3, 1), (7, 1)]
    # eq: "different" at 0.02, 0.05 and 0.07 of 0, 0.02, 0.05, 0.07; all: 0.06 lies above two of four.
    assert facts["eq"]["auc"][0] == 1 and facts["all"]["auc"][0] == pytest.approx(10 / 12)
    value, low, high = facts["all"]["auc"]
    assert low < value <= high
    assert set(facts["all"]) == {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}
    assert set(evaluate.answers_report(pairs, found)["all"]) == {"n", "n_failed", "auc"}


def test_a_metric_without_probability_has_none():
    assert evaluate.answers(baselines.squared_error(), judged([0.1, 0.2], [0, 1]))[1] is None


def test_lead_is_paired():
    rng = np.random.default_rng(0)
    different = np.arange(400) % 2
    good, noise = different + rng.standard_normal(400), rng.standard_normal(400)
    value, low, high = evaluate.lead(different, good, good + 0.1 * noise)
    assert low < value < high and high - low < 0.03  # alone, each AUC is known to 0.08
    assert evaluate.lead(different, good, noise)[1] > 0.1
    assert evaluate.lead(different, np.append(good[:-1], np.nan), good) == [0, 0, 0]


def test_jnd_distance_is_where_half_of_the_answers_change():
    rng = np.random.default_rng(0)
    logarithm = rng.uniform(-3, 3, 20000)
    different = rng.random(20000) < 1 / (1 + np.exp(-2 * (logarithm - 0.7)))
    found = evaluate.jnd_distance(different, np.exp(logarithm))
    assert found == pytest.approx(math.exp(0.7), rel=0.04)
    assert evaluate.jnd_distance(different, 1000 * np.exp(logarithm)) == pytest.approx(1000 * found, rel=1e-4)
    identical = evaluate.jnd_distance([*different, 1, 1], [*np.exp(logarithm), 0, math.nan])
    assert identical == pytest.approx(found, rel=1e-6)


def test_no_jnd_distance_where_answers_do_not_cross():
    assert math.isnan(evaluate.jnd_distance([1, 1, 0, 0], [1, 2, 3, 4]))  # falls
    assert math.isnan(evaluate.jnd_distance([1, 1, 1], [1, 2, 3])) and math.isnan(evaluate.jnd_distance([], []))
    assert evaluate.jnd_distance([0, 0, 1, 1], [1, 2, 8, 16]) == pytest.approx(4, rel=0.05)  # separated


# --- ladders and triplets -----------------------------------------------------------------------------------------


def test_columns_cover_every_rung_once():
    covered = np.concatenate([np.arange(rendered.WIDTH)[columns] for columns in rendered.COLUMNS.values()])
    assert covered.tolist() == list(range(rendered.WIDTH))
    assert rendered.LADDERS["white-snr-db"] == (60, 50, 40, 30, 20, 10, 0)


def test_ladders_know_what_rises(ladder_facts):
    assert list(ladder_facts) == list(rendered.LADDERS)
    for axis, found in ladder_facts.items():
        assert found["spearman"] == pytest.approx(-1 if axis == "mp3" else 1) and found["rises"] == (axis != "mp3")
        assert len(found["rungs"]) == len(found["distance"]) and (found["n"], found["n_failed"]) == (4, 0)
    mean, low, high = ladder_facts["pops"]["distance"][0]
    assert mean == pytest.approx(0.01 * (1 + 3 / 16), rel=0.01) and low < mean < high
    assert ladder_facts["eq"]["rungs"] == [float(strength) for strength in range(0, 101, 10)]


def test_a_rung_that_stands_still_does_not_rise(monkeypatch):
    monkeypatch.setattr(evaluate, "grouped_mean", plain_mean)
    distances = np.tile(np.arange(rendered.WIDTH, dtype=float), (2, 1))
    columns = rendered.COLUMNS["pops"]
    distances[:, columns.start + 1] = distances[:, columns.start]
    distances[0, columns.start + 5] = math.nan
    found = evaluate.ladders_report(distances)["pops"]
    assert not found["rises"] and 0.95 < found["spearman"] < 1 and found["n_failed"] == 1


def test_triplets_are_of_one_ladder_and_repeat_by_seed():
    triplets = evaluate.draw_triplets(5, 400)
    np.testing.assert_array_equal(triplets, evaluate.draw_triplets(5, 400))
    assert (triplets != evaluate.draw_triplets(5, 400, seed=1)).any()
    ladder_of = {column: axis for axis, ends in rendered.COLUMNS.items() for column in range(ends.start, ends.stop)}
    axes = {ladder_of[mild] for _, mild, _ in triplets}
    assert axes == set(rendered.LADDERS) - {rendered.SNR}
    assert all(ladder_of[mild] == ladder_of[severe] and mild < severe for _, mild, severe in triplets)
    assert set(triplets[:, 0]) == set(range(5))


def test_two_afc_counts_ties_half():
    distances = np.arange(2.0 * rendered.WIDTH).reshape(2, -1)
    triplets = np.array([(0, 0, 1), (0, 1, 2), (1, 2, 3), (1, 4, 5)])
    assert evaluate.two_afc(distances, triplets)["accuracy"] == [1, 1, 1]
    distances[0, 1] = distances[0, 0]  # a tie
    distances[1, 3] = 0.0  # wrong
    distances[1, 5] = math.nan
    found = evaluate.two_afc(distances, triplets)
    assert found["accuracy"][0] == pytest.approx(0.5) and (found["n"], found["n_failed"]) == (3, 1)


def test_only_wanted_rungs_are_measured():
    ladders, triplets = climbing(), np.array([(1, 3, 5), (3, 7, 9)])
    facts, heard = evaluate.compare(Rms(), judged([0.01, 0.02, 0.05, 0.06], [0, 1, 0, 1]), ladders, triplets)
    assert facts["two_afc"]["accuracy"][0] == 1 and [len(values) for values in heard] == [4, 4]
    assert 0.01 < facts["jnd_distance"][0] < 0.06
    wanted = np.zeros((4, rendered.WIDTH), bool)
    wanted[1, 3] = True
    found = evaluate.measure(Rms(), ladders, wanted)
    assert (np.isfinite(found) == wanted).all()
    assert found[1, 3] == evaluate.measure(Rms(), ladders)[1, 3]


# --- shifts and levels --------------------------------------------------------------------------------------------


def test_shifts_move_the_degraded_recording_only():
    clip = np.arange(1000, dtype="float32") / 1000  # rises by 1 / 1000 a sample: the distance is the shift
    found = evaluate.shifts(Rms(), [clip, clip])
    means = [mean for mean, _, _ in found["distance"]]
    assert means == pytest.approx([shift / 1000 for shift in evaluate.SHIFTS], rel=1e-3) and found["n"] == 2


def test_levels_change_by_decibels_and_do_not_clip():
    class Peak(Rms):
        def distance(self, reference, degraded, sample_rate):
            assert np.abs(degraded).max() < 1 and np.abs(reference - reference[0]).max() == 0
            return 20 * np.log10(mix.rms(degraded) / mix.rms(reference))

    found = evaluate.levels(Peak(), [0.99 * CLIP / np.abs(CLIP).max()])
    assert [mean for mean, _, _ in found["distance"]] == pytest.approx(list(evaluate.LEVELS), abs=1e-3)


def test_a_network_on_mel_bands_takes_more_offence_at_a_longer_shift():
    found = evaluate.shifts(SpectralJND(channels=(4, 4)), [CLIP])
    means = [mean for mean, _, _ in found["distance"]]
    assert 0 < means[0] < means[-1] < np.inf and found["n_failed"] == 0


# --- baselines ----------------------------------------------------------------------------------------------------


def test_baselines_are_zero_for_identical_and_order_noise():
    noise = mix.colored_noise(len(CLIP), 0.0, np.random.default_rng(0))
    at_rates = {rate: io.resample(CLIP, SAMPLE_RATE, rate) for rate in (16000, SAMPLE_RATE)}
    for metric in (baselines.squared_error(), baselines.si_sdr(), baselines.pesq(n_jobs=1)):
        clip = at_rates[metric.sample_rate]
        noisy = [mix.mix_at_snr(clip, noise[: len(clip)], snr_db) for snr_db in (40, 20, 0)]
        found = metric.distance(np.stack([clip] * 4), np.stack([clip, *noisy]), metric.sample_rate)
        assert found[0] == pytest.approx(0, abs=1e-3) and (np.diff(found) > 0).all()
        with pytest.raises(InputError, match="Hz"):
            metric.distance(clip, clip, 8000)
    assert baselines.squared_error().distance(CLIP, CLIP + 0.1, SAMPLE_RATE) == pytest.approx([0.01], rel=1e-4)


def test_a_pair_without_pesq_is_nan():
    clips = np.stack([np.zeros(16000, "float32"), io.resample(CLIP, SAMPLE_RATE, 16000)])
    found = baselines.pesq(n_jobs=1).distance(clips, clips, 16000)
    assert math.isnan(found[0]) and found[1] == pytest.approx(0, abs=1e-3)


def test_a_loss_is_a_baseline():
    metric = baselines.of_loss(MultiResolutionSTFT())
    many = np.stack([CLIP[:4000]] * 17)
    many[16] = 0
    found = metric.distance(np.stack([CLIP[:4000]] * 17), many, SAMPLE_RATE)
    assert found.shape == (17,) and found[:16] == pytest.approx(0, abs=1e-3) and found[16] > 1


# --- rendering ----------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A folder of two talkers at 48 kHz, little material, and two short ladders."""
    speech_48k = io.resample(io.read(RECORDED, 16000)[0], 16000, 48000)
    for talker in ("one", "two"):
        (tmp_path / "speech" / talker).mkdir(parents=True)
        io.write(tmp_path / "speech" / talker / "a.wav", speech_48k, 48000)
    monkeypatch.setattr(Material, "read", classmethod(lambda cls, data, split: cls({}, [])))
    monkeypatch.setattr(rendered, "LADDERS", {rendered.SNR: (60.0, 20.0), "pops": (20.0, 80.0)})
    rendered._read.cache_clear()
    yield rendered.Source("data", str(tmp_path / "speech"))
    rendered._read.cache_clear()


def test_rungs_are_seeded_kept_and_alike_but_for_strength(source, tmp_path):
    one, two = rendered.render_ladders(source, 2, tmp_path, n_jobs=1)
    assert one.shape == (5, 55125) and (one[0] != two[0]).any()
    clip, *rungs = as_float(one)
    soft, loud = (rung - clip * (rung @ clip) / (clip @ clip) for rung in rungs[:2])  # the noise of two SNRs
    assert soft @ loud > 0.95 * np.linalg.norm(soft) * np.linalg.norm(loud)
    assert mix.rms(loud) / mix.rms(soft) == pytest.approx(100, rel=0.1)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "jnd").rglob("*.npy")}
    again = rendered.render_ladders(source, 3, tmp_path, n_jobs=1)
    assert (again[0] == one).all() and {path: path.stat().st_mtime_ns for path in written} == written
    assert len(again) == 3 and len(list((tmp_path / "jnd").rglob("*.npy"))) == 3
    with pytest.raises(InputError, match="1 or more"):
        rendered.render_ladders(source, 0, tmp_path)


def test_judgments_are_rendered_on_any_speech(source, tmp_path):
    chunks = rendered.render_judgments(source, [judgment(0, True), judgment(1, False)], tmp_path, n_jobs=1)
    assert [chunk.shape for chunk in chunks] == [(2, 2, 55125)]
    (reference, degraded), _ = as_float(chunks[0])
    assert speech.si_sdr(reference, degraded)[0] == pytest.approx(20, abs=1.5)
    other = rendered.Source("data", str(tmp_path / "speech" / "one"))
    assert other.digest() != source.digest() and len(source.digest()) == 8
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no"):
        rendered.Source("data", str(tmp_path / "empty")).digest()


def test_processes_that_render_load_no_backend():
    code = "import sys, zoo.jnd.rendered; print({'keras', 'tensorflow', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_real_tables_keep_talkers_for_the_test():
    found, _ = read_judgments(data_path("jnd_judgments"))
    kept = [one for one in found if split_of(one.talker) == "test"]
    assert {one.table for one in kept} == {"combined", "eq", "linear", "reverb"}
    assert all(20 < sum(one.different for one in kept if one.table == table) for table in ("combined", "eq", "reverb"))


# --- ratings ------------------------------------------------------------------------------------------------------


def write_ratings(folder, rows):
    with open(folder / "ratings.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder / "ratings.csv"


@pytest.fixture
def rated(tmp_path):
    """A CSV of two talkers whose ratings fall with noise (one in a straight order, one with a swap), at 16 kHz."""
    clip = io.resample(CLIP, SAMPLE_RATE, 16000)
    noise = mix.colored_noise(len(clip), 0.0, np.random.default_rng(0))
    io.write(tmp_path / "clean.wav", clip, 16000)
    for snr_db in (30, 20, 10, 0):
        noisy = mix.mix_at_snr(clip, noise, snr_db)
        io.write(tmp_path / f"{snr_db}.wav", np.stack([noisy[: -snr_db or None]] * 2, axis=1) / 2, 16000)
    scores = {"ann": {30: 4.5, 20: 4.0, 10: 2.0, 0: 1.0}, "bob": {30: 4.5, 20: 2.0, 10: 3.0, 0: 1.0}}
    rows = [
        {"file": f"{snr_db}.wav", "reference": "clean.wav", "mos": mos, "speaker": speaker}
        for speaker, by_snr in scores.items()
        for snr_db, mos in by_snr.items()
    ]
    return write_ratings(tmp_path, rows), rows


class Noise(Rms):
    """The power of what is not the reference: level does not matter."""

    def distance(self, reference, degraded, sample_rate):
        return baselines.si_sdr().distance(reference, degraded, sample_rate)


def test_ratings_are_correlated_by_speaker(rated):
    path, rows = rated
    found = ratings.rate(Noise(), path)
    assert [row["file"] for row in found] == [row["file"] for row in rows] and not any(row["error"] for row in found)
    assert found[0]["distance"] == pytest.approx(1e-3, rel=0.3)  # 30 dB, at half the level, on two channels
    facts = ratings.report(found)
    assert facts["speakers"]["ann"]["spearman"] == pytest.approx(1)
    assert facts["speakers"]["bob"]["spearman"] == pytest.approx(0.8)
    assert 0 < facts["speakers"]["bob"]["pearson"] < 1
    assert facts["mean"]["spearman"][0] == pytest.approx(0.9)
    assert (facts["mean"]["n"], facts["mean"]["n_failed"]) == (8, 0)


def test_rows_that_cannot_be_used_are_counted(rated):
    path, rows = rated
    broken = [rows[0] | {"file": "none.wav"}, rows[1] | {"mos": "good"}, rows[2] | {"reference": ""}]
    path = write_ratings(
        path.parent, [{key: row[key] for key in ("file", "reference", "mos")} for row in broken + rows]
    )
    found = ratings.rate(Noise(), path)
    assert [bool(row["error"]) for row in found] == [True] * 3 + [False] * 8
    assert "none.wav" in found[0]["error"] and "no number" in found[1]["error"]
    facts = ratings.report(found)
    assert list(facts["speakers"]) == [""] and (facts["mean"]["n"], facts["mean"]["n_failed"]) == (8, 3)
    with pytest.raises(InputError, match="file, reference and mos"):
        ratings.rate(Noise(), write_ratings(path.parent, [{"file": "a.wav", "reference": "b.wav"}]))


# --- figures ------------------------------------------------------------------------------------------------------


def test_figures_are_small_png(tmp_path, ladder_facts):
    figures.ladders(json.loads(json.dumps(ladder_facts)), 0.04, "a metric", tmp_path / "ladders.png")
    figures.ladders(ladder_facts, math.nan, "another", tmp_path / "without.png")
    rng = np.random.default_rng(0)
    probabilities = rng.random(300)
    figures.calibration(rng.random(300) < probabilities, probabilities, "a metric", tmp_path / "calibration.png")
    for path in tmp_path.glob("*.png"):
        assert Image.open(path).format == "PNG" and path.stat().st_size < 300_000
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_wilson_interval_stays_in_0_to_1():
    low, high = figures._wilson(np.array([0.0, 0.5, 1.0]), np.array([10.0, 100.0, 10.0]))
    assert low == pytest.approx([0, 0.4038, 0.7225], abs=1e-4) and high == pytest.approx([0.2775, 0.5962, 1], abs=1e-4)


# --- the command --------------------------------------------------------------------------------------------------


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


def run(monkeypatch, *arguments):
    fixed = ["--jobs", "1", "--files", "1"]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "jnd", "jnd-x", *map(str, arguments), *fixed])
    command.main()


def test_command_on_other_tables(checkpoint, judgments_folder, rated, tmp_path, monkeypatch, capsys):
    path, rows = rated
    write_ratings(tmp_path, [*rows, rows[0] | {"file": "none.wav"}])
    output = tmp_path / "scores"
    run(monkeypatch, "--judgments", judgments_folder, "--speech", "any/", "--mos", path, "--output", output)
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


def test_command_renews_the_card(checkpoint, judgments_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    preset.save(SpectralJND(channels=(2,)), tmp_path / "other")
    run(monkeypatch, "--data", tmp_path, "--metric", f"{tmp_path}/other/")
    found = registry.info("jnd-x")["evaluation"]
    assert found["command"].endswith(f"jnd jnd-x --metric {tmp_path}/other/ --files 1") and found["commit"]
    assert found["answers"]["all"]["n"] == 6 and found["answers"]["all"]["auc"][0] == 1
    assert set(found["answers"]["all"]) == {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}
    assert list(found["ladders"]) == list(rendered.LADDERS) and found["ladders"]["pops"]["rises"]
    assert found["two_afc"]["accuracy"][0] == 1 and found["shifts"]["n"] == found["levels"]["n"] == 1
    assert next(iter(found["compared"])) == "other" and len(found["compared"]) == 5
    assert list(found["lead"]) == list(found["compared"])
    assert found["compared"]["PESQ wb"]["answers"]["all"]["n"] == 6
    assert {one.name for one in checkpoint.glob("*.png")} == {"calibration.png", "ladders.png"}
    assert preset.load(checkpoint).name == "spectral_jnd"


def test_command_renews_several_cards(checkpoint, judgments_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "jnd_judgments").symlink_to(judgments_folder)
    preset.save(SpectralJND(channels=(2,)), checkpoint.parent / "jnd-y", card={"name": "jnd-y", "family": "jnd"})
    run(monkeypatch, "jnd-y", "--data", tmp_path)
    first, second = (registry.info(name)["evaluation"] for name in ("jnd-x", "jnd-y"))
    assert first["command"].endswith("jnd jnd-x jnd-y --files 1") and second["command"] == first["command"]
    assert first["compared"] == second["compared"] and "jnd-x" not in first["compared"]
    assert first["jnd_distance"] != second["jnd_distance"]


def test_command_says_what_is_wrong(checkpoint, judgments_folder, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="--output goes with"):
        run(monkeypatch, "--output", tmp_path)
    with pytest.raises(InputError, match="have one name"):
        run(monkeypatch, "--judgments", judgments_folder, "--metric", f"{checkpoint}/")
    monkeypatch.setattr(preset, "load", lambda _: object())
    with pytest.raises(InputError, match="jnd-x gives no distance"):
        run(monkeypatch, "--judgments", judgments_folder)


def test_command_refuses_answers_that_training_had(checkpoint, judgments_folder, monkeypatch):
    table = judgments_folder / "linear.tsv"
    table.write_text(table.read_text().replace("_f9_", "_f2_"))
    with pytest.raises(InputError, match="training only"):
        run(monkeypatch, "--judgments", judgments_folder)
