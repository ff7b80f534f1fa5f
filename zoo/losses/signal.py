"""Losses of signals: squared error of spectra, multi-resolution spectra, L1 and SI-SDR of waveforms."""

from typing import Any

import keras
from keras import ops

from zoo.audio import dsp, tensors
from zoo.losses.operation import WaveformLoss, one_operation

# Added to a magnitude inside its logarithm, or where it is compressed: 16-bit noise counts for little.
_LOG_FLOOR = 3e-4
_EPS = 1e-10


@keras.saving.register_keras_serializable(package="zoo")
class MagnitudeMSE(WaveformLoss):
    """Mean squared difference of magnitude spectra, over the frames that count and all bins.

    The spectra are those of `dsp.magnitude` (periodic Hamming window, centred, unscaled).

    Args:
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1], or (batch, samples, 1).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples.

    Raises:
        InputError: as for `zoo.audio.tensors.waveform_pair`.

    Example:
        >>> float(MagnitudeMSE()(ops.ones((2, 4000)), ops.ones((2, 4000))))
        0.0
    """

    def __init__(self, n_fft=512, hop_length=256, reduction="sum_over_batch_size", name="magnitude_mse"):
        super().__init__(reduction, name)
        self.n_fft, self.hop_length = n_fft, hop_length

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        spectra = [dsp.magnitude(x, self.n_fft, self.hop_length, lengths) for x in (reference, estimate)]
        mask = dsp.frame_mask(estimate, lengths, self.hop_length)
        return _mean(ops.square(spectra[0] - spectra[1]), mask)

    def get_config(self):
        return {**super().get_config(), "n_fft": self.n_fft, "hop_length": self.hop_length}


