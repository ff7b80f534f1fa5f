"""What the networks see of a pair of spectra."""

import keras
from keras import ops

from zoo.audio import dsp

FEATURES = ("magnitude", "log1p", "log-power", "log-mel")
_FLOOR = 1e-5  # -50 dB below the mean power of the clip: what is softer does not count
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
            channels = [self._log_power(degraded, mask), self._log_power(reference, mask)]
            channels.append(channels[0] - channels[1])
        else:
            channels = [ops.log1p(x) if self.features == "log1p" else x for x in (degraded, reference)]
        return ops.cast(ops.stack(channels, axis=-1) * ops.expand_dims(mask, 3), self.compute_dtype)

    def _log_power(self, spectrum, mask):
        power = ops.square(spectrum) * mask
        count = ops.sum(mask, axis=(1, 2), keepdims=True) * spectrum.shape[-1]
        power = power / (ops.sum(power, axis=(1, 2), keepdims=True) / ops.maximum(count, 1.0) + _EPS)
        if self.mel is not None:
            power = ops.matmul(power, self.mel)
        return ops.log(power + _FLOOR)

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
