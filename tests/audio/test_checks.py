"""Recordings of users: what is refused, with what words, and the form that models get."""

from pathlib import Path

import numpy as np
import pytest

from zoo.audio import checks
from zoo.errors import InputError


def test_floats_stay_as_they_are():
    audio = np.zeros(3, "float64")
    assert checks.as_floats(audio) is audio


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(3, "int16"), r"audio is int16; give float in \[-1, 1\]"),
        ([1, 2], "audio is int64"),
        (["a"], r"audio is <U1, not samples.*zoo\.audio\.io\.read"),
        ("a.wav", r"audio is 'a\.wav', not samples; read a file with zoo\.audio\.io\.read\(path\)"),
        (Path("a.wav"), r"not samples; read a file"),
        (None, "audio is object, not samples"),
        ([[0.1, 0.2], [0.1]], "several lengths.*pad them and give lengths"),
    ],
)
def test_other_samples_are_refused(audio, message):
    with pytest.raises(InputError, match=message):
        checks.as_floats(audio)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    checks.check_finite(np.zeros(2))
    with pytest.raises(InputError, match="NaN or infinity; repair it"):
        checks.check_finite(np.array([0.0, bad]))


@pytest.mark.parametrize("audio", [[0.5, -0.5], [8.0, -7.9, 0.01], [1.0, -1.0, 0.0], [1.5, 1.0], [], [np.nan, 0.1]])
def test_a_scale_of_floats_passes(audio):
    checks.check_scale(np.array(audio))


@pytest.mark.parametrize("audio", [[8.1, 0.0], [0.0, -8.1], [-2.0, 1.0, 0.0], [3000.5, np.nan], [[0.1], [400.2]]])
def test_samples_that_are_not_scaled_are_refused(audio):
    with pytest.raises(InputError, match=r"peaks at .*; give float in \[-1, 1\]: divide 16-bit samples by 32768"):
        checks.check_scale(np.array(audio))


def test_an_estimate_may_be_of_any_size_but_not_of_whole_numbers():
    reference = np.full(100, 0.5)
    checks.as_batch(reference, 100.5 * reference)
    for pair in ((100.5 * reference, reference), (reference, np.full(100, 400.0))):
        with pytest.raises(InputError, match="divide 16-bit samples"):
            checks.as_batch(*pair)


def test_only_what_counts_must_be_scaled():
    audio = np.full((2, 100), 0.5)
    audio[1, 50:] = 900.5
    checks.as_batch(audio, lengths=[100, 50])
    with pytest.raises(InputError, match="divide 16-bit samples"):
        checks.as_batch(audio, lengths=[100, 51])


@pytest.mark.parametrize("rate", [16000, 16000.0, np.float32(16000), np.int64(16000), np.array(16000)])
def test_a_whole_rate_of_any_type_is_an_integer(rate):
    assert type(checks.whole_rate(rate)) is int and checks.whole_rate(rate) == 16000


def test_another_rate_names_both_and_the_way_out():
    assert checks.check_rate(16000.0, 16000) == 16000
    assert checks.check_rate(44100, 16000, resample=True) == 44100
    with pytest.raises(InputError, match="at 44100 Hz and the model at 16000 Hz: pass resample=True"):
        checks.check_rate(44100, 16000)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), np.inf, 0.5, "16000", True, np.True_, None, [16000]])