@keras.saving.register_keras_serializable(package="zoo")
class CompressedSpectrum(WaveformLoss):
    """Squared error of short-time spectra whose magnitudes are raised to a power (after Braun and Tashev 2021).

    (1 - a) mean (|X|^c - |Y|^c)^2 + a mean | |X|^c e^(j arg X) - |Y|^c e^(j arg Y) |^2 with c = 0.3 and a = 0.3. The
    spectra are as for `MagnitudeMSE`; 9e-8 is added to each power, so silence has a finite gradient. The signals are
    not brought to one level first: but for that floor, the loss is proportional to their rms to the power of 0.6.

    Args:
        n_fft, hop_length: as for `MagnitudeMSE`.
        power: c, above 0 and up to 1.
        complex_share: a, 0 to 1.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        As for `MagnitudeMSE`; per example 0 and up, lower is better.

    Example:
        >>> float(CompressedSpectrum()(ops.ones((2, 4000)), ops.ones((2, 4000))))
        0.0
    """

    def __init__(
        self,
        n_fft=512,
        hop_length=256,
        power=0.3,
        complex_share=0.3,
        reduction="sum_over_batch_size",
        name="compressed_spectrum",
    ):
        super().__init__(reduction, name)
        self.n_fft, self.hop_length, self.power, self.complex_share = n_fft, hop_length, power, complex_share

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        spectra = [self._compressed(waveform, lengths) for waveform in (reference, estimate)]
        of_magnitude, *of_parts = (ops.square(ours - theirs) for theirs, ours in zip(*spectra, strict=True))
        mask = dsp.frame_mask(estimate, lengths, self.hop_length)
        return _mean((1 - self.complex_share) * of_magnitude + self.complex_share * sum(of_parts), mask)

    def _compressed(self, waveform, lengths):
        """Magnitude, real and imaginary part of the spectrum whose magnitude is raised to the power."""
        real, imaginary = dsp.stft(waveform, self.n_fft, self.hop_length, lengths)
        power = ops.square(real) + ops.square(imaginary) + _LOG_FLOOR**2
        gain = ops.power(power, (self.power - 1) / 2)
        return ops.sqrt(power) * gain, real * gain, imaginary * gain

    def get_config(self):
        own = {name: getattr(self, name) for name in ("n_fft", "hop_length", "power", "complex_share")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo")
class MultiResolutionSTFT(WaveformLoss):
    """Spectral convergence and L1 of log magnitudes, mean of several resolutions (Yamamoto et al. 2020, equation 6).

    ||X - Y|| / ||X|| + mean |log X - log Y|, X the reference's magnitudes. Departures from the paper: windows fill the
    transform and hop a quarter of it, Hamming in place of Hann (`dsp.magnitude`); 3e-4 is added to each magnitude in
    the logarithm and in the norm of X, so silence is finite.

    Args:
        n_fft: transform lengths in samples, one a resolution.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        As for `MagnitudeMSE`; per example 0 and up, lower is better.

    Example:
        >>> bool(MultiResolutionSTFT()(ops.ones((2, 4000)), ops.ones((2, 4000))) < 1e-3)
        True
    """

    def __init__(self, n_fft=(512, 1024, 2048), reduction="sum_over_batch_size", name="multi_resolution_stft"):
        super().__init__(reduction, name)
        self.n_fft = tuple(n_fft)

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        return sum(self._at(n_fft, reference, estimate, lengths) for n_fft in self.n_fft) / len(self.n_fft)

    def _at(self, n_fft, reference, estimate, lengths):
        ours, theirs = (dsp.magnitude(x, n_fft, n_fft // 4, lengths) for x in (estimate, reference))
        mask = dsp.frame_mask(estimate, lengths, n_fft // 4)
        error, power = _mean(ops.square(ours - theirs), mask), _mean(ops.square(theirs + _LOG_FLOOR), mask)
        logs = ops.abs(ops.log(ours + _LOG_FLOOR) - ops.log(theirs + _LOG_FLOOR))
        return ops.sqrt(error + _EPS) / ops.sqrt(power) + _mean(logs, mask)

    def get_config(self):
        return {**super().get_config(), "n_fft": list(self.n_fft)}


@keras.saving.register_keras_serializable(package="zoo")
class WaveformL1(WaveformLoss):
    """Mean absolute difference of waveforms over the samples that count.

    What the learned losses of the waveform denoiser are compared with here; Manocha et al. 2020 have no such row.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        As for `MagnitudeMSE`; per example 0 and up, lower is better.

    Example:
        >>> float(WaveformL1()(ops.ones((2, 4000)), ops.zeros((2, 4000))))
        1.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="waveform_l1"):
        super().__init__(reduction, name)

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        mask = dsp.sequence_mask(dsp.resolve_lengths(reference, lengths), ops.shape(reference)[1])
        difference = ops.abs(ops.cast(reference, "float32") - ops.cast(estimate, "float32"))
        return ops.sum(difference * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)


@keras.saving.register_keras_serializable(package="zoo")
class NegativeSISDR(WaveformLoss):
    """Minus the scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), both means removed.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples), or (batch, samples, 1).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,) in dB, -80 (perfect) to 80, lower is better;
        0 for a silent estimate; int32 (batch,) `lengths` in samples.

    Example:
        >>> wave = ops.sin(ops.arange(4000, dtype="float32"))[None]
        >>> round(float(NegativeSISDR()(wave, 0.5 * wave)))
        -80
    """

    def __init__(self, reduction="sum_over_batch_size", name="negative_si_sdr"):
        super().__init__(reduction, name)

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        reference, estimate = (_centred(x, lengths) for x in (reference, estimate))
        share = ops.sum(reference * estimate, axis=1) / (ops.sum(ops.square(reference), axis=1) + _EPS)
        target = share[:, None] * reference
        energies = [ops.sum(ops.square(x), axis=1) for x in (target, estimate - target, estimate)]
        floor = 1e-8 * energies[2] + _EPS
        return 10.0 * (ops.log10(energies[1] + floor) - ops.log10(energies[0] + floor))


def _mean(values, mask):
    """Mean of (batch, frames, bins) over the frames that `mask` counts and all bins, (batch,)."""
    return ops.sum(ops.mean(values, axis=-1) * mask, axis=1) / ops.sum(mask, axis=1)


def _centred(waveform, lengths):
    """The waveform less its mean over the samples that count; zero after them."""
    waveform = ops.cast(waveform, "float32")
    if lengths is None:
        return waveform - ops.mean(waveform, axis=1, keepdims=True)
    mask = dsp.sequence_mask(lengths, ops.shape(waveform)[1])
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    return (waveform - ops.sum(waveform * mask, axis=1, keepdims=True) / count) * mask
