"""Folders of the corpora's own shapes are found, split and read; wrong ones are named."""

import numpy as np
import pytest
import soundfile

from zoo.audio import io, pairs
from zoo.enhancement import datasets, examples
from zoo.errors import InputError


def record(path, rate=16000, seconds=1.2, **options):
    """A recording that differs from path to path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(sum(map(ord, path.name)))
    soundfile.write(path, 0.1 * rng.standard_normal(int(seconds * rate)), rate, **options)


@pytest.fixture(params=["28spk_", ""])
def voice_bank(tmp_path, request):
    for condition in ("clean", "noisy"):
        for stem in ("p226_001", "p287_004", "p227_001", "p228_002"):
            record(tmp_path / f"{condition}_trainset_{request.param}wav" / f"{stem}.wav", rate=48000)
        for stem in ("p232_001", "p257_002"):
            record(tmp_path / f"{condition}_testset_wav" / f"{stem}.wav", rate=48000)
    return tmp_path


def test_voice_bank_splits(voice_bank):
    actual = {split: datasets.voice_bank(voice_bank, split) for split in ("train", "validation", "test")}
    names = {split: [pair.name for pair in of_split] for split, of_split in actual.items()}
    assert names == {
        "train": ["p227_001.wav", "p228_002.wav"],
        "validation": ["p226_001.wav", "p287_004.wav"],
        "test": ["p232_001.wav", "p257_002.wav"],
    }
    for pair in actual["train"]:
        assert pair.reference.parent.name.startswith("clean_") and pair.degraded.parent.name.startswith("noisy_")


def test_voice_bank_is_resampled_when_read_and_trains(voice_bank):
    read = [pairs.read(pair, rates=(16000,), resample=True)[:2] for pair in datasets.voice_bank(voice_bank, "train")]
    reference, noisy = examples.Recordings(read).draw(8000, np.random.default_rng(0))
    assert reference.shape == noisy.shape == (8000,)


def test_voice_bank_snrs(voice_bank):
    assert datasets.voice_bank_snrs(voice_bank) == {}
    log = voice_bank / "logfiles" / "log_testset.txt"
    log.parent.mkdir()
    log.write_text("p232_001 bus 2.5\np257_002 cafe 17.5\n")
    snrs = datasets.voice_bank_snrs(voice_bank)
    assert [snrs.get(pair.reference.stem) for pair in datasets.voice_bank(voice_bank, "test")] == [2.5, 17.5]
    log.write_text("p232_001 bus\n")
    with pytest.raises(InputError, match="log_testset.txt: the line 'p232_001 bus'"):
        datasets.voice_bank_snrs(voice_bank)


def test_voice_bank_that_is_not_whole(voice_bank):
    next(voice_bank.glob("noisy_testset_wav/p232*")).unlink()
    assert [bool(pair.error) for pair in datasets.voice_bank(voice_bank, "test")] == [True, False]
    for path in voice_bank.glob("*_trainset_*/p2[28][67]*"):
        path.unlink()
    with pytest.raises(InputError, match="no recording for validation"):
        datasets.voice_bank(voice_bank, "validation")
    for path in voice_bank.glob("noisy_trainset*/*"):
        path.unlink()
    next(voice_bank.glob("noisy_trainset*")).rmdir()
    with pytest.raises(InputError, match="holds no folder noisy_trainset"):
        datasets.voice_bank(voice_bank, "train")


@pytest.fixture(params=["published", "lower case", "converted"])
def timit(tmp_path, request):
    """Eleven training talkers and one of the test, two sentences each beside SA1 and SA2."""
    paths = [f"TRAIN/DR{1 + i % 2}/FTR{i:02d}/{name}.WAV" for i in range(11) for name in ("SA1", "SI5", "SX37")]
    paths += [f"TEST/DR1/MTE00/{name}.WAV" for name in ("SA2", "SI9", "SX7")]
    for path in paths:
        path = path.lower() if request.param == "lower case" else path
        if request.param == "converted":
            record(tmp_path / f"{path}.wav")
        record(tmp_path / path, format="NIST", subtype="PCM_16")
        (tmp_path / path).with_suffix(".TXT").write_text("0 9 words")
    return tmp_path


def test_timit_splits_share_no_talker(timit):
    train, held, test = (datasets.timit(timit, split) for split in ("train", "validation", "test"))
    assert list(held) == ["FTR00", "FTR10"]
    assert list(train) == [f"FTR{i:02d}" for i in range(1, 10)]
    assert list(test) == ["MTE00"]
    for speech in (train, held, test):
        for paths in speech.values():
            assert [path.name.split(".")[0].upper()[:2] for path in paths] == ["SI", "SX"]


def test_timit_is_read_from_sphere_files(timit):
    (path, _), *_ = datasets.timit(timit, "train").values()
    audio, rate = io.read(path, 16000)
    assert rate == 16000 and len(audio) == 19200 and np.abs(audio).max() > 0.1


def test_recordings_by_their_top_folder(tmp_path):
    for name in ("b/deep/er/2.flac", "b/1.wav", "a/1.WAV", "loose.wav", "a/._1.wav"):
        if "._" in name:
            (tmp_path / name).write_text("a file manager's, no audio")
        else:
            record(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no audio")
    actual = datasets.recordings(tmp_path)
    shown = {folder: [path.relative_to(tmp_path).as_posix() for path in paths] for folder, paths in actual.items()}
    assert shown == {"a": ["a/1.WAV"], "b": ["b/1.wav", "b/deep/er/2.flac"], tmp_path.name: ["loose.wav"]}
    speech = {talker: [io.read(path)[0] for path in paths] for talker, paths in actual.items()}
    assert len(examples.test_set(speech, [speech["a"][0]], snrs_db=(0,), noises=1)) == 4


@pytest.mark.parametrize("corpus", [datasets.voice_bank, datasets.timit])
def test_wrong_folders_and_splits(tmp_path, corpus):
    with pytest.raises(InputError, match="no such folder"):
        corpus(tmp_path / "none", "train")
    with pytest.raises(InputError, match="holds no folder (clean_trainset_28spk_wav or clean_trainset_wav|TRAIN)"):
        corpus(tmp_path, "train")
    with pytest.raises(InputError, match="unknown split 'dev'"):
        corpus(tmp_path, "dev")


def test_folders_without_recordings(tmp_path):
    (tmp_path / "TRAIN").mkdir()
    with pytest.raises(InputError, match="no sentence for train"):
        datasets.timit(tmp_path, "train")
    with pytest.raises(InputError, match="holds no .wav, .flac"):
        datasets.recordings(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        datasets.recordings(tmp_path / "none")