def test_a_rate_that_is_none_is_refused_even_for_resampling(rate):
    with pytest.raises(InputError, match="in Hz, above 0"):
        checks.check_rate(rate, 16000, resample=True)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([5], "give 2 integers, one a recording"),
        ([[5, 5]], "give 2 integers"),
        ([1.5, 2.0], "float64; give 2 integers"),
        ([True, True], "bool; give 2 integers"),
        (["5", "5"], "<U1; give 2 integers"),
        ([np.nan, 5.0], "float64; give 2 integers"),
        ([1, 11], r"must lie in 1\.\.10 samples, not 1\.\.11"),
        ([0, 10], r"must lie in 1\.\.10 samples, not 0\.\.10"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(InputError, match=message):
        checks.check_lengths(lengths, 2, 10, fewest=1)


def test_lengths_are_those_of_the_recordings_by_default():
    assert checks.check_lengths(None, 2, 10).tolist() == [10, 10]
    assert checks.check_lengths([0, 10], 2, 10).tolist() == [0, 10]
    floats = checks.check_lengths([0.0, 10.0], 2, 10)
    assert floats.dtype.kind == "i" and floats.tolist() == [0, 10]


def test_padded_ends_all_in_zeros_at_the_longest():
    short, long = checks.padded(np.ones((2, 3)), np.full(5, 0.5))
    assert short.tolist() == [[1, 1, 1, 0, 0]] * 2 and long.tolist() == [0.5] * 5
    with pytest.raises(InputError, match="single number"):
        checks.padded(0.5)


def test_a_batch_of_one_two_or_three_recordings():
    for count in (1, 2, 3):
        *recordings, lengths = checks.as_batch(*(np.full(100, i / 4) for i in range(count)))
        assert [x.shape for x in recordings] == [(1, 100)] * count and lengths.tolist() == [100]
        assert [x[0, 0] for x in recordings] == [i / 4 for i in range(count)]


@pytest.mark.parametrize(
    ("recordings", "message"),
    [
        ((np.zeros((2, 9)), np.zeros((2, 8))), r"differ in shape, \(2, 9\) and \(2, 8\); align them"),
        ((np.zeros((2, 9, 1)),), r"shape \(2, 9, 1\); give \(samples,\) or \(batch, samples\)"),
        ((np.zeros((100, 2)),), r"\(100, 2\) looks like \(samples, channels\); give \(batch, samples\): audio\.T"),
        ((np.zeros((4000, 200)),), r"\(4000, 200\) looks like \(samples, channels\)"),
        ((np.zeros((1, 1, 9)),), r"shape \(1, 1, 9\); give \(samples,\) or \(batch, samples\)"),
    ],
)
def test_other_shapes_are_refused(recordings, message):
    with pytest.raises(InputError, match=message):
        checks.as_batch(*recordings)


def test_channels_come_last():
    checks.check_channels_last(np.zeros((9, 8)))
    with pytest.raises(
        InputError, match=r"\(8, 9\) has 9 channels of 8 samples.*give \(samples, channels\), as by audio\.T"
    ):
        checks.check_channels_last(np.zeros((8, 9)))


def test_at_rate_is_zero_after_the_lengths():
    one, other, lengths = checks.at_rate(
        np.ones((2, 10)), np.full((2, 10), np.nan), lengths=np.array([4, 0]), sample_rate=8, model_rate=8
    )
    assert one.dtype == np.float32 and lengths.dtype == np.int32
    assert one.sum(axis=1).tolist() == [4, 0]
    assert np.isnan(other).sum(axis=1).tolist() == [4, 0] and not np.nan_to_num(other[:, 4:]).any()


def test_at_rate_resamples_on_request():
    audio, lengths = checks.as_batch(0.1 * np.ones((2, 16000)), lengths=[16000, 8000])
    rates = {"sample_rate": 16000, "model_rate": 22050}
    with pytest.raises(InputError, match="pass resample=True"):
        checks.at_rate(audio, lengths=lengths, **rates)
    resampled, lengths = checks.at_rate(audio, lengths=lengths, **rates, resample=True)
    assert resampled.shape == (2, 22050) and lengths.tolist() == [22050, 11025]


@pytest.mark.parametrize("rates", [(16000, 22050), (44100, 16000)])
def test_at_rate_is_zero_after_the_lengths_at_another_rate_too(rates):
    """A resampler rings past an end that is no zero crossing."""
    audio, lengths = checks.as_batch(0.5 * np.ones((2, 4000)), lengths=[4000, 2000])
    own, model = rates
    resampled, lengths = checks.at_rate(audio, lengths=lengths, sample_rate=own, model_rate=model, resample=True)
    assert lengths.tolist() == [round(4000 * model / own), round(2000 * model / own)]
    assert not resampled[1, lengths[1] :].any() and np.abs(resampled[1, lengths[1] - 1]) > 0.1
    np.testing.assert_array_equal(
        resampled[0],
        checks.at_rate(audio[:1], lengths=np.array([4000]), sample_rate=own, model_rate=model, resample=True)[0][0],
    )


@pytest.mark.parametrize("rate", [16000.5, np.float32(0.5), 44100])
def test_a_rate_of_changed_speed_is_any_number(rate):
    assert checks.above_zero(rate) == rate
    for bad in (0, -1.0, np.nan, np.inf, "16000", True, None):
        with pytest.raises(InputError, match=r"the sample rate is .*; give a number in Hz, above 0"):
            checks.above_zero(bad)


def test_at_rate_takes_recordings_without_samples():
    audio, lengths = checks.as_batch(np.zeros((2, 0)))
    empty, lengths = checks.at_rate(audio, lengths=lengths, sample_rate=8000, model_rate=16000, resample=True)
    assert empty.shape == (2, 0) and lengths.tolist() == [0, 0]
