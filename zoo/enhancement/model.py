"""Speech enhancers: networks that take noise out of one-channel speech, behind one waveform face.

`BLSTMEnhancer` and `DNNEnhancer` are the mask networks of Fu, Liao and Tsao 2019 ("Learning with Learned Loss
Function: Speech Enhancement with Quality-Net to Improve Perceptual Evaluation of Speech Quality", section III).
"""

import keras
from keras import layers, ops

from zoo import backend
from zoo.audio import dsp
from zoo.enhancement.inference import FLAT, FLOOR, SILENCE, Enhancing, MaskEnhancing, OnnxEnhancer, OnnxMaskEnhancer
from zoo.enhancement.layers import Bidirectional, FrameMask, Orthogonal
from zoo.nn.model import WaveformModel


class Enhancer(Enhancing, WaveformModel):
    """Waveform wrapper of an enhancement network.

    Call:
        inputs: noisy, or [noisy, lengths]; float (batch, samples) in [-1, 1] at `sample_rate`, and int32 (batch,)
            samples that count.
        Returns float32 (batch, samples), enhanced, zero at and after `lengths`; differentiable.

    Attributes:
        core: functional keras.Model, for fine-tuning on its own features.
        sample_rate: Hz.
        lookahead: seconds of what follows a sample that the network looks at, None for all of it; the statistics of
            the whole recording come on top, so the enhancers of this module work offline.
        hop_length, context, chunks_at_once: as for `zoo.enhancement.inference.Enhancing`.
    """

    onnx_class = OnnxEnhancer

    def __init__(self, core, sample_rate, lookahead, hop_length, context, name):
        super().__init__(core, sample_rate, name)
        self.lookahead, self.hop_length, self.context = lookahead, hop_length, context

    def call(self, inputs, training=False):
        (noisy,), lengths, counted = self.unpack(inputs)
        return self._enhance(noisy, lengths, training) * counted

    def serve(self, waveform, lengths):
        """Outputs of a served model, by name: `enhanced`, (batch, samples)."""
        return {"enhanced": self([waveform, lengths])}

    def enhance_batch(self, noisy, lengths, *conditions):
        return backend.predict(self, [noisy, lengths, *conditions])


