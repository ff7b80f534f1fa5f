"""Channels as rows of a batch, and back; axes are never guessed."""

import numpy as np
import pytest

from zoo.audio.rows import as_rows, from_rows, split_channels
from zoo.errors import InputError


def test_channels_are_rows_and_come_back():
    audio = np.random.default_rng(0).standard_normal((3, 100, 2))
    rows, lengths = as_rows(audio, [100, 50, 1])
    assert rows.dtype == np.float32 and lengths.tolist() == [100, 100, 50, 50, 1, 1]
    np.testing.assert_array_equal(rows[3], audio[1, :, 1].astype("float32"))
    np.testing.assert_array_equal(from_rows(rows, audio.shape), audio.astype("float32"))


@pytest.mark.parametrize("shape", [(100,), (1, 100), (3, 100), (2, 100, 1)])
def test_rows_come_back_in_every_shape(shape):
    assert from_rows(as_rows(np.zeros(shape))[0], shape).shape == shape


@pytest.mark.parametrize("shape", [(0,), (2, 0), (1, 2, 3, 4), ()])
def test_rows_of_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="audio has shape"):
        as_rows(np.zeros(shape))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1, 16000), r"has 16000 channels of 1 samples; channels come last.*by audio\.swapaxes\(1, 2\)"),
        ((2, 8, 9), r"has 9 channels of 8 samples"),
        ((16000, 8), r"\(16000, 8\) looks like \(samples, channels\).*audio\[None\].*audio\.T"),
        ((16000, 100), r"looks like \(samples, channels\)"),
    ],
)
def test_axes_are_never_guessed(shape, message):
    with pytest.raises(InputError, match=message):
        as_rows(np.zeros(shape))


def test_only_what_counts_must_be_finite():
    audio = np.zeros((2, 100))
    audio[1, 50:] = np.nan
    as_rows(audio, [100, 50])
    with pytest.raises(InputError, match="NaN or infinity"):
        as_rows(audio, [100, 51])


def test_only_what_counts_must_be_scaled():
    audio = np.full((2, 100), 0.5)
    audio[1, 50:] = 900.5
    as_rows(audio, [100, 50])
    with pytest.raises(InputError, match="divide 16-bit samples"):
        as_rows(audio, [100, 51])


def test_channels_are_split_into_rows_and_the_rest_stays():
    audio = np.random.default_rng(0).standard_normal((2, 9, 3))
    split, channels = split_channels(audio)
    assert channels == 3
    np.testing.assert_array_equal(split[4], audio[1, :, 1])
    mono, one = split_channels(audio[:, :, 0])
    assert one == 1 and mono.shape == (2, 9)
    with pytest.raises(InputError, match="channels come last"):
        split_channels(np.zeros((1, 2, 100)))
