"""Recordings that a user hands over: floats, rates, lengths, batches, channels as rows, and what is refused."""

import numpy as np
import pytest

from zoo.audio import checks
from zoo.errors import InputError

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 100))


def test_one_recording_is_a_batch_of_one():
    reference, degraded, lengths = checks.as_batch(NOISE[0], NOISE[1])
    assert reference.shape == degraded.shape == (1, 100) and lengths.tolist() == [100]
    (batch, lengths) = checks.as_batch(NOISE, lengths=[100, 50, 1])
    assert batch.shape == (3, 100) and lengths.tolist() == [100, 50, 1]


@pytest.mark.parametrize(
    ("recordings", "lengths", "says"),
    [
        ((NOISE, NOISE[:2]), None, r"differ in shape, \(3, 100\) and \(2, 100\)"),
        ((NOISE[None],), None, r"shape \(1, 3, 100\); give \(samples,\) or \(batch, samples\)"),
        ((np.zeros(5, "int16"),), None, "audio is int16; give float"),
        (([np.zeros(5), np.zeros(6)],), None, "several lengths are no array"),
        ((NOISE,), [100, 50], r"give 3 integers"),
        ((NOISE,), [100.0, 50.0, 1.0], "of float64; give 3 integers"),
        ((NOISE,), [101, 50, 1], r"lie in 0..100 samples, not 1..101"),
        ((np.zeros((100, 2)),), None, r"looks like \(samples, channels\)"),
    ],
)
def test_batches_that_cannot_be_used(recordings, lengths, says):
    with pytest.raises(InputError, match=says):
        checks.as_batch(*recordings, lengths=lengths)


def test_another_rate_is_opted_into():
    checks.check_rate(16000, 16000)
    checks.check_rate(44100, 16000, resample=True)
    with pytest.raises(InputError, match="at 44100 Hz and the model at 16000 Hz: pass resample=True"):
        checks.check_rate(44100, 16000)
    for rate in (0, -1, float("nan")):
        with pytest.raises(InputError, match="give that of the audio in Hz, above 0"):
            checks.check_rate(rate, 16000, resample=True)


def test_a_batch_is_resampled_with_its_lengths():
    batch, lengths = checks.as_batch(NOISE, lengths=[100, 50, 10])
    same, unchanged = checks.at_rate(batch, lengths=lengths, sample_rate=16000, model_rate=16000)
    assert same.dtype == np.float32 and unchanged.dtype == np.int32 and not same[1, 50:].any()
    np.testing.assert_allclose(same[1, :50], NOISE[1, :50], atol=1e-6)
    options = {"sample_rate": 16000, "model_rate": 22050, "resample": True}
    faster, longer = checks.at_rate(batch, lengths=lengths, **options)
    assert faster.shape == (3, 138) and longer.tolist() == [138, 69, 14]


def test_padding_ends_in_zeros():
    long, short = checks.padded(NOISE[0], NOISE[1, :60])
    np.testing.assert_array_equal(long, NOISE[0])
    np.testing.assert_array_equal(short, np.r_[NOISE[1, :60], np.zeros(40)])
    with pytest.raises(InputError, match="a single number"):
        checks.padded(0.5, NOISE)


@pytest.mark.parametrize("shape", [(100,), (3, 100), (3, 100, 2)])
def test_channels_are_rows_and_come_back(shape):
    audio = np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")
    rows, lengths = checks.as_rows(audio)
    assert rows.shape == (audio.size // 100, 100) and lengths.tolist() == [100] * len(rows)
    np.testing.assert_array_equal(checks.from_rows(rows, shape), audio)


def test_rows_have_the_lengths_of_their_recording_and_are_finite_where_they_count():
    audio = np.zeros((2, 100, 2))
    audio[1, 60, 1] = np.nan
    rows, lengths = checks.as_rows(audio, lengths=[100, 60])
    assert rows.shape == (4, 100) and lengths.tolist() == [100, 100, 60, 60]
    for wrong in ([100, 61], [100, 0]):
        with pytest.raises(InputError, match="NaN or infinity|lie in 1..100"):
            checks.as_rows(audio, lengths=wrong)
    with pytest.raises(InputError, match="has shape"):
        checks.as_rows(np.zeros((1, 2, 3, 4)))
