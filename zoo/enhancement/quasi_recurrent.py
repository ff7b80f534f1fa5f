"""A small causal enhancer of our own: quasi-recurrent layers along time, convolutions and dense layers along frequency."""

import math

import keras
import numpy as np
from keras import layers, ops

from zoo import backend
from zoo.audio import dsp
from zoo.enhancement import causal
from zoo.enhancement.inference import WINDOW, OnnxStreamingEnhancer, StreamingEnhancing
from zoo.enhancement.model import Enhancer
from zoo.errors import InputError

_LOW, _HIGH = 64, 64  # bins that stay bins, and bands of those above
_SHORTEST = 256  # samples of a window, in which each band has a bin


@keras.saving.register_keras_serializable(package="zoo")
class QuasiRecurrentEnhancer(StreamingEnhancing, Enhancer):
    """Causal enhancer: a complex mask of each bin of the noisy spectrum, frame by frame, from the past alone.

    Spectra of 32 ms, 16 ms apart, by the root of a periodic Hann window in analysis and synthesis. Features re running
    means (`zoo.enhancement.causal.RunningFeatures`); the bins above 2 kHz in 64 bands, equally far apart in ERB; two
    convolutions along frequency, each with a stride of 2; `blocks` times a quasi-recurrent layer along time (Bradbury
    et al. 2017) and, along frequency, a convolution and a dense layer over all bands of each channel, both with layer
    normalisation of the frame before them and added to their input; two transposed convolutions, which also see what
    the first two gave; and a mask with real and imaginary part in -2..2, of about 1 where the network is untrained. A gate of
    a quasi-recurrent layer sees two frames and no memory, so all frames of a recording are computed at once but for one
    product and sum. A constant offset is removed.

    Streams: `zoo.enhancement.stream.Stream(model)`. Latency: 32 ms, of the window; no frame looks ahead. Its core takes
    a state and gives it back: of what it heard it remembers nothing else.

    Args:
        channels, first_channels: after the second and the first convolution.
        blocks: number of them.
        sample_rate, n_fft: in Hz and samples; the bands are made for 512 samples of 16 kHz.
        name: of the model.

    Raises:
        InputError: `n_fft` is odd, or so short that a band would have no bin.

    Example:
        >>> model = QuasiRecurrentEnhancer(channels=4, first_channels=2, blocks=1)
        >>> tuple(model(ops.ones((2, 4000))).shape)
        (2, 4000)
    """

    onnx_class = OnnxStreamingEnhancer

    def __init__(
        self,
        channels=24,
        first_channels=16,
        blocks=3,
        sample_rate=16000,
        n_fft=512,
        name="quasi_recurrent_enhancer",
    ):
        if n_fft < _SHORTEST or n_fft % 2:
            raise InputError(f"n_fft is {n_fft}; give an even number of samples from {_SHORTEST} on")
        self.channels, self.first_channels, self.blocks, self.n_fft = channels, first_channels, blocks, n_fft
        core = _core(channels, first_channels, blocks, n_fft, sample_rate)
        super().__init__(core, sample_rate, n_fft / sample_rate, n_fft // 2, 0, name)

    @property
    def core_state_size(self):
        return self.core.inputs[1].shape[1]

    def run_core(self, parts, states):
        outputs = backend.predict(self.core, [parts, states])
        return outputs["enhanced"], outputs["next_state"]

    def serve_stream(self, block, state):
        """A served stream's block, as `stream_batch` by tensors: outputs by name, `enhanced` and the next `state`."""
        half = self.hop_length
        before, ending, state = ops.split(state, [half, 2 * half], axis=1)
        waveform = ops.concatenate([before, block], axis=1)
        spectrum = ops.stack(dsp.stft(waveform, self.n_fft, half, window=WINDOW), axis=3)[:, 1:-1]
        outputs = self.core([spectrum, state], training=False)
        spectrum = ops.pad(outputs["enhanced"], ((0, 0), (1, 1), (0, 0), (0, 0)))
        samples = ops.shape(waveform)[1]
        enhanced = dsp.istft(spectrum[..., 0], spectrum[..., 1], samples, self.n_fft, half, WINDOW)
        enhanced, later = enhanced[:, :-half], enhanced[:, -half:]
        enhanced = ops.concatenate([enhanced[:, :half] + ending, enhanced[:, half:]], axis=1)
        return {
            "enhanced": enhanced,
            "state": ops.concatenate([block[:, -half:], later, outputs["next_state"]], axis=1),
        }

    def _enhance(self, noisy, lengths, training):
        samples = ops.shape(noisy)[1]
        noisy = ops.pad(noisy, ((0, 0), (0, dsp.pad_to_multiple(samples, self.hop_length))))
        spectrum = ops.stack(dsp.stft(noisy, self.n_fft, self.hop_length, window=WINDOW), axis=3)
        state = ops.zeros((ops.shape(noisy)[0], self.core_state_size))
        enhanced = self.core([spectrum, state], training=training)["enhanced"]
        return dsp.istft(enhanced[..., 0], enhanced[..., 1], samples, self.n_fft, self.hop_length, WINDOW)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("channels", "first_channels", "blocks", "n_fft")}
        return {**super().get_config(), **own}


