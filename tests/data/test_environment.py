"""Labelled recordings: classes merged or left out, sources in one split, the two shapes of folders, clear errors."""

import collections
import csv

import numpy as np
import pytest
import soundfile

from tests.support.harness import data_path
from zoo.data.environment import SPLITS, read_dcase, read_noise_classes
from zoo.errors import InputError

RATE = 22050
COLUMNS = ("path", "speaker_or_class", "split", "attribution")


def write_tone(path, hertz, rate=16000, seconds=0.2, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    soundfile.write(path, np.stack([tone] * channels, axis=1) if channels > 1 else tone, rate)


def write_manifest(folder, rows):
    """Tones of `rows` (class, name, split, attribution), a frequency each, and their MANIFEST.csv."""
    with open(folder / "MANIFEST.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, (name, recording, split, attribution) in enumerate(rows):
            path = f"noise/{split}/{name}/{recording}.flac"
            write_tone(folder / path, 200 + 10 * number)
            writer.writerow([path, name, split, attribution])


def pitch(audio, rate=RATE):
    return np.abs(np.fft.rfft(audio)).argmax() * rate / len(audio)


@pytest.fixture
def noises(tmp_path):
    author = '{}, "a title, with a comma", http://address/{}'
    rows = [("rain", f"{i}", "train", author.format(f"author {i // 2}", i)) for i in range(8)]
    rows += [("oven_hum", "a", "train", "x"), ("fridge_hum", "b", "train", "x"), ("computer_fan", "c", "train", "x")]
    rows += [("snoring", "a", "train", "x"), ("snoring", "b", "train", "x"), ("static", "a", "test", "x")]
    write_manifest(tmp_path, rows)
    return tmp_path


def test_classes_are_merged_or_left_out_and_the_test_folder_is_not_read(noises):
    counts = {split: collections.Counter(r.label for r in read_noise_classes(noises, split, RATE)) for split in SPLITS}
    assert counts == {"train": {"rain": 6, "machine": 2}, "validation": {"rain": 2, "machine": 1}}


def test_an_author_is_in_one_split_with_all_recordings(noises):
    splits = [{r.source for r in read_noise_classes(noises, split, RATE) if r.label == "rain"} for split in SPLITS]
    assert splits == [{"author 0", "author 2", "author 3"}, {"author 1"}]


def test_a_share_of_a_recording_is_read_from_its_start(noises):
    def share(path):
        assert path.startswith("noise/train/")
        return 0.25 if "fan" in path else 1.0

    for part, expected in ((share, [0.05, 0.2, 0.2]), (None, [0.2, 0.2, 0.2])):
        parts = [r for split in SPLITS for r in read_noise_classes(noises, split, RATE, part) if r.label == "machine"]
        assert sorted(round(len(r.audio) / RATE, 3) for r in parts) == expected


@pytest.mark.parametrize("rate", [16000, 22050])
def test_recordings_are_at_the_rate_that_is_wanted(rate, noises):
    first = read_noise_classes(noises, "train", rate)[0]
    assert first.audio.dtype == np.float32 and first.audio.shape == (int(0.2 * rate),)
    assert pitch(first.audio, rate) == pytest.approx(200, abs=5)


@pytest.fixture
def scenes(tmp_path):
    lines = []
    for label, hertz in (("beach", 300), ("tram", 600)):
        for place in range(4):
            for start in (0, 30):
                name = f"audio/{label}{place}_{start}_{start + 30}.wav"
                write_tone(tmp_path / name, hertz, rate=44100, channels=2)
                lines.append(f"{name}\t{label}\tnot read" if place else f"{name}\t{label}")
    (tmp_path / "meta.txt").write_text("\n".join(lines) + "\n\n")
    return tmp_path


def test_dcase_pieces_of_a_place_stay_together(scenes):
    splits = {split: read_dcase(scenes, split, RATE) for split in SPLITS}
    sources = {split: {r.source for r in recordings} for split, recordings in splits.items()}
    assert sources["validation"] == {"beach1", "tram1"}
    assert sources["train"] == {f"{label}{place}" for label in ("beach", "tram") for place in (0, 2, 3)}
    assert [len(recordings) for recordings in splits.values()] == [12, 4]


def test_dcase_stereo_at_44100_hz_is_read_as_mono_at_22050(scenes):
    for recording in read_dcase(scenes, "validation", RATE):
        assert recording.audio.shape == (int(0.2 * RATE),)
        assert pitch(recording.audio) == pytest.approx({"beach": 300, "tram": 600}[recording.label], abs=5)
        assert np.abs(recording.audio).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("read", "index"), [(read_noise_classes, "MANIFEST.csv"), (read_dcase, "meta.txt")])
def test_a_folder_without_its_index_says_what_is_missing(read, index, tmp_path):
    with pytest.raises(InputError, match=f"no {index}"):
        read(tmp_path, "train", RATE)


def test_errors_say_what_to_do(noises, tmp_path):
    with pytest.raises(InputError, match="train or validation"):
        read_noise_classes(noises, "test", RATE)
    (tmp_path / "meta.txt").write_text("audio/a_0_30.wav\tbeach\naudio/b_0_30.wav beach\n")
    with pytest.raises(InputError, match="line 2.*a tab and the class"):
        read_dcase(tmp_path, "train", RATE)
    (tmp_path / "meta.txt").write_text("audio/a_0_30.wav\tbeach\naudio/a_30_60.wav\tbeach\n")
    with pytest.raises(InputError, match="no class with 3 sources"):
        read_dcase(tmp_path, "train", RATE)
    (tmp_path / "meta.txt").write_text("".join(f"audio/{place}_0_30.wav\tbeach\n" for place in "abc"))
    with pytest.raises(InputError, match="no such file"):
        read_dcase(tmp_path, "train", RATE)


def test_the_real_splits_share_classes_and_nothing_else():
    train, validation = (read_noise_classes(data_path("MANIFEST.csv").parent, split, RATE) for split in SPLITS)
    assert {r.label for r in train} == {r.label for r in validation}
    assert len({r.label for r in train}) > 9
    assert not {(r.label, r.source) for r in train} & {(r.label, r.source) for r in validation}
    assert not {r.audio.tobytes() for r in train} & {r.audio.tobytes() for r in validation}
    assert all(r.audio.dtype == np.float32 and np.abs(r.audio).max() > 0 for r in train + validation)
