"""Corpora that users have, as tiny trees of the same shape: read, mixed, trained on by the one command."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from tests.support.harness import data_path
from tools import train as tool
from zoo.audio import mix
from zoo.enhancement import fixed, report, sources
from zoo.errors import InputError, InputWarning

RATE = 16000
RECIPE = """
family = "enhancement"
name = "tiny"
network = "DNNEnhancer"
options = { units = 8 }
loss = { magnitude-mse = 1.0 }
seconds = 1.0
n_validation = 5
batch_size = 2
steps = 2
epochs = 1
"""


def voice(seconds, seed, rate=RATE):
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * k * rng.uniform(100, 200) * time) / k for k in range(1, 20))
    return 0.05 * tone * np.sin(2 * np.pi * 2.5 * time) ** 2


def write(path, audio, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, **options)


@pytest.fixture(scope="module")
def voice_bank(tmp_path_factory):
    """Voice Bank-DEMAND: 48 kHz, clean and noisy folders, talkers p226 and p287 for validation, a log of the test."""
    root = tmp_path_factory.mktemp("VoiceBank")
    for part, talkers in {"trainset_28spk": ("p225", "p226", "p287"), "testset": ("p232",)}.items():
        for i, talker in enumerate(talkers):
            clean = voice(3.5, seed=i, rate=48000)
            noise = mix.colored_noise(len(clean), 1.0, np.random.default_rng(i))
            write(root / f"clean_{part}_wav" / f"{talker}_001.wav", clean, 48000)
            write(root / f"noisy_{part}_wav" / f"{talker}_001.wav", mix.mix_at_snr(clean, noise, 5.0), 48000)
    (root / "log_testset.txt").write_text("p232_001 bus 2.5\n")
    return root


@pytest.fixture(scope="module")
def timit(tmp_path_factory):
    """TIMIT: SPHERE files by dialect region and talker, SA sentences that all talkers share."""
    root = tmp_path_factory.mktemp("TIMIT")
    for part, talkers in {"TRAIN": ("FCJF0", "MDAB0", "FDAW0"), "TEST": ("MJSW0",)}.items():
        for i, talker in enumerate(talkers):
            for sentence in ("SA1", "SX37", "SI648"):
                path = root / part / "DR1" / talker / f"{sentence}.WAV"
                write(path, voice(3.5, seed=i), format="NIST", subtype="PCM_16")
    return root


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    root = tmp_path_factory.mktemp("noise")
    write(root / "babble" / "1.wav", mix.colored_noise(2 * 44100, 1.0, np.random.default_rng(0)), 44100)
    write(root / "white.wav", mix.colored_noise(2 * RATE, 0.0, np.random.default_rng(1)))
    return root


def test_voice_bank(voice_bank):
    source, validation = sources.train_on_voice_bank(voice_bank, 4)
    assert len(source.pairs) == 1 and len(source.pairs[0][0]) == int(3.5 * RATE)
    assert [len(example.noisy) for example in validation] == [3 * RATE] * 4
    (example,) = sources.test_on_voice_bank(voice_bank)
    assert example.snr_db == 2.5 and example.reference.shape == example.noisy.shape == (int(3.5 * RATE),)
    noise = example.noisy - example.reference
    assert 20 * np.log10(mix.rms(example.reference) / mix.rms(noise)) > 2


def test_timit(timit, noise):
    source, validation = sources.train_on_timit(timit, noise, (-8, 8), 5)
    assert set(source.speech) == {"FDAW0", "MDAB0"} and len(source.noise) == 1
    assert [len(clips) for clips in source.speech.values()] == [2, 2]
    assert [example.snr_db for example in validation] == [-10, -5, 0, 5, 10]
    tested = sources.test_on_timit(timit, noise)
    assert {example.name for example in tested} == {"MJSW0-0", "MJSW0-1"}
    assert {example.snr_db for example in tested} == {-6, 0, 6, 12, 18}


def test_any_folders(timit, noise):
    assert len(sources.test_on_folders(timit / "TEST", noise)) == 3 * 5


@pytest.mark.slow
def test_the_test_set_of_the_data_folder_shares_nothing_with_training():
    data = data_path("MANIFEST.csv").parent
    source, validation = sources.train_on_data(data, (-8, 8), 10)
    tested = sources.test_on_data(data)
    names = {example.name.rsplit("-", 1)[0] for example in tested}
    assert len(validation) == 10 and len(names) > 5 and not names & source.speech.keys()


def test_a_damaged_corpus_says_what_is_missing(voice_bank, tmp_path):
    lone = tmp_path / "clean_testset_wav"
    write(lone / "p232_001.wav", voice(1.0, seed=0))
    write(tmp_path / "noisy_testset_wav" / "p232_002.wav", voice(1.0, seed=0))
    with pytest.raises(InputError, match=r"p232_001.*no such file"):
        sources.test_on_voice_bank(tmp_path)


def train_tool(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["tools/train.py", *map(str, arguments)])
    tool.main()


@pytest.mark.slow
def test_one_command_trains_on_voice_bank(voice_bank, tmp_path, monkeypatch):
    (tmp_path / "tiny.toml").write_text(RECIPE)
    evaluated = []
    monkeypatch.setattr(report, "evaluate_checkpoint", lambda *arguments: evaluated.append(arguments))
    options = ["--voice-bank", voice_bank, "--runs", tmp_path / "runs", "--output", tmp_path, "--jobs", 1]
    train_tool(monkeypatch, tmp_path / "tiny.toml", *options, "--data", "recordings")
    card = json.loads((tmp_path / "tiny" / "card.json").read_text())
    assert card["training"]["curve"]["iteration"] == [0, 2]
    assert "--voice-bank" in card["training"]["command"] and str(voice_bank) in card["data"]
    assert [one[:4] for one in evaluated] == [(tmp_path / "tiny", "recordings", str(tmp_path / "runs"), 1)]


def test_a_half_given_corpus_is_refused(tmp_path, monkeypatch):
    (tmp_path / "tiny.toml").write_text(RECIPE)
    with pytest.raises(InputError, match="--noise"):
        train_tool(monkeypatch, tmp_path / "tiny.toml", "--timit", tmp_path)


def test_a_file_that_cannot_be_read_is_left_out_aloud_and_counted(tmp_path):
    """Of speech and of noise, whatever is wrong with it: the mixtures are those of the rest."""
    for name in ("a", "b"):
        write(tmp_path / "speech" / f"{name}.wav", voice(1.5, seed=ord(name)))
    write(tmp_path / "noise" / "hiss.wav", 0.1 * np.random.default_rng(0).standard_normal(RATE))
    whole = sources.test_on_folders(tmp_path / "speech", tmp_path / "noise")
    (tmp_path / "speech" / "page.wav").write_text("<html>")
    write(tmp_path / "speech" / "nan.wav", np.full(RATE, np.nan), subtype="FLOAT")
    with pytest.warns(InputWarning) as caught:
        mixtures = sources.test_on_folders(tmp_path / "speech", tmp_path / "noise")
    said = [str(one.message) for one in caught if one.category is InputWarning]
    assert [any(words in text for text in said) for words in ("page.wav: cannot be read", "nan.wav: holds NaN")] == [
        True
    ] * 2
    assert "2 of 4 recordings cannot be read, and are left out" in said
    assert len(mixtures) == len(whole) == 10
    np.testing.assert_array_equal(mixtures[0].noisy, whole[0].noisy)


def test_the_fixed_mixtures_of_the_data_folder(monkeypatch):
    """Training of the train split's speech and noise, validation of the validation's; the test's are 2,000."""
    clip = np.random.default_rng(0).normal(size=4 * 16000).astype("float32")
    corpora = {
        "train": SimpleNamespace(speech={"a": [clip] * 300}, noise=[clip] * 10),
        "validation": SimpleNamespace(speech={"b": [clip] * 5}, noise=[clip]),
        "test": SimpleNamespace(speech={"c": [clip] * 100}, noise=[clip] * 4),
    }
    monkeypatch.setattr(sources, "read_corpus", lambda data, split: corpora[split])
    source, validation = sources.train_on_fixed_data("data/", 5)
    assert len(source) == 15000 and len(validation) == 5
    monkeypatch.setattr(fixed, "test_set", lambda speech, noise, noises: (len(speech["c"]), len(noise), noises))
    assert sources.test_on_fixed_data("data/") == (100, 4, 4)
