"""A separator that departs from the paper's: seconds of context, and masks in the bands of octaves."""

import keras
from keras import layers, ops

from zoo.errors import InputError
from zoo.separation.model import MaskSeparator
from zoo.separation.tracks import SOURCES

_QUIET = 1e-12  # power added to the level of a segment, so that silence has one
_FLOOR = 1e-8  # of a band's power re the level
_MOST = 5.0  # bound of a bin's logarithm re its band


@keras.saving.register_keras_serializable(package="zoo")
class BandSeparator(MaskSeparator):
    """Splits music by a network that hears seconds at a time; the mixture's phase stays.

    The core sees T frames of n_fft samples. The logarithms of the mean powers in bands, re the level of the segment, go
    through a dense layer and residual blocks of dilated convolutions along time (van den Oord et al. 2016) with gated
    linear units (Dauphin et al. 2017). Bands are a bin wide at first, and above so many an octave. Each source gets two
    numbers a band: a logit, and how much it grows where a bin is stronger than its band, which tells lines from noise.
    The softmax over the sources is the masks. They do not depend on the mixture's level.

    Segments are cross-faded, and sources sum to the mixture, as for `zoo.separation.model.ChandnaSeparator`.

    Call, attributes: as for that.

    Args:
        sources: names.
        frames, step: as for `zoo.separation.model.ChandnaSeparator`.
        per_octave: bands of an octave, where those are wider than a bin; n_fft divides by it into a power of 2.
        channels: of the blocks.
        dilations: of the blocks' convolutions, one a block, in frames.
        sample_rate: in Hz.
        n_fft, hop_length, name: as for `zoo.separation.model.ChandnaSeparator`.

    Raises:
        InputError: `step` does not divide `frames` twice or more, hop_length n_fft four times, `per_octave` is no part of
            n_fft by a power of 2, or a dilation reaches beyond a segment.

    Example:
        >>> model = BandSeparator(channels=8, dilations=(1, 2))
        >>> tuple(model(ops.ones((2, 8000))).shape)
        (2, 4, 8000)
    """

    depends_on_level = False

    def __init__(
        self,
        sources=SOURCES,
        frames=64,
        step=32,
        per_octave=32,
        channels=256,
        dilations=(1, 2, 4, 8, 16, 1, 2, 4),
        sample_rate=44100,
        n_fft=4096,
        hop_length=1024,
        name="band_separator",
    ):
        if not all(0 < dilation < frames for dilation in dilations):
            raise InputError(f"dilations are {tuple(dilations)}; give 1 to {frames - 1}, the frames of a segment")
        octave_widths(n_fft // 2, per_octave)
        self._options = {"per_octave": per_octave, "channels": channels, "dilations": tuple(dilations)}
        core = _core(len(sources), frames, n_fft // 2 + 1, **self._options)
        super().__init__(core, sources, frames, step, sample_rate, n_fft, hop_length, name)

    def get_config(self):
        return {**super().get_config(), **self._options}


def octave_widths(bins: int, per_octave: int) -> list[tuple[int, int]]:
    """(bands, bins of each): first bands a bin wide, then `per_octave` an octave, twice as wide from octave to octave.

    Raises:
        InputError: bins / per_octave is no power of 2, or 1.

    Example:
        >>> octave_widths(32, 4)  # bins 0..7, 8..15, 16..31
        [(8, 1), (4, 2), (4, 4)]
    """
    octaves = bins // per_octave if per_octave > 0 else 0
    if octaves < 2 or octaves & (octaves - 1) or bins != octaves * per_octave:
        raise InputError(f"per_octave is {per_octave}; n_fft / 2, {bins}, must be 2, 4, 8 or so times as many")
    return [(2 * per_octave, 1), *((per_octave, 2**i) for i in range(1, octaves.bit_length() - 1))]


@keras.saving.register_keras_serializable(package="zoo")
class BandLevels(layers.Layer):
    """Logarithms of the mean powers in bands, re the segment's level, and of bins re their bands.

    Args:
        per_octave: bands of an octave, as for `octave_widths`; the bin of half the rate belongs to the last band.

    Call:
        magnitude: float (batch, frames, bins), not negative.
        Returns (batch, frames, bands), scaled to about unit size, and (batch, frames, bins), -5..5.

    Example:
        >>> levels, relative = BandLevels(4)(ops.ones((1, 2, 33)))
        >>> tuple(levels.shape), tuple(relative.shape)
        ((1, 2, 16), (1, 2, 33))
    """

    def __init__(self, per_octave, **options):
        super().__init__(**options)
        self.per_octave = per_octave

    def call(self, magnitude):
        power = ops.square(magnitude)
        power = power / (ops.mean(power, axis=(1, 2), keepdims=True) + _QUIET)
        frames, bins = power.shape[1:]
        means, start = [], 0
        for bands, width in octave_widths(bins - 1, self.per_octave):
            part = ops.reshape(power[:, :, start : start + bands * width], (-1, frames, bands, width))
            means.append(ops.mean(part, axis=3))
            start += bands * width
        logs = ops.log(ops.concatenate(means, axis=2) + _FLOOR)
        relative = ops.log(power + _FLOOR) - spread(logs, self.per_octave, bins)
        return 0.25 * logs + 1, ops.clip(relative, -_MOST, _MOST)

    def compute_output_spec(self, magnitude):
        batch, frames, bins = magnitude.shape
        bands = sum(bands for bands, _ in octave_widths(bins - 1, self.per_octave))
        return keras.KerasTensor((batch, frames, bands)), keras.KerasTensor((batch, frames, bins))

    def get_config(self):
        return {**super().get_config(), "per_octave": self.per_octave}


def spread(values, per_octave, bins):
    """Values of bands at their bins, (..., bands) -> (..., bins)."""
    parts, start = [], 0
    for bands, width in octave_widths(bins - 1, per_octave):
        parts.append(ops.repeat(values[..., start : start + bands], width, axis=-1))
        start += bands
    return ops.concatenate([*parts, values[..., -1:]], axis=-1)


@keras.saving.register_keras_serializable(package="zoo")
class DilatedBlock(layers.Layer):
    """x + a sigmoid(b), with a and b of a convolution over a frame, one before and one after it, of the normalised input.

    Args:
        dilation: frames from the one to the others; beyond the ends there are zeros.

    Call:
        x: float (batch, frames, channels).
        Returns the same shape.

    Example:
        >>> tuple(DilatedBlock(2)(ops.ones((1, 8, 4))).shape)
        (1, 8, 4)
    """

    def __init__(self, dilation, **options):
        super().__init__(**options)
        self.dilation = dilation
        self.norm = layers.LayerNormalization(dtype=self.dtype_policy)

    def build(self, shape):
        self.norm.build(shape)
        # A matrix product of three shifted copies is the dilated convolution.
        self.gates = layers.Dense(2 * shape[-1], dtype=self.dtype_policy)
        self.gates.build((*shape[:-1], 3 * shape[-1]))

    def call(self, x):
        frames, reach = x.shape[1], self.dilation
        padded = ops.pad(self.norm(x), ((0, 0), (reach, reach), (0, 0)))
        near = ops.concatenate([padded[:, i * reach : i * reach + frames] for i in range(3)], axis=2)
        value, gate = ops.split(self.gates(near), 2, axis=2)
        return x + value * ops.sigmoid(gate)

    def get_config(self):
        return {**super().get_config(), "dilation": self.dilation}


@keras.saving.register_keras_serializable(package="zoo")
class BandMasks(layers.Layer):
    """Softmax over the sources of a logit and a slope of each band: logit + slope * a bin's logarithm re its band.

    Args:
        per_octave: bands of an octave, as for `BandLevels`.

    Call:
        numbers: float (batch, sources, 2, frames, bands), logits and slopes.
        relative: (batch, frames, bins), of `BandLevels`.
        Returns masks (batch, sources, frames, bins).

    Example:
        >>> masks = BandMasks(4)(ops.zeros((1, 4, 2, 3, 16)), ops.ones((1, 3, 33)))
        >>> round(float(masks[0, 0, 0, 0]), 6)
        0.25
    """

    def __init__(self, per_octave, **options):
        super().__init__(**options)
        self.per_octave = per_octave

    def call(self, numbers, relative):
        bins = relative.shape[2]
        logits, slopes = (spread(numbers[:, :, i], self.per_octave, bins) for i in range(2))
        return ops.softmax(logits + slopes * relative[:, None], axis=1)

    def compute_output_shape(self, numbers_shape, relative_shape):
        return (*numbers_shape[:2], *relative_shape[1:])

    def get_config(self):
        return {**super().get_config(), "per_octave": self.per_octave}


def _core(n_sources, frames, bins, per_octave, channels, dilations):
    """The network on segments: magnitudes (batch, frames, bins) -> masks (batch, sources, frames, bins)."""
    magnitude = keras.Input((frames, bins), name="magnitude")
    levels, relative = BandLevels(per_octave, dtype="float32")(magnitude)
    bands = levels.shape[2]
    x = layers.Dense(channels, name="encoder")(levels)
    for i, dilation in enumerate(dilations):
        x = DilatedBlock(dilation, name=f"block_{i}")(x)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dense(2 * n_sources * bands, name="numbers")(x)
    x = layers.Permute((2, 3, 1, 4))(layers.Reshape((frames, n_sources, 2, bands))(x))
    return keras.Model(magnitude, BandMasks(per_octave, dtype="float32")(x, relative), name="core")
