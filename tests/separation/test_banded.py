"""The separator in bands: what its layers compute, in NumPy; level; segments; refused options."""

import numpy as np
import pytest
from keras import ops

import zoo
from zoo.errors import InputError, InputWarning
from zoo.separation.banded import BandLevels, BandMasks, BandSeparator, DilatedBlock, octave_widths, spread
from zoo.separation.stream import Stream

BANDS = [[i] for i in range(8)] + [[8, 9], [10, 11], [12, 13], [14, 15]]  # bins of each band; 16 is half the rate
TINY = {"frames": 8, "step": 4, "per_octave": 4, "channels": 6, "dilations": (1, 2), "n_fft": 32, "hop_length": 8}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype="float32")


def test_bands_are_a_bin_wide_and_then_parts_of_octaves():
    assert octave_widths(16, 4) == [(8, 1), (4, 2)]
    assert sum(bands * width for bands, width in octave_widths(2048, 32)) == 2048
    bins = np.asarray(spread(ops.convert_to_tensor(np.arange(12.0)), 4, 17))
    assert bins.tolist() == [float(i) for i, band in enumerate(BANDS) for _ in band] + [11.0]


@pytest.mark.parametrize("per_octave", [0, 3, 16, 6, -4])
def test_bands_that_do_not_fit_are_refused(per_octave):
    with pytest.raises(InputError, match=f"per_octave is {per_octave}; n_fft / 2, 16, must be 2, 4, 8"):
        BandSeparator(**{**TINY, "per_octave": per_octave})


@pytest.mark.parametrize("dilations", [(0,), (1, 8)])
def test_a_dilation_beyond_the_segment_is_refused(dilations):
    with pytest.raises(InputError, match="give 1 to 7, the frames of a segment"):
        BandSeparator(**{**TINY, "dilations": dilations})


def test_levels_are_logarithms_of_mean_powers():
    magnitude = np.abs(noise(2, 3, 17)) + 0.1
    power = magnitude**2 / np.mean(magnitude**2, axis=(1, 2), keepdims=True)
    logs = np.log(np.stack([power[..., band].mean(axis=-1) for band in BANDS], axis=-1) + 1e-8)
    levels, relative = BandLevels(4)(magnitude)
    np.testing.assert_allclose(levels, 0.25 * logs + 1, atol=1e-5)
    at_bins = np.repeat(logs, [len(band) for band in BANDS[:-1]] + [3], axis=-1)
    np.testing.assert_allclose(relative, np.clip(np.log(power + 1e-8) - at_bins, -5, 5), atol=1e-5)


def test_masks_are_a_softmax_of_logits_and_slopes():
    numbers, relative = noise(2, 4, 2, 3, 12), noise(2, 3, 17, seed=1)
    at_bins = np.repeat(numbers, [len(band) for band in BANDS[:-1]] + [3], axis=-1)
    sizes = np.exp(at_bins[:, :, 0] + at_bins[:, :, 1] * relative[:, None])
    masks = BandMasks(4)(numbers, relative)
    np.testing.assert_allclose(masks, sizes / sizes.sum(axis=1, keepdims=True), rtol=1e-4)


def test_a_block_is_a_gated_convolution_of_the_normalised_input():
    x, block = noise(2, 7, 5), DilatedBlock(2)
    block(x)
    kernel, bias = (np.asarray(weight) for weight in block.gates.weights)
    normal = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-3)
    padded = np.pad(normal, ((0, 0), (2, 2), (0, 0)))
    both = sum(padded[:, 2 * i : 2 * i + 7] @ kernel[5 * i : 5 * i + 5] for i in range(3)) + bias
    expected = x + both[..., :5] / (1 + np.exp(-both[..., 5:]))
    np.testing.assert_allclose(block(x), expected, atol=1e-5)


def test_sources_sum_to_the_mixture_and_do_not_depend_on_its_level():
    model, mixture = BandSeparator(**TINY), 0.1 * noise(2, 300)
    separated = np.asarray(model(mixture))
    np.testing.assert_allclose(separated.sum(axis=1), mixture, atol=1e-5)
    np.testing.assert_allclose(model(0.01 * mixture), 0.01 * separated, atol=1e-6)
    assert np.isfinite(model(0 * mixture)).all()


def test_a_stream_gives_the_same(tmp_path, recwarn):
    model, mixture = BandSeparator(**TINY), 0.01 * noise(500)
    zoo.save(model, tmp_path / "m")
    model = zoo.load(f"{tmp_path}/m/")
    whole, stream = model.separate(mixture, 44100), Stream(model)
    assert not [warning for warning in recwarn if warning.category is InputWarning]  # of the level
    parts = [stream.push(block)["bass"] for block in np.split(mixture, [7, 100, 411])] + [stream.flush()["bass"]]
    np.testing.assert_allclose(np.concatenate(parts)[:, 0], whole["bass"], atol=1e-5)
    assert stream.latency == pytest.approx((7 * 8 + 32) / 44100)
