"""A small classifier of environmental sounds, whose class probabilities the texture scores compare.

Ours, not the paper's: Antognini et al. 2019 use 527 AudioSet classes on VGGish embeddings, which were never published.
"""

import keras
import numpy as np
from keras import layers, ops

from zoo import backend
from zoo.audio import dsp
from zoo.errors import InputError
from zoo.nn import segments
from zoo.nn.layers import Dropout, MaskTime, MeanOverTime
from zoo.nn.model import WaveformModel

_LEVEL = 0.1  # rms that every clip is brought to
_SILENCE = 1e-6  # an rms below this is digital silence at 16 bits
_OFFSET = 1e-3  # inside the log: at rms 0.1, white noise has a mean power of 2 in every band
_MOMENTUM = 0.95  # of batch statistics: short trainings must not end on those of their first steps
_STRIDES = (2, 2, 2, 2, 1)  # of the convolutions, the last is repeated


@keras.saving.register_keras_serializable(package="zoo")
class SoundClassifier(WaveformModel):
    """Probabilities of classes of environmental sounds: strided convolutions on log-mel bands, mean over all, softmax.

    A clip is first scaled to an rms of 0.1, so its level does not matter. Then log(1e-3 + mel power) of a spectrum with
    a periodic Hamming window (`zoo.audio.dsp.stft`, `mel_matrix`, from 50 Hz to half the rate), batch normalisation,
    convolutions 3 x 3 with batch normalisation and ReLU (the first four with stride 2 in time and frequency), the mean
    over time and frequency, dropout, and one dense layer.

    Args:
        classes: names, in the order of the probabilities.
        channels: of each convolution.
        bands: of the mel spectrum.
        dropout: before the dense layer, in training.
        sample_rate, n_fft, hop_length: of the spectrum, in Hz and samples.
        name: of the model.

    Call:
        inputs: waveform, or [waveform] or [waveform, lengths]; float (batch, samples) in [-1, 1] at `sample_rate`, and
            int32 (batch,) samples that count.
        Returns probabilities, float32 (batch, classes), which sum to 1; differentiable in the waveform. Those of
        silence are finite and mean nothing.

    Attributes:
        core: functional keras.Model on [log-mel (batch, frames, bands), frames (batch,)] -> (batch, classes); for
            fine-tuning on features.
        classes: tuple of names.
        sample_rate: Hz.

    Example:
        >>> model = SoundClassifier(["rain", "wind"])
        >>> tuple(model(np.ones((3, 16000), "float32")).shape)
        (3, 2)
    """

    def __init__(
        self,
        classes,
        channels=(32, 64, 96, 128, 128),
        bands=64,
        dropout=0.3,
        sample_rate=16000,
        n_fft=512,
        hop_length=256,
        name="sound_classifier",
    ):
        self.classes, self.channels = tuple(classes), tuple(channels)
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise InputError(
                f"{len(self.classes)} classes, {len(set(self.classes))} names: give two or more, all different"
            )
        self.bands, self.dropout = bands, dropout
        self.n_fft, self.hop_length = n_fft, hop_length
        self.mel = dsp.mel_matrix(bands, n_fft, sample_rate)
        super().__init__(_core(len(self.classes), self.channels, bands, dropout), sample_rate, name)

    def call(self, inputs, training=False):
        (waveform,), lengths, _ = self.unpack(inputs)
        return self.core(self.features(waveform, lengths), training=training)

    def features(self, waveform, lengths=None):
        """What the core takes: log-mel bands float32 (batch, frames, bands) at one level, and int32 (batch,) frames.

        Arguments as for a call; frames at and after those that count hold no sound.
        """
        waveform, lengths = ops.cast(waveform, "float32"), dsp.resolve_lengths(waveform, lengths)
        waveform = _levelled(waveform, lengths)
        real, imaginary = dsp.stft(waveform, self.n_fft, self.hop_length, lengths)
        power = ops.matmul(ops.square(real) + ops.square(imaginary), ops.convert_to_tensor(self.mel))
        return [ops.log(_OFFSET + power), dsp.frame_count(lengths, self.hop_length)]

    def compute_output_shape(self, input_shape):
        return (self.waveform_shape(input_shape)[0], len(self.classes))

    def serve(self, waveform, lengths):
        """Outputs of a served model, by name: `probabilities`, (batch, classes), as by `probabilities`."""
        _, power = _counted(waveform, lengths)
        audible = ops.logical_and(power > _SILENCE**2, power < float("inf"))  # what is not finite compares as False
        return {"probabilities": ops.where(audible[:, None], self([waveform, lengths]), float("nan"))}

    def probabilities(self, audio, sample_rate, lengths=None, resample=False, batch_size=16):
        """Probabilities of the classes of recordings.

        Args:
            audio: float (samples,) or (batch, samples) in [-1, 1].
            sample_rate: of it, in Hz.
            lengths: int (batch,) samples that count of each padded recording; None for all.
            resample: bring another rate to the model's, instead of raising.
            batch_size: recordings at a time, which bounds the memory.

        Returns:
            float64 (batch, classes) in 0..1, in the order of `classes`, each row sums to 1; NaN where a recording is
            silent, empty or not finite.

        Raises:
            InputError: for another rate, another shape, or integers.

        Example:
            >>> classifier = zoo.load("texture-classifier-16k")
            >>> noise = np.random.default_rng(0).normal(size=16000) / 10
            >>> probabilities = classifier.probabilities(noise, sample_rate=16000)
            >>> probabilities.shape == (1, len(classifier.classes)), round(float(probabilities.sum()), 3)
            (True, 1.0)
        """
        audio, lengths = self.prepare(audio, sample_rate=sample_rate, lengths=lengths, resample=resample)
        power = np.square(audio, dtype=np.float64).sum(axis=1) / np.maximum(lengths, 1)
        # A power that is not finite compares as False.
        audible = np.flatnonzero((power > _SILENCE**2) & (power < np.inf))
        probabilities = np.full((len(audio), len(self.classes)), np.nan)
        spans = np.stack([audible, np.zeros_like(audible), lengths[audible]], axis=1)
        for places, batch in segments.batches([audio], spans, batch_size, self.sample_rate, backend.jit()):
            probabilities[audible[places]] = ops.convert_to_numpy(self(batch, training=False))
        return probabilities

    def get_config(self):
        own = {"classes": list(self.classes), "channels": list(self.channels), "bands": self.bands}
        own |= {"dropout": self.dropout, "n_fft": self.n_fft, "hop_length": self.hop_length}
        return {**super().get_config(), **own}


