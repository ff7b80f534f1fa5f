"""Pairs of files, folders and tables, and reading them at one rate and length."""

import numpy as np
import pytest
import soundfile

from tests.support.audio import RATE, tone
from zoo.audio import io, pairs
from zoo.errors import InputError


def test_folders_are_paired_by_name_and_say_what_is_missing(tmp_path):
    for name in ("clean/a.wav", "noisy/a.wav", "clean/deep/b.flac", "noisy/c.wav", "noisy/.hidden.wav", "clean/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    clean, noisy = tmp_path / "clean", tmp_path / "noisy"
    first, second, third = pairs.find(clean, noisy)
    assert first == pairs.Pair("a.wav", clean / "a.wav", noisy / "a.wav")
    assert second.error == f"{clean / 'c.wav'}: no such file; add it"
    assert third.name == "deep/b.flac" and third.error == f"{noisy / 'deep/b.flac'}: no such file; add it"
    with pytest.raises(InputError, match="is a folder, .* is not"):
        pairs.find(clean, noisy / "a.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no .*wav"):
        pairs.find(tmp_path / "empty", tmp_path / "empty")


def test_a_table_has_paths_relative_to_its_folder(tmp_path):
    (tmp_path / "pairs.csv").write_text("reference,degraded\nclean.wav,noisy.wav\n")
    (pair,) = pairs.find(tmp_path / "pairs.csv")
    assert (pair.reference, pair.degraded) == (tmp_path / "clean.wav", tmp_path / "noisy.wav")
    with pytest.raises(InputError, match="give a degraded recording or folder too, or one CSV file"):
        pairs.find(tmp_path / "clean.wav")
    (tmp_path / "bad.csv").write_text("reference\nclean.wav\n")
    with pytest.raises(InputError, match="needs the columns reference and degraded"):
        pairs.find(tmp_path / "bad.csv")


def test_pairs_at_two_rates_round_to_one_length(tmp_path):
    io.write(tmp_path / "reference.wav", tone()[:-1], RATE)
    io.write(tmp_path / "degraded.wav", tone(44100), 44100)
    (pair,) = pairs.find(tmp_path / "reference.wav", tmp_path / "degraded.wav")
    with pytest.raises(InputError, match="degraded.wav: is at 44100 Hz"):
        pairs.read(pair)
    reference, degraded, rate = pairs.read(pair, resample=True)
    assert len(reference) == len(degraded) == len(tone()) - 1 and rate == RATE


def test_pairs_read_at_a_rate_of_the_list(tmp_path):
    io.write(tmp_path / "tone.wav", tone(8000), 8000)
    (pair,) = pairs.find(tmp_path / "tone.wav", tmp_path / "tone.wav")
    assert pairs.read(pair, rates=(16000, 8000))[2] == 8000
    assert pairs.read(pair, rates=(16000,), resample=True)[2] == 16000


def test_pairs_of_two_lengths_are_padded_on_request(tmp_path):
    for name, samples in (("long", 8000), ("short", 7000), ("shorter", 7999)):
        io.write(tmp_path / f"{name}.wav", tone()[:samples], RATE)

    def read(reference, degraded, **options):
        (pair,) = pairs.find(tmp_path / f"{reference}.wav", tmp_path / f"{degraded}.wav")
        return pairs.read(pair, **options)[:2]

    expected = np.concatenate([tone()[:7000], np.zeros(1000)]).astype("float32")
    for names in (("long", "short"), ("short", "long")):
        actual = dict(zip(names, read(*names, pad=True), strict=True))
        np.testing.assert_array_equal(actual["short"], expected)
        np.testing.assert_array_equal(actual["long"], tone()[:8000])
    with pytest.raises(InputError, match=r"one length$"):
        read("long", "short")
    with pytest.raises(InputError, match=r"one length, or pad the shorter \(--pad, pad=True\)$"):
        read("long", "short", pad=False)
    # One sample is rounding where recordings are resampled, with padding too.
    assert [len(x) for x in read("long", "shorter", pad=True)] == [8000, 8000]
    assert [len(x) for x in read("long", "shorter", pad=True, resample=True)] == [7999, 7999]


def test_channels_are_read_where_they_are_asked_for(tmp_path):
    stereo = np.stack([tone(), 0.5 * tone()[::-1]], axis=1)
    for name, audio in (("stereo", stereo), ("late", np.pad(stereo, ((100, 0), (0, 0)))), ("mono", tone())):
        io.write(tmp_path / f"{name}.wav", audio, RATE)

    def read(reference, degraded, **options):
        (pair,) = pairs.find(tmp_path / f"{reference}.wav", tmp_path / f"{degraded}.wav")
        return pairs.read(pair, **options)[:2]

    for one in read("stereo", "stereo", channels=True):
        np.testing.assert_allclose(one, stereo, atol=1e-4)
    assert [x.shape for x in read("mono", "mono", channels=True)] == 2 * [tone().shape]
    assert [x.shape for x in read("stereo", "mono", channels=True, downmix=True)] == 2 * [tone().shape]
    assert [x.shape for x in read("stereo", "late", channels=True, pad=True)] == 2 * [(8100, 2)]
    assert [
        x.shape for x in read("stereo", "late", rates=(RATE // 2,), resample=True, channels=True, pad=True)
    ] == 2 * [(4050, 2)]
    with pytest.raises(InputError, match=r"mono.wav and .*stereo.wav differ in channels, 1 and 2: downmix them"):
        read("mono", "stereo", channels=True)
    with pytest.raises(InputError, match="stereo.wav: has 2 channels, mono is needed"):
        read("stereo", "stereo")


def test_a_delay_of_two_channels_is_taken_out(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 1)) * [1.0, -1.0]  # their mean is silent
    for name, audio in (("early", noise[300:]), ("late", noise[:-300])):
        io.write(tmp_path / f"{name}.wav", audio, RATE)
    (pair,) = pairs.find(tmp_path / "early.wav", tmp_path / "late.wav")
    reference, degraded, _ = pairs.read(pair, align=True, channels=True)
    assert reference.shape == (RATE - 600, 2)
    np.testing.assert_array_equal(reference, degraded)


def test_silent_pairs_are_read_on_request(tmp_path):
    io.write(tmp_path / "silent.wav", np.zeros(8000), RATE)
    (pair,) = pairs.find(tmp_path / "silent.wav", tmp_path / "silent.wav")
    with pytest.raises(InputError, match="silent.wav: is silent"):
        pairs.read(pair)
    assert not np.any(pairs.read(pair, silent=True)[:2])


def test_recordings_alone_are_a_file_a_folder_or_a_column(tmp_path):
    for name in ("a.wav", "deep/b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, 0.1 * np.ones(800), 8000)
    (tmp_path / "some.csv").write_text("degraded,kind\na.wav,noisy\n,noisy\n")
    assert [pair.degraded for pair in pairs.find_alone(tmp_path / "a.wav")] == [tmp_path / "a.wav"]
    assert [pair.name for pair in pairs.find_alone(tmp_path)] == ["a.wav", "deep/b.wav"]
    rows = pairs.find_alone(tmp_path / "some.csv")
    assert [row.error for row in rows] == ["", "row 2 lacks its degraded; fill it in"]
    assert all(pair.reference is None for pair in [*pairs.find_alone(tmp_path), *rows])
    reference, audio, rate = pairs.read(rows[0], rates=(16000,), resample=True)
    assert reference is None and rate == 16000 and audio.shape == (1600,)
    with pytest.raises(InputError, match="is at 8000 Hz, 16000 Hz is needed"):
        pairs.read(rows[0], rates=(16000,))


def test_recordings_alone_that_are_none_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no .wav"):
        pairs.find_alone(tmp_path / "empty")
    (tmp_path / "other.csv").write_text("file\na.wav\n")
    with pytest.raises(InputError, match="needs the column degraded, and a row or more"):
        pairs.find_alone(tmp_path / "other.csv")
    soundfile.write(tmp_path / "silent.wav", np.zeros(800), 16000)
    with pytest.raises(InputError, match="silent.wav: is silent"):
        pairs.read(pairs.find_alone(tmp_path / "silent.wav")[0])