def _core(channels, first_channels, blocks, n_fft, sample_rate):
    """The network on spectra: {"enhanced", "next_state"} of "spectrum" and "state"."""
    bins, bands = n_fft // 2 + 1, (_LOW + _HIGH) // 4
    shapes = [(2,), (2,), (bins - 1,), *blocks * [(1, bands, channels), (bands, channels)]]
    spectrum = keras.Input((None, bins, 2), name="spectrum")
    state = keras.Input((sum(map(math.prod, shapes)),), name="state")
    offset_totals, totals, log_totals, *memories = causal.StateParts(shapes, dtype="float32", name="state_parts")(state)
    decay, matrix = causal.running_decay(n_fft // 2, sample_rate), _band_matrix(n_fft, sample_rate)
    without_offset = causal.WithoutOffset(n_fft, WINDOW, decay, dtype="float32", name="without_offset")
    level, offset_totals = without_offset(spectrum, offset_totals)
    running = causal.RunningFeatures(decay, dtype="float32", name="features")
    features, *parts = running(level[:, :, 1:], totals, log_totals)
    parts.insert(0, offset_totals)
    x = causal.Bands(_LOW, matrix / matrix.sum(axis=0), dtype="float32", name="to_bands")(features)
    first = _activated(_along_bands(layers.Conv2D, first_channels, 5, 2, "encoder_1"), x)
    second = x = _activated(_along_bands(layers.Conv2D, channels, 3, 2, "encoder_2"), first)
    for i in range(blocks):
        x, *memory = _block(i, channels, bands, x, *memories[2 * i : 2 * i + 2])
        parts += memory
    x = layers.Concatenate(name="skip_2")([x, second])
    x = _activated(_along_bands(layers.Conv2DTranspose, first_channels, 3, 2, "decoder_1"), x)
    x = layers.Concatenate(name="skip_1")([x, first])
    small = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01), "bias_initializer": causal.UnitMask()}
    x = _along_bands(layers.Conv2DTranspose, 2, 5, 2, "decoder_2", **small)(x)
    mask = causal.Bands(_LOW, (matrix / matrix.sum(axis=1, keepdims=True)).T, dtype="float32", name="to_bins")(x)
    mask = ops.concatenate([mask[:, :, :1], mask], axis=2)  # bin 0, of which there are no features, goes with bin 1
    enhanced = causal.ComplexMask(dtype="float32", name="mask")(level, mask)
    parts = layers.Concatenate(dtype="float32", name="next_state")([layers.Flatten(dtype="float32")(x) for x in parts])
    return keras.Model([spectrum, state], {"enhanced": enhanced, "next_state": parts}, name="core")


def _block(i, channels, bands, x, past, memory):
    """One block of the network: what it gives, and the two parts of the state after it."""
    normal = layers.LayerNormalization(axis=(-2, -1), name=f"time_norm_{i}")(x)
    hidden, past, memory = causal.QuasiRecurrence(channels, name=f"recurrence_{i}")(normal, past, memory)
    x = x + layers.Dense(channels, name=f"time_out_{i}")(hidden)
    normal = layers.LayerNormalization(axis=(-2, -1), name=f"band_norm_{i}")(x)
    hidden = _activated(_along_bands(layers.Conv2D, channels, 3, 1, f"band_{i}"), normal)
    shape = (None, bands, channels)
    hidden = layers.EinsumDense("btfc,fkc->btkc", shape, bias_axes="kc", name=f"all_bands_{i}")(hidden)
    return x + layers.Dense(channels, name=f"band_out_{i}")(hidden), past, memory


def _along_bands(kind, channels, width, stride, name, **options):
    return kind(channels, (1, width), (1, stride), "same", data_format="channels_last", name=name, **options)


def _activated(layer, x):
    return layers.PReLU(shared_axes=[1, 2], name=f"{layer.name}_slope")(layer(x))


def _band_matrix(n_fft, sample_rate):
    """Weights (bins, bands) of triangular bands, equally far apart in ERB; a bin is shared by the two nearest peaks."""
    hertz = np.arange(1, n_fft // 2 + 1)[_LOW:] * sample_rate / n_fft
    place = 21.4 * np.log10(1 + 0.00437 * hertz)  # number of ERBs below (Glasberg and Moore 1990)
    peaks = np.linspace(place[0], place[-1], _HIGH)
    return np.maximum(1 - np.abs(place[:, None] - peaks) / (peaks[1] - peaks[0]), 0).astype("float32")