def _counted(waveform, lengths):
    """The waveform, zero where it does not count, and its mean power (batch,) over the samples that count."""
    counted = waveform * dsp.sequence_mask(lengths, ops.shape(waveform)[1])
    return counted, ops.sum(ops.square(counted), axis=1) / ops.cast(ops.maximum(lengths, 1), "float32")


def _levelled(waveform, lengths):
    """The waveform at an rms of 0.1 over the samples that count; silence stays silence."""
    counted, power = _counted(waveform, lengths)
    return counted * (_LEVEL / ops.sqrt(ops.maximum(power, _SILENCE**2)))[:, None]


def _core(classes, channels, bands, dropout):
    log_mel = keras.Input((None, bands), name="log_mel")
    counted = keras.Input((), dtype="int32", name="frames")
    x, frames = layers.BatchNormalization(momentum=_MOMENTUM)(log_mel), counted
    x = MaskTime()(layers.Reshape((-1, bands, 1))(x), frames)
    for i, filters in enumerate(channels):
        stride = _STRIDES[min(i, len(_STRIDES) - 1)]
        # One frame and one band of zeros on each side, never "same": that pads by the padded length's parity.
        x = layers.ZeroPadding2D(1, "channels_last")(x)
        x = layers.Conv2D(filters, 3, stride, data_format="channels_last", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(x))
        frames = (frames + stride - 1) // stride
        x = MaskTime()(x, frames)
    average = layers.GlobalAveragePooling1D("channels_last", dtype="float32")
    x = Dropout(dropout)(average(MeanOverTime(dtype="float32")(x, frames)))
    return keras.Model([log_mel, counted], layers.Dense(classes, "softmax", dtype="float32")(x), name="core")
