"""From public files to files of the data folder: the samples that come out, and how they are checked."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr

from tests.support.repositories import RATE, make_repository, make_row, with_fingerprint
from zoo.data import processing
from zoo.errors import InputError


@pytest.fixture
def source(tmp_path):
    """(row, content of its source, samples of it)."""
    commit = make_repository(tmp_path / "sounds")
    row = make_row(tmp_path / "sounds", commit)
    path = tmp_path / "sounds" / "a.wav"
    return row, path.read_bytes(), soundfile.read(path, always_2d=True)[0]


def test_the_mean_is_resampled_then_cut_then_levelled(source):
    row, content, audio = source
    expected = soxr.resample(audio.mean(axis=1), RATE, 16000, quality="VHQ")[1600:5600] * 10 ** (-6 / 20)
    np.testing.assert_allclose(processing.render(row, [content])[:, 0], expected, atol=1e-12)


def test_one_channel_may_be_cut_before_it_is_resampled(source):
    row, content, audio = source
    row = replace(row, channels="first", cut="before", gain_db=0.0)
    expected = soxr.resample(audio[800:, 0], RATE, 16000, quality="VHQ")[:4000]
    np.testing.assert_allclose(processing.render(row, [content])[:, 0], expected, atol=1e-12)


def test_sources_are_summed_padded_and_faded(source):
    row, content, audio = source
    row = replace(row, channels="all", sources=("a.wav", "a.wav"), sample_rate=RATE, start_s=0.0, gain_db=0.0)
    summed = processing.render(replace(row, seconds=0.75), [content, content])
    np.testing.assert_allclose(summed, np.pad(2 * audio, ((0, 2000), (0, 0))), atol=1e-12)
    faded = processing.render(replace(row, seconds=0.5, fade_s=0.1), [content, content])
    np.testing.assert_allclose(faded[-800:], 2 * audio[-800:] * np.linspace(1, 0, 800)[:, None], atol=1e-12)


def test_what_cannot_be_decoded_is_refused(source):
    row, *_ = source
    with pytest.raises(InputError):
        processing.render(row, [b"no audio"])


@pytest.mark.parametrize(
    "fields", [{}, {"quality": 0.6, "path": "a.ogg"}, {"quality": 0.6, "block": 500, "path": "a.ogg"}]
)
def test_a_file_that_was_made_is_equal(tmp_path, source, fields):
    row, content, _ = source
    row = with_fingerprint(replace(row, **fields), [content], tmp_path)
    path = tmp_path / "new" / "folder" / row.path
    processing.make(row, [content], path)
    info = soundfile.info(path)
    assert (info.frames, info.samplerate) == (4000, 16000)
    assert info.subtype == ("VORBIS" if row.quality else "PCM_16")
    assert processing.check(row, path) == "equal"


def test_rounding_is_close_and_other_samples_differ(tmp_path, source):
    row, content, _ = source
    row, path = with_fingerprint(row, [content], tmp_path), tmp_path / "a.flac"
    assert processing.check(row, path) == "missing"
    processing.make(row, [content], path)
    audio, rate = soundfile.read(path, dtype="int16")
    for name, samples, state in [
        ("rounded", audio + (np.arange(4000) % 7 == 0), "close"),
        ("quieter", audio * 0.98, "differs"),
        ("longer", np.append(audio, 0), "differs"),
    ]:
        soundfile.write(tmp_path / f"{name}.flac", samples.astype("int16"), rate)
        assert processing.check(row, tmp_path / f"{name}.flac") == state, name
    path.write_bytes(path.read_bytes()[:1000])
    assert processing.check(row, path) == "differs"


def test_copies_are_compared_by_their_bytes(tmp_path, source):
    row, *_ = source
    row = replace(row, channels="", sample_rate=0, path="a.mid", sha256=hashlib.sha256(b"notes").hexdigest())
    processing.make(row, [b"notes"], tmp_path / "a.mid")
    assert processing.check(row, tmp_path / "a.mid") == "equal"
    (tmp_path / "a.mid").write_bytes(b"other notes")
    assert processing.check(row, tmp_path / "a.mid") == "differs"


def test_answers_on_four_talkers_are_left_out(tmp_path, source):
    row, *_ = source
    answers = b"1_f1_script.wav\t2_f1_script.wav\t0\n1_f10_script.wav\t2_f10_script.wav\t1\n1_m9_a.wav\t2_m9_a.wav\t1\n"
    processing.make(replace(row, channels="", sample_rate=0), [answers], tmp_path / "eq.tsv")
    assert (tmp_path / "eq.tsv").read_bytes() == answers.splitlines(keepends=True)[0]


def test_samples_beyond_full_scale_are_clipped():
    assert processing.as_integers(np.array([-1.5, 1.5, 0.5 / 32768, 1.6 / 32768])).tolist() == [-32768, 32767, 0, 2]


def test_silence_has_a_level():
    assert processing.fingerprint(np.zeros((10, 2)))[1] == processing.SILENCE_DB
