"""Layers of causal enhancers on spectra (batch, frames, bins, channels), which hand what they remember on as a state."""

import math

import keras
import numpy as np
from keras import layers, ops

from zoo.audio import spectra
from zoo.nn.recurrence import linear_recurrence

_MEMORY_SECONDS = 2.0  # time in which the running means forget by a factor of e
_QUIET = 1e-12  # added to the running level: 90 dB below that of speech at -50 dB re full scale
_FLOOR = 1e-7  # added to a bin's power re the running level
_MOST = 12.0  # bound of a logarithm re its running mean, as after digital silence
_POWER = 0.3  # to which the magnitudes of the complex features are raised


@keras.saving.register_keras_serializable(package="zoo")
class StateParts(layers.Layer):
    """The parts of a state, (batch, numbers) -> list of (batch, *shape).

    Args:
        shapes: list of tuples.
    """

    def __init__(self, shapes, **options):
        super().__init__(**options)
        self.shapes = [tuple(shape) for shape in shapes]

    def call(self, state):
        parts, start = [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape)
            parts.append(ops.reshape(state[:, start:stop], (-1, *shape)))
            start = stop
        return parts

    def get_config(self):
        return {**super().get_config(), "shapes": self.shapes}


@keras.saving.register_keras_serializable(package="zoo")
class WithoutOffset(layers.Layer):
    """Spectra of windowed frames less that of a constant offset: the running mean of bin 0, times the window's spectrum.

    Rumble, whose sign changes, stays. The first frame holds the recording in its second half alone, and so about half
    of the offset's bin 0; it counts by what it would be of a whole frame.

    Args:
        n_fft: samples of a frame.
        window: of the frames, as for `zoo.audio.spectra.stft`.
        decay: of the weights of the running mean from frame to frame, above 0 and below 1.

    Call:
        spectrum: float32 (batch, frames, bins, 2).
        totals: (batch, 2), weighted sums of bin 0 and of ones so far; zeros at the start.
        Returns the spectrum without the offset, and the sums after it.
    """

    def __init__(self, n_fft, window, decay, **options):
        super().__init__(**options)
        self.n_fft, self.window, self.decay = n_fft, window, decay

    def call(self, spectrum, totals):
        window = spectra.window_samples(self.window, self.n_fft)
        first = window.sum() / window[self.n_fft // 2 :].sum()
        lowest = spectrum[:, :, 0, :1]
        memory = ops.power(self.decay, ops.cumsum(ops.ones_like(lowest), axis=1))
        weights = memory * totals[:, None, 1:] + (1 - memory) / (1 - self.decay)
        lowest = ops.where(weights < 1.5, first * lowest, lowest)
        sums = linear_recurrence(ops.full_like(lowest, self.decay), lowest, totals[:, :1])
        shape = np.fft.rfft(window).real / window.sum()  # of an offset whose bin 0 is 1; alternates in sign, is real
        offset = (sums / weights)[:, :, None] * ops.convert_to_tensor(shape[:, None].astype("float32"))
        level = spectrum - ops.concatenate([offset, ops.zeros_like(offset)], axis=3)
        return level, ops.concatenate([sums[:, -1], weights[:, -1]], axis=1)

    def compute_output_spec(self, spectrum, totals):
        return keras.KerasTensor(spectrum.shape), keras.KerasTensor(totals.shape)

    def get_config(self):
        return {**super().get_config(), "n_fft": self.n_fft, "window": self.window, "decay": self.decay}


@keras.saving.register_keras_serializable(package="zoo")
class RunningFeatures(layers.Layer):
    """Features of each bin re running means, so that neither the recording's level nor its colour counts.

    Running means weight the past by `decay` from frame to frame; the level is that of the mean power of a frame. The
    four features of a bin are the logarithm of its power re the level, the same logarithm less its own running mean,
    both scaled to about unit size, and real and imaginary part, whose magnitude re the level is raised to the power of 0.3.

    Args:
        decay: of the weights, above 0 and below 1.

    Call:
        spectrum: float32 (batch, frames, bins, 2).
        totals: (batch, 2), weighted sums of powers and of ones so far; zeros at the start.
        log_totals: (batch, bins), weighted sums of the logarithms so far; zeros at the start.
        Returns features (batch, frames, bins, 4), and both sums after them.
    """

    def __init__(self, decay, **options):
        super().__init__(**options)
        self.decay = decay

    def call(self, spectrum, totals, log_totals):
        power = ops.sum(ops.square(spectrum), axis=3)
        mean = ops.mean(power, axis=2, keepdims=True)
        totals = self._totals(ops.concatenate([mean, ops.ones_like(mean)], axis=2), totals)
        weights = totals[:, :, 1:]
        level = totals[:, :, :1] / weights + _QUIET
        relative = power / level + _FLOOR
        log_level, log_relative = ops.log(level), ops.log(relative)
        log_totals = self._totals(log_relative + log_level, log_totals)
        change = ops.clip(log_relative + log_level - log_totals / weights, -_MOST, _MOST)
        gain = ops.power(relative, (_POWER - 1) / 2) / ops.sqrt(level)
        logs = ops.stack([0.2 * log_relative + 0.8, 0.4 * change], axis=3)
        features = ops.concatenate([logs, gain[:, :, :, None] * spectrum], axis=3)
        return features, totals[:, -1], log_totals[:, -1]

    def _totals(self, values, before):
        return linear_recurrence(ops.full_like(values, self.decay), values, before)

    def compute_output_spec(self, spectrum, totals, log_totals):
        return keras.KerasTensor((*spectrum.shape[:3], 4)), *(keras.KerasTensor(x.shape) for x in (totals, log_totals))

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


@keras.saving.register_keras_serializable(package="zoo")
class Bands(layers.Layer):
    """Weighted sums over frequency, (batch, frames, m, channels) -> (batch, frames, low + n, channels).

    The first `low` bins stay; the others are multiplied by a fixed matrix.

    Args:
        low: number of bins that stay.
        matrix: float (m - low, n).
    """

    def __init__(self, low, matrix, **options):
        super().__init__(**options)
        self.low, self.matrix = low, np.asarray(matrix, "float32")

    def call(self, inputs):
        matrix = ops.cast(ops.convert_to_tensor(self.matrix), inputs.dtype)
        high = ops.einsum("btmc,mn->btnc", inputs[:, :, self.low :], matrix)
        return ops.concatenate([inputs[:, :, : self.low], high], axis=2)

    def get_config(self):
        return {**super().get_config(), "low": self.low, "matrix": self.matrix.tolist()}


@keras.saving.register_keras_serializable(package="zoo")
class QuasiRecurrence(layers.Layer):
    """Quasi-recurrent layer along time, by itself at each frequency (Bradbury et al. 2017, fo-pooling).

    z, f, o = tanh, sigmoid, sigmoid of a convolution over this frame and the one before; c[t] = f c[t - 1] + (1 - f) z;
    the output is o c. The bias of f spreads the memories of the channels from 1 to 100 frames.

    Args:
        channels: of the output.

    Call:
        inputs: (batch, frames, bands, any channels).
        past: the frame before the inputs, (batch, 1, bands, any channels); zeros at the start.
        memory: c before the inputs, (batch, bands, channels); zeros at the start.
        Returns outputs (batch, frames, bands, channels), and past and memory after them.
    """

    def __init__(self, channels, **options):
        super().__init__(**options)
        self.channels = channels
        self.gates = layers.Conv2D(3 * channels, (2, 1), data_format="channels_last", dtype=self.dtype_policy)

    def build(self, inputs_shape, past_shape=None, memory_shape=None):
        self.gates.build(inputs_shape)
        bias = np.zeros((3, self.channels), "float32")
        bias[1] = np.log(np.geomspace(1, 100, self.channels))
        self.gates.bias.assign(bias.ravel())
        super().build(inputs_shape)

    def call(self, inputs, past, memory):
        inputs = ops.concatenate([ops.cast(past, inputs.dtype), inputs], axis=1)
        values, forget, output = ops.split(self.gates(inputs), 3, axis=3)
        forget = ops.sigmoid(forget)
        states = linear_recurrence(forget, (1 - forget) * ops.tanh(values), ops.cast(memory, forget.dtype))
        return ops.sigmoid(output) * states, inputs[:, -1:], states[:, -1]

    def compute_output_spec(self, inputs, past, memory):
        outputs = keras.KerasTensor((*inputs.shape[:3], self.channels), self.compute_dtype)
        return outputs, *(keras.KerasTensor(x.shape, self.compute_dtype) for x in (past, memory))

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable(package="zoo")
class ComplexMask(layers.Layer):
    """Spectrum times a complex mask, each part of which is within -2..2: 2 tanh of half the input.

    Call:
        spectrum, mask: (batch, frames, bins, 2), real and imaginary parts.
    """

    def call(self, spectrum, mask):
        real, imaginary = ops.split(spectrum, 2, axis=3)
        gain, turn = ops.split(2 * ops.tanh(0.5 * ops.cast(mask, spectrum.dtype)), 2, axis=3)
        return ops.concatenate([real * gain - imaginary * turn, real * turn + imaginary * gain], axis=3)


@keras.saving.register_keras_serializable(package="zoo")
class UnitMask(keras.initializers.Initializer):
    """Biases of the two inputs of `ComplexMask` for a mask of 1: an untrained network leaves the recording as it is."""

    def __call__(self, shape, dtype=None):
        return ops.convert_to_tensor([2 * math.atanh(0.5), 0.0], dtype)


def running_decay(hop_length, sample_rate):
    """Decay of the running means from frame to frame."""
    return math.exp(-hop_length / (_MEMORY_SECONDS * sample_rate))