class MaskEnhancer(MaskEnhancing, Enhancer):
    """Enhancer that multiplies each bin of the noisy spectrum by a mask and keeps the noisy phase.

    The core sees log(|X|^2 + 1e-7) of the recording at unit rms, with mean 0 and deviation 1 over time in each bin;
    its mask is in `mask_floor`..1. Analysis and synthesis are `zoo.audio.dsp.stft` and `istft`: a mask of ones gives
    the recording back. Level and mean spectrum come from the whole recording, so the network itself may be recurrent
    or see one frame; the enhancer as a whole works offline.

    Call as `Enhancer`; chunks of a long recording also pass its statistics, [noisy, lengths, level, mean, deviation].
    """

    onnx_class = OnnxMaskEnhancer

    def __init__(self, core, mask_floor, sample_rate, n_fft, lookahead, context, name):
        # Half a window: with a shorter hop, frames beyond the last that counts would hold samples that count.
        super().__init__(core, sample_rate, lookahead, n_fft // 2, context, name)
        self.mask_floor, self.n_fft = mask_floor, n_fft

    def call(self, inputs, training=False):
        if isinstance(inputs, (list, tuple)) and len(inputs) == 5:
            noisy, lengths, *statistics = inputs
            return self._enhance(noisy, lengths, training, statistics)
        return super().call(inputs, training)

    def _enhance(self, noisy, lengths, training, statistics=None):
        samples = ops.shape(noisy)[1]
        # To a multiple of the hop, so that two frames reach every sample.
        noisy = ops.pad(noisy, ((0, 0), (0, dsp.pad_to_multiple(samples, self.hop_length))))
        level = self._level(noisy, lengths) if statistics is None else statistics[0]
        real, imaginary = dsp.stft(noisy, self.n_fft, self.hop_length)
        frames = dsp.frame_count(lengths + self.hop_length - 1, self.hop_length)
        log_power = _log_power(real, imaginary, level)
        mean, deviation = _moments(log_power, frames) if statistics is None else statistics[1:]
        features = (log_power - mean) / deviation
        mask = self.core([features, frames], training=training)
        mask = self.mask_floor + (1 - self.mask_floor) * ops.cast(mask, "float32")
        return dsp.istft(real * mask, imaginary * mask, samples, self.n_fft, self.hop_length)

    def _level(self, noisy, lengths):
        """rms of what counts, (batch, 1, 1)."""
        energy = ops.sum(ops.square(noisy), axis=1) / ops.cast(ops.maximum(lengths, 1), "float32")
        return ops.sqrt(energy + SILENCE**2)[:, None, None]

    def get_config(self):
        return {**super().get_config(), "mask_floor": self.mask_floor, "n_fft": self.n_fft}


@keras.saving.register_keras_serializable(package="zoo")
class BLSTMEnhancer(MaskEnhancer):
    """The paper's enhancer: two bidirectional LSTMs of 200, dense 300 (LeakyReLU 0.3), dense sigmoid as a ratio mask.

    Latency: the whole recording (it looks back from the end). Chunks of a long one are computed with 5 s of context on
    each side; a trained network remembers longer, so they differ a little from the whole (up to 5 % rms in the tests).

    Args:
        units: of each direction of each LSTM.
        hidden: units of the dense layer.
        mask_floor: lowest value of the mask: mask = floor + (1 - floor) sigmoid. The author's later code clips the
            sigmoid at the floor instead, which leaves no gradient below it.
        sample_rate, n_fft: in Hz and samples; periodic Hamming window of n_fft, hop of half of it.
        name: of the model.

    Example:
        >>> model = BLSTMEnhancer(units=8, hidden=8)
        >>> tuple(model(ops.ones((2, 4000))).shape)
        (2, 4000)
    """

    chunks_at_once = 8  # a recurrent step takes far less than eight times as long for eight as for one

    def __init__(
        self,
        units=200,
        hidden=300,
        mask_floor=0.05,
        sample_rate=16000,
        n_fft=512,
        name="blstm_enhancer",
    ):
        self.units, self.hidden = units, hidden
        features, frames = _mask_inputs(n_fft)
        counted, x = FrameMask()(features, frames), features
        # All are built before any is used: Keras's loader tells layers apart by id(), which a freed one hands on.
        pairs = [[_lstm(units, back) for back in (False, True)] for _ in "12"]
        for forward, backward in pairs:
            x = Bidirectional(forward, backward_layer=backward)(x, mask=counted)
        x = layers.LeakyReLU(0.3)(layers.Dense(hidden)(x))
        mask = layers.Dense(n_fft // 2 + 1, activation="sigmoid", dtype="float32")(x)
        core = keras.Model([features, frames], mask, name="core")
        context = 5 * sample_rate // (n_fft // 2)
        super().__init__(core, mask_floor, sample_rate, n_fft, None, context, name)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "hidden": self.hidden}


@keras.saving.register_keras_serializable(package="zoo")
class DNNEnhancer(MaskEnhancer):
    """The paper's baseline: three dense layers of 256 ReLU on one frame, and a dense sigmoid as a ratio mask.

    Latency: the network sees one frame (32 ms), but the level and mean spectrum of the whole recording.

    Args:
        units: of each of the three dense layers.
        mask_floor, sample_rate, n_fft, name: as for `BLSTMEnhancer`.

    Example:
        >>> model = DNNEnhancer(units=8)
        >>> tuple(model(ops.ones((2, 4000))).shape)
        (2, 4000)
    """

    def __init__(self, units=256, mask_floor=0.05, sample_rate=16000, n_fft=512, name="dnn_enhancer"):
        self.units = units
        features, frames = _mask_inputs(n_fft)
        x = features
        for _ in range(3):
            x = layers.Dense(units, activation="relu")(x)
        mask = layers.Dense(n_fft // 2 + 1, activation="sigmoid", dtype="float32")(x)
        core = keras.Model([features, frames], mask, name="core")
        context = 4  # the frames at a chunk's ends lack its neighbours' samples
        super().__init__(core, mask_floor, sample_rate, n_fft, n_fft / sample_rate, context, name)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _lstm(units, go_backwards):
    options = {"return_sequences": True, "go_backwards": go_backwards}
    return layers.LSTM(units, recurrent_initializer=Orthogonal(), **options)


def _mask_inputs(n_fft):
    return keras.Input((None, n_fft // 2 + 1), name="features"), keras.Input((), dtype="int32", name="frames")


def _log_power(real, imaginary, level):
    """log(|X|^2 + floor) of the spectrum at unit rms."""
    power = (ops.square(real) + ops.square(imaginary)) / ops.square(level)
    return ops.log(power / real.shape[-1] + FLOOR)


def _moments(log_power, frames):
    """Mean and standard deviation over the frames that count, (batch, 1, bins) each."""
    mean, variance = dsp.masked_moments(log_power, frames)
    return mean, ops.sqrt(variance + FLAT)
