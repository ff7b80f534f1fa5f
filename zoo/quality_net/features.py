"""What the networks see of the spectra of a pair, or of a recording alone."""

import keras
from keras import ops

from zoo.audio import dsp

FEATURES = ("magnitude", "log1p", "log-power", "log-mel")
_FLOOR = 1e-5  # -50 dB below the mean power of the clip: what is softer does not count
_FREE_FLOOR = 1e-6  # without a reference to compare with, faint noise in the pauses is what tells
_EPS = 1e-10


@keras.saving.register_keras_serializable(package="zoo")
class PairFeatures(keras.layers.Layer):
    """Turns magnitudes of a degraded recording and its reference into the network's input channels.

    `magnitude` is the paper's input: two channels [degraded, reference]. `log1p` is log(1 + x) of it, which is ours.
    `log-power` and `log-mel` first bring both recordings to unit mean power (PESQ does not hear level either), then
    take log(power + 1e-5) of each bin or mel band, and add a third channel, their difference.

    Args:
        features: one of "magnitude", "log1p", "log-power", "log-mel".
        bands: mel bands, for "log-mel".
        n_fft: transform length of the magnitudes.
        sample_rate: in Hz.

    Call:
        degraded, reference: float (batch, frames, n_fft // 2 + 1) magnitudes.
        frames: int32 (batch,) frames that count; only these set the level.

    Returns:
        float (batch, frames, bins or bands, 2 or 3), zero in frames that do not count.
    """

    def __init__(self, features, bands, n_fft, sample_rate, **kwargs):
        super().__init__(**kwargs)
        if features not in FEATURES:
            raise ValueError(f"features must be one of {', '.join(FEATURES)}, not {features!r}")
        self.features, self.bands, self.n_fft, self.sample_rate = features, bands, n_fft, sample_rate
        self.mel = dsp.mel_matrix(bands, n_fft, sample_rate) if features == "log-mel" else None

    def call(self, degraded, reference, frames):
        mask = ops.expand_dims(dsp.sequence_mask(frames, ops.shape(degraded)[1]), 2)
        degraded, reference = (ops.cast(spectrum, "float32") for spectrum in (degraded, reference))
        if self.features in ("log-power", "log-mel"):
            channels = [_log_power(x, mask, self.mel, _FLOOR) for x in (degraded, reference)]
            channels.append(channels[0] - channels[1])
        else:
            channels = [ops.log1p(x) if self.features == "log1p" else x for x in (degraded, reference)]
        return ops.cast(ops.stack(channels, axis=-1) * ops.expand_dims(mask, 3), self.compute_dtype)

    def compute_output_shape(self, degraded_shape, reference_shape=None, frames_shape=None):
        logarithmic = self.features in ("log-power", "log-mel")
        width = self.bands if self.features == "log-mel" else degraded_shape[-1]
        return (*degraded_shape[:2], width, 3 if logarithmic else 2)

    def get_config(self):
        own = {
            "features": self.features,
            "bands": self.bands,
            "n_fft": self.n_fft,
            "sample_rate": self.sample_rate,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo")
class RecordingFeatures(keras.layers.Layer):
    """Log power of a recording in mel bands, at unit mean power, with a floor 60 dB below it.

    Args:
        bands: mel bands.
        n_fft: transform length of the magnitudes.
        sample_rate: in Hz.

    Call:
        magnitude: float (batch, frames, n_fft // 2 + 1).
        frames: int32 (batch,) frames that count; only these set the level.

    Returns:
        float (batch, frames, bands, 1), zero in frames that do not count.
    """

    def __init__(self, bands, n_fft, sample_rate, **kwargs):
        super().__init__(**kwargs)
        self.bands, self.n_fft, self.sample_rate = bands, n_fft, sample_rate
        self.mel = dsp.mel_matrix(bands, n_fft, sample_rate)

    def call(self, magnitude, frames):
        mask = ops.expand_dims(dsp.sequence_mask(frames, ops.shape(magnitude)[1]), 2)
        features = mask * _log_power(ops.cast(magnitude, "float32"), mask, self.mel, _FREE_FLOOR)
        return ops.cast(ops.expand_dims(features, 3), self.compute_dtype)

    def compute_output_shape(self, magnitude_shape, frames_shape=None):
        return (*magnitude_shape[:2], self.bands, 1)

    def get_config(self):
        own = {"bands": self.bands, "n_fft": self.n_fft, "sample_rate": self.sample_rate}
        return {**super().get_config(), **own}


def _log_power(spectrum, mask, mel, floor):
    """Log of the power, at unit mean over what counts, of each bin or, with a matrix, of each mel band."""
    power = ops.square(spectrum) * mask
    count = ops.sum(mask, axis=(1, 2), keepdims=True) * spectrum.shape[-1]
    power = power / (ops.sum(power, axis=(1, 2), keepdims=True) / ops.maximum(count, 1.0) + _EPS)
    if mel is not None:
        power = ops.matmul(power, mel)
    return ops.log(power + floor)
