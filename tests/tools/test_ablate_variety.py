"""The ablation of variety: its parts differ in their kinds alone, are kept when they are done, and become tables."""

import json

import numpy as np
import pytest
import soundfile

from tests.support.audio import RATE, voice
from tools import ablate_variety
from zoo.audio import mix
from zoo.data.speech import read_corpus
from zoo.errors import InputError

QUALITY_NET = """
family = "quality_net"
name = "tiny"
network = "QualityNetLite"
options = { bands = 8 }
metric = "tests.support.quality_net:loudness"
metric_range = [-9.0, 1.0]
batch_size = 32
"""
ENHANCER = """
family = "enhancement"
name = "tiny"
network = "DNNEnhancer"
options = { units = 4 }
loss = { magnitude-mse = 1.0 }
seconds = 1.0
n_validation = 2
batch_size = 2
"""
RESULTS = {"validation": {"all": {"rmse": [0.5, 0.4, 0.6]}}, "varied": {"all": {"rmse": [0.75, 0.7, 0.8]}}}


@pytest.fixture
def data(tmp_path):
    """A data folder with a talker and a noise in each split, and two rooms."""
    rows = [f"speech/{split}/{split}.wav,{split} talker,{split}" for split in ("train", "validation", "test", "test2")]
    rows += [f"noise/{split}/hum.wav,hum {split},{split}" for split in ("train", "validation", "test", "test2")]
    rows += ["rir/hall.wav,hall,", "rir/seminar_room_clap.flac,seminar room,"]
    for i, row in enumerate(rows):
        path = tmp_path / row.split(",")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        audio = mix.decaying_room(0.2, 5.0, RATE, np.random.default_rng(i)) if row[0] == "r" else voice(5.0, seed=i)
        soundfile.write(path, audio, RATE)
    (tmp_path / "MANIFEST.csv").write_text("\n".join(["path,speaker_or_class,split", *rows]))
    read_corpus.cache_clear()
    return tmp_path


@pytest.fixture
def command(data, tmp_path):
    """A function of a config and more arguments that runs the tool with a process in a folder of its own."""

    def run(config, *more):
        (tmp_path / "tiny.toml").write_text(config)
        places = ["--data", data, "--runs", tmp_path / "runs", "--jobs", 1, "--epochs", 1]
        return ablate_variety.main([str(argument) for argument in (tmp_path / "tiny.toml", *places, *more)])

    return run


def test_each_kind_is_left_out_once_and_is_alone_once():
    parts = ablate_variety.variants(("rooms", "babble"))
    assert parts == {
        "none": (),
        "all": ("rooms", "babble"),
        "without rooms": ("babble",),
        "without babble": ("rooms",),
        "only rooms": ("rooms",),
        "only babble": ("babble",),
    }


def test_parts_that_are_done_are_kept_and_shown(command, tmp_path, monkeypatch, capsys):
    calls = []

    def measure(self, name, variety):
        calls.append(variety)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return RESULTS | {
            "varied": RESULTS["varied"] | {f"variety {kind}": {"rmse": [np.nan] * 3} for kind in variety}
        }, 2.0

    monkeypatch.setattr(ablate_variety.QualityNets, "measure", measure)
    options = ["--n-train", 10, "--kinds", "rooms", "--parts", "none", "all"]
    with pytest.raises(KeyboardInterrupt):
        command(QUALITY_NET, *options)
    command(QUALITY_NET, *options)
    assert calls == [(), ("rooms",), ("rooms",)]
    shown = capsys.readouterr().out
    assert "none: done already" in shown and "none  0.500       0.750 \nall   0.500       0.750" in shown
    command(QUALITY_NET, *options, "--table")
    assert len(calls) == 3 and capsys.readouterr().out in shown
    (summary,) = tmp_path.glob("runs/tiny-variety-10x1-*/summary.json")
    facts = json.loads(summary.read_text())
    assert list(facts["parts"]) == ["none", "all"] and facts["parts"]["all"]["results"]["varied"]["variety rooms"] == {
        "rmse": [None] * 3
    }


@pytest.mark.parametrize(
    ("config", "more", "says"),
    [
        (QUALITY_NET, [], "needs --n-train"),
        (ENHANCER, [], "needs --steps"),
        (QUALITY_NET, ["--n-train", 1, "--kinds", "bable"], "no variety is called 'bable'"),
        (QUALITY_NET, ["--n-train", 1, "--parts", "some"], "no part is called 'some'"),
        (QUALITY_NET, ["--n-train", 1, "--table"], "no part is done"),
        ('family = "jnd"\nname = "x"', [], "jnd has no variety"),
    ],
)
def test_what_is_missing_is_said(command, config, more, says):
    with pytest.raises(InputError, match=says):
        command(config, *more)


@pytest.mark.slow
def test_a_quality_net_is_measured_on_every_set(command, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.quality_net.examples.CHUNK", 16)
    monkeypatch.setattr("zoo.quality_net.examples.SECONDS", (0.5,))
    command(QUALITY_NET, "--n-train", 16, "--size", 16, "--kinds", "babble", "shift", "--parts", "all")
    (path,) = tmp_path.glob("runs/tiny-variety-*/parts/all.json")
    facts = json.loads(path.read_text())
    assert list(facts["results"]) == ["validation", "varied", "test", "test2"] and facts["variety"] == [
        "babble",
        "shift",
    ]
    assert all(result["all"]["n"] == 16 for result in facts["results"].values())
    assert "variety shift" in facts["results"]["varied"] and "variety shift" not in facts["results"]["test"]


@pytest.mark.slow
def test_an_enhancer_is_measured_on_every_set(command, tmp_path):
    options = ["--steps", 1, "--size", 6, "--kinds", "speed", "rooms", "coloured", "--parts", "none", "only speed"]
    pytest.importorskip("pyroomacoustics")
    command(ENHANCER, *options)
    parts = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("runs/tiny-variety-*/parts/*.json")}
    assert set(parts) == {"none", "only-speed"}
    for facts in parts.values():
        assert set(facts["results"]) == {"validation", "varied", "test", "test2"}
        assert facts["results"]["test"]["all"]["n"] == 5 and facts["results"]["test2"]["all"]["n"] == 6
        assert facts["results"]["varied"]["all"]["n"] == 6
        assert np.isfinite(facts["results"]["varied"]["all"]["pesq-wb"][0])
