"""Codecs change the speech, but neither its length nor its place in time."""

import shutil

import numpy as np
import pytest

from tests.support.audio import RATE, voice
from zoo.audio import codecs
from zoo.errors import InputError


def lag(signal, reference, most=60):
    """By how many samples a signal is later than its reference."""
    sizes = [np.dot(signal[most + i : len(signal) - most + i], reference[most:-most]) for i in range(-most, most + 1)]
    return int(np.argmax(sizes)) - most


@pytest.mark.parametrize("codec", codecs.ALL, ids=str)
def test_a_codec_keeps_shape_and_time(codec):
    speech = voice()
    for seed in range(2):
        degraded = codecs.code(speech, RATE, np.random.default_rng(seed), [codec])
        assert degraded.shape == speech.shape and degraded.dtype == np.float32
        assert np.isfinite(degraded).all() and np.abs(degraded - speech).max() > 0
        assert abs(lag(degraded, speech)) <= 1 and np.corrcoef(degraded, speech)[0, 1] > 0.5
        np.testing.assert_array_equal(degraded, codecs.code(speech, RATE, np.random.default_rng(seed), [codec]))


@pytest.mark.parametrize("program", codecs.PROGRAMS, ids=str)
def test_a_codec_of_ffmpeg_keeps_shape_and_time(program):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    speech = voice()
    first, again = (codecs.code_by_ffmpeg(speech, RATE, np.random.default_rng(0), [program]) for _ in range(2))
    assert first.shape == speech.shape and first.dtype == np.float32 and np.abs(first - speech).max() > 0
    # The sound is noise with the spectrum of speech, which Speex at a low rate hardly keeps.
    assert abs(lag(first, speech)) <= 1 and np.corrcoef(first, speech)[0, 1] > 0.2
    np.testing.assert_array_equal(first, again)


def test_the_first_codecs_stay_in_their_places():
    # Stored draws of recipes choose one of them by number.
    assert codecs.ALL[: len(codecs.FEW)] == codecs.FEW and len(codecs.FEW) == 9
    assert [codec.subtype for codec in codecs.FEW[:5]] == ["MPEG_LAYER_III", "VORBIS", "OPUS", "OPUS", "GSM610"]


def test_without_ffmpeg_or_its_codec_it_says_what_to_do(monkeypatch):
    odd = codecs.Program("no-such-codec", "wav", "wav", RATE, (8, 8))
    if shutil.which("ffmpeg"):
        with pytest.raises(InputError, match="no-such-codec.*leave ffmpeg-codecs out"):
            codecs.code_by_ffmpeg(voice(), RATE, np.random.default_rng(0), [odd])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="install it, or, of a variety, leave ffmpeg-codecs out"):
        codecs.code_by_ffmpeg(voice(), RATE, np.random.default_rng(0))


def test_align_takes_the_delay_out():
    speech = voice()
    late = np.concatenate([np.zeros(1105, "float32"), speech])
    np.testing.assert_array_equal(codecs.align(late, speech), speech)
    early = codecs.align(speech[300:], speech)
    np.testing.assert_array_equal(early[300:], speech[300:])
