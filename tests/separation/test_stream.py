"""Separation in blocks is separation of the whole."""

import warnings

import keras
import numpy as np
import pytest

from tests.support.separation import separator
from zoo.errors import InputError, InputWarning
from zoo.separation.stream import Stream, warn_of_level

RATE = 44100
VARIANTS = {
    "paper": {},
    "authors": {"across": 5, "height": 15, "tied": True, "scale": 0.3 / 32},
    "report": {"width": 171, "pool": 9, "dropout": 0.5},
    "report, tied": {"width": 171, "pool": 9, "tied": True},
    "ours": {"compress": True, "frames": 24, "step": 6, "n_fft": 512, "hop_length": 128},
}


def noise(*shape, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(shape, dtype="float32")


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    keras.utils.set_random_seed(0)
    return separator(**VARIANTS[request.param])


@pytest.mark.slow
def test_a_stream_is_the_whole_and_keeps_its_latency(model):
    song, rng = noise(36000, 2), np.random.default_rng(1)
    whole = model.separate(song, RATE)
    stream, parts, come = Stream(model, channels=2), [], 0
    while come < len(song):
        block = song[come : come + rng.integers(1, 3000)]
        come += len(block)
        parts.append(stream.push(block))
        behind = come - sum(len(part["bass"]) for part in parts)
        assert behind < stream.latency * RATE + 1
    parts.append(stream.flush())
    for source, audio in whole.items():
        np.testing.assert_allclose(np.concatenate([part[source] for part in parts]), audio, atol=1e-6)
    again = stream.push(song)["vocals"]  # begins anew
    np.testing.assert_allclose(again, whole["vocals"][: len(again)], atol=1e-6)


def test_what_cannot_be_streamed_is_refused():
    stream = Stream(separator(), channels=2)
    bad = ((np.zeros((5, 3)), r"give \(samples, 2\)"), (np.full((5, 2), np.nan), "NaN"), (np.zeros((5, 2), int), "int"))
    for block, message in bad:
        with pytest.raises(InputError, match=message):
            stream.push(block)


@pytest.mark.parametrize(("peak", "count"), [(0.0, 0), (0.01, 1), (0.149, 1), (0.15, 0), (1.0, 0)])
def test_a_level_far_below_that_of_songs_is_told(peak, count):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_level(peak, "song.wav")
    warned = [str(warning.message) for warning in caught if warning.category is InputWarning]
    assert len(warned) == count and all(f"song.wav peaks at {peak:.2g}, where" in text for text in warned)
