"""Delays are found to the sample in clean, noisy, enhanced and reverberant speech, and none where there is none."""

import numpy as np
import pytest

from tests.support.harness import REPOSITORY, data_path
from zoo.audio import align, io, mix
from zoo.errors import InputError

RATE = 16000
KINDS = ("reference", "degraded", "enhanced", "noise", "room", "small room")


def recordings(kind):
    """Clean speech, and what became of it."""
    paths = REPOSITORY / "zoo" / "data" / "audio"
    rng, speech = np.random.default_rng(0), io.read(paths / "speech_reference.flac", RATE)[0]
    if kind == "noise":
        return speech, mix.mix_at_snr(speech, mix.colored_noise(len(speech), 1.0, rng), -5.0)
    if kind == "room":
        return speech, mix.convolve_room(speech, mix.decaying_room(1.5, -6.0, RATE, rng))
    if kind == "small room":
        return speech, mix.convolve_room(speech, mix.decaying_room(0.3, 0.0, RATE, rng))
    return speech, io.read(paths / f"speech_{kind}.flac", RATE)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lag", [0, 2, 160, -300, 7900])
def test_a_delay_is_found_to_the_sample(kind, lag):
    reference, degraded = recordings(kind)
    late = reference[max(lag, 0) :], degraded[max(-lag, 0) :]
    late = [audio[: len(reference) - abs(lag)] for audio in late]
    assert align.find_lag(*late, RATE) == lag
    first, second, same = align.align(*late, RATE)
    assert same == lag and len(first) == len(second) == len(reference) - 2 * abs(lag)
    start = abs(lag)
    np.testing.assert_array_equal(first, reference[start : len(reference) - start])
    np.testing.assert_array_equal(second, degraded[start : len(reference) - start])


def test_rooms_that_were_measured_are_in_time_and_found_late():
    reference, _ = recordings("reference")
    for path in sorted(data_path("rir").glob("*.flac")):
        wet = mix.convolve_room(reference, io.read(path, RATE, resample=True, downmix=True)[0])
        assert align.find_lag(reference, wet, RATE) == 0, path.name
        assert align.find_lag(reference[160:], wet[:-160], RATE) == 160, path.name


@pytest.mark.parametrize("samples", [0, 1, 3, 200, 2000, 8000, 30000])
def test_of_short_and_of_unrelated_recordings_nothing_is_claimed(samples):
    reference, degraded = (audio[20000 : 20000 + samples] for audio in recordings("degraded"))
    noise = np.random.default_rng(1).normal(size=samples)
    for first, second in ((reference, degraded), (reference, noise), (reference, 0 * noise), (0 * noise, noise)):
        assert align.find_lag(first, second, RATE) == 0
    assert align.find_lag(reference, np.full(samples, np.nan), RATE) == 0


def test_of_a_tone_that_any_period_explains_nothing_is_claimed():
    tone = np.sin(2 * np.pi * 100 * np.arange(2 * RATE) / RATE)
    assert align.find_lag(tone, np.roll(tone, 20), RATE) == 0


def test_recordings_of_two_lengths_are_cut_to_what_they_share():
    reference, degraded = recordings("degraded")
    late = np.concatenate([np.zeros(480, "float32"), degraded])
    first, second, lag = align.align(reference, late, RATE)
    assert lag == 480
    np.testing.assert_array_equal(first, reference)
    np.testing.assert_array_equal(second, degraded)


def test_a_batch_is_refused():
    with pytest.raises(InputError, match="give \\(samples,\\)"):
        align.find_lag(np.zeros((1, 100)), np.zeros(100), RATE)
