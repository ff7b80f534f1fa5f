"""`zoo evaluate enhancement`: cards and figures renewed, other mixtures, and what it refuses."""

import csv
import json

import numpy as np
import pytest

from tests.support.evaluation import evaluate as run_command
from tests.support.harness import REPOSITORY
from zoo.audio import io, mix
from zoo.checkpoint import preset, registry
from zoo.data.speech import SAMPLE_RATE, Corpus
from zoo.enhancement import limits, measures, outside, report, sources
from zoo.enhancement.model import BLSTMEnhancer
from zoo.errors import InputError, InputWarning
from zoo.jnd.spectral import SpectralJND
from zoo.metrics import dnsmos
from zoo.quality_net.free import QualityNetFree

CLEAN, _ = io.read(REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac", SAMPLE_RATE)
CLEAN = CLEAN[8000:25000]
NOISE = mix.colored_noise(len(CLEAN), 1.0, np.random.default_rng(0))
CURVE = {
    "iteration": [0, 10, 20, 30],
    "pesq-wb": [1.5, 1.6, 1.7, 1.4],
    "predicted": [1.5, None, 2.0, 2.6],
    "stoi": [0.80, 0.81, 0.80, 0.70],
    "si-sdr": [5.0, 6.0, 6.0, 2.0],
}
PICTURES = {"learning.png", "over_snr.png", "spectrograms.png"}
TRAINING = {"curve": CURVE, "best_iteration": 20}


def save_enhancer(directory, **card):
    preset.save(BLSTMEnhancer(units=4, hidden=4), directory, card={"family": "enhancement", **card})


def run(*arguments):
    run_command("enhancement", "--jobs", 1, *arguments)


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """A folder of two small metrics as the only bundled checkpoints; the test set is one utterance, without DNSMOS."""
    (tmp_path / "bundled").mkdir()
    preset.save(SpectralJND(channels=(2,)), tmp_path / "bundled" / measures.LISTENER, card={"family": "jnd"})
    free = QualityNetFree(bands=8, convolutions=((4, 4, 4),), units=4, dilations=(1,))
    preset.save(free, tmp_path / "bundled" / measures.FREE, card={"family": "quality_net"})
    monkeypatch.setattr(dnsmos, "available", lambda: False)
    monkeypatch.setattr(registry, "root", lambda: tmp_path / "bundled")
    monkeypatch.setattr(limits, "read_music", lambda data: [])
    monkeypatch.setattr(sources, "read_corpus", lambda data, split: Corpus({"talker": [CLEAN]}, [NOISE], []))
    return tmp_path / "bundled"


@pytest.mark.slow
def test_command_renews_cards_and_figures(bundled, capsys):
    names = ["blstm-mse-16k", "blstm-quality-net-refresh-16k"]
    for name in names:
        save_enhancer(bundled / name, name=name, training=TRAINING)
    run()
    printed = capsys.readouterr().out
    assert "of 1 utterances at -6, 0, 6, 12, 18 dB" in printed and f"{names[1]} over {names[0]}" in printed
    cards = [json.loads((bundled / name / "card.json").read_text()) for name in names]
    for name, card in zip(names, cards, strict=True):
        evaluation = card["evaluation"]
        assert evaluation["command"].endswith(f"enhancement --checkpoint {name}") and evaluation["commit"]
        for system in ("results", "noisy", "wiener", "omlsa", "spectral_gating"):
            assert list(evaluation[system]) == ["-6", "0", "6", "12", "18", "average"]
        assert (
            evaluation["noisy"]["0"]["si-sdr"][0] == pytest.approx(0, abs=0.5)
            and evaluation["results"]["0"]["n_failed"] == 0
        )
        assert evaluation["noisy"]["-6"]["jnd"][0] > evaluation["noisy"]["18"]["jnd"][0] > 0
        assert {path.name for path in (bundled / name).glob("*.png")} == PICTURES
    assert list(cards[0]["evaluation"]["gains"]) == ["over noisy"]
    assert list(cards[1]["evaluation"]["gains"]) == ["over noisy", "over blstm-mse-16k"]


def test_the_second_test_set_goes_into_the_card_beside_the_first(bundled, tmp_path, monkeypatch):
    splits, first = [], {"results": "of the first"}

    def read_corpus(data, split):
        splits.append(split)
        return Corpus({"talker": [CLEAN]}, [NOISE], [])

    monkeypatch.setattr(sources, "read_corpus", read_corpus)
    monkeypatch.setattr(measures, "TRUE", ("si-sdr",))
    save_enhancer(tmp_path / "mine", name="blstm-mine", training=TRAINING, evaluation=first)
    run("--checkpoint", f"{tmp_path}/mine/", "--split", "test2")
    card = registry.info(tmp_path / "mine")
    assert splits == ["test2"] and card["evaluation"] == first
    assert card["test2"]["command"].endswith("mine/ --split test2") and card["test2"]["results"]["average"]["n"] == 20
    assert card["test2"]["data"].startswith("20 mixtures of 1 utterances") and not list(tmp_path.glob("mine/*.png"))


class Halver:
    """A system from outside that takes the recording at half the level."""

    name = "DTLN"

    def enhance(self, noisy, sample_rate, lengths):
        return noisy / 2

    def digests(self):
        return {"model_1.onnx": "abcd"}


def test_systems_from_outside_go_into_the_card_with_their_files(bundled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measures, "TRUE", ("si-sdr",))
    monkeypatch.setattr(limits, "_SAMPLES", SAMPLE_RATE)
    monkeypatch.setattr(outside, "read", lambda texts: {"DTLN": Halver()} if texts == ["dtln=some/dtln"] else {})
    save_enhancer(tmp_path / "mine", name="blstm-mine", training=TRAINING)
    mine = f"{tmp_path}/mine/"
    with pytest.warns(InputWarning, match=r"DNSMOS is left out, it needs speechmos: pip install .*\[dnsmos\]"):
        run("--checkpoint", mine, "--system", "dtln=some/dtln", "--output", tmp_path / "scores")
    evaluation = registry.info(tmp_path / "mine")["evaluation"]
    assert evaluation["command"].endswith(f"--checkpoint {mine} --system dtln=dtln")
    assert evaluation["weights"] == {"DTLN": {"model_1.onnx": "abcd"}}
    assert set(evaluation["clean"]) == {"blstm-mine", "DTLN"}
    assert set(evaluation["limits"]) == {"noisy", "blstm-mine", "DTLN"}
    assert set(evaluation["limits"]["DTLN"]) == {"peak-50db", "peak-0db", "offset"}  # one talker, no music
    assert evaluation["limits"]["DTLN"]["peak-0db"]["value"][0] < -60 and not evaluation["limits"]["noisy"]
    assert evaluation["clean"]["DTLN"]["n"] == 1 and evaluation["clean"]["DTLN"]["si-sdr"][0] > 60
    halved, noisy = evaluation["outside"]["DTLN"]["average"], evaluation["noisy"]["average"]
    assert halved["si-sdr"][0] == pytest.approx(noisy["si-sdr"][0], abs=1e-3) and "free-pesq" in halved
    assert "DTLN" in capsys.readouterr().out.splitlines()[3]
    assert {path.name for path in (tmp_path / "scores").iterdir()} == {"over_snr.png", "table.csv", "table.txt"}
    run("--checkpoint", mine)
    assert not {"outside", "weights"} & set(registry.info(tmp_path / "mine")["evaluation"])


@pytest.mark.slow
def test_a_checkpoint_outside_of_the_bundled_ones_gets_its_card_and_figures(bundled, tmp_path):
    save_enhancer(tmp_path / "mine", name="blstm-mine", training=TRAINING)
    report.evaluate_checkpoint(tmp_path / "mine", tmp_path, tmp_path / "runs", 1, "python again")
    evaluation = registry.info(tmp_path / "mine")["evaluation"]
    assert evaluation["command"] == "python again" and evaluation["data"].startswith("5 mixtures of 1 utterances")
    assert len(evaluation["results"]) == 6 and list(evaluation["gains"]) == ["over noisy"]
    assert {path.name for path in (tmp_path / "mine").glob("*.png")} == PICTURES
    assert preset.load(tmp_path / "mine").name


@pytest.mark.slow
def test_command_on_any_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(dnsmos, "available", lambda: False)
    for folder, audio in (("speech/talker", CLEAN), ("noise", NOISE)):
        (tmp_path / folder).mkdir(parents=True)
        io.write(tmp_path / folder / "one.wav", io.resample(audio, SAMPLE_RATE, 48000), 48000)
    save_enhancer(tmp_path / "model")
    folders = ["--speech", tmp_path / "speech", "--noise", tmp_path / "noise"]
    run("--checkpoint", f"{tmp_path}/model/", *folders, "--output", tmp_path / "scores")
    written = {path.name for path in (tmp_path / "scores").iterdir()}
    assert written == {"over_snr.png", "spectrograms.png", "table.csv", "table.txt"}
    with open(tmp_path / "scores" / "table.csv", newline="") as file:
        records = list(csv.DictReader(file))
    systems = {"noisy", "Wiener", "OM-LSA", "spectral gating", f"{tmp_path}/model/"}
    assert {record["system"] for record in records} >= systems and "free-pesq" in records[0]
    assert "evaluation" not in json.loads((tmp_path / "model" / "card.json").read_text())


def test_a_page_to_listen_to_comes_instead_of_scores_and_renews_no_card(bundled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measures, "scores", None)  # nothing is scored
    monkeypatch.setattr(outside, "read", lambda texts: {"DTLN": Halver()} if texts else {})
    save_enhancer(tmp_path / "mine", name="blstm-mine", training=TRAINING)
    before = (tmp_path / "mine" / "card.json").read_bytes()
    mine, path = f"{tmp_path}/mine/", tmp_path / "page.html"
    run("--checkpoint", mine, "--system", "dtln=x", "--listen", path)
    html = path.read_text()
    names = ["clean reference", "noisy", "Wiener", "OM-LSA", "spectral gating", "DTLN", mine]
    assert [html.find(f"<h3>{name}</h3>") for name in names] == sorted(html.find(f"<h3>{name}</h3>") for name in names)
    assert html.count("<audio") == len(names) and "talker-0, -6 dB" in html
    assert (tmp_path / "mine" / "card.json").read_bytes() == before and "MB" in capsys.readouterr().out
    assert not list(tmp_path.glob("mine/*.png"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen", "no/such/page.html"], "folder does not exist"),
        (["--listen", "."], "is a folder"),
        (["--listen", "page.html", "--output", "scores"], "leave out --output"),
        (["--speech", "a", "--noise", "b", "--split", "test2"], "leave it out"),
        (["--speech", "a"], "--timit with --noise"),
        (["--speech", "a", "--noise", "b"], "give --output.* or --listen"),
    ],
)
def test_command_says_what_is_missing(arguments, message):
    with pytest.raises(InputError, match=message):
        run(*arguments)
