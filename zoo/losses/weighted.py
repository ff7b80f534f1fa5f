"""Losses that train an enhancer: `keras.losses.Loss` on waveforms, and a weighted sum of them by name."""

import math

import keras
from keras import ops

import zoo
from zoo.audio import dsp
from zoo.data.speech import SAMPLE_RATE
from zoo.errors import InputError
from zoo.losses.pmsqe import PMSQE
from zoo.losses.signal import NegativeSISDR

_LOG_FLOOR = 3e-4  # added to a magnitude inside its logarithm: 16-bit noise counts for little
_EPS = 1e-10


@keras.saving.register_keras_serializable(package="zoo")
class MagnitudeMSE(keras.losses.Loss):
    """Mean squared difference of magnitude spectra, over the frames that count and all bins.

    The spectra are those of `dsp.magnitude` (periodic Hamming window, centred, unscaled).

    Args:
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1].
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples.

    Example:
        >>> float(MagnitudeMSE()(ops.ones((2, 4000)), ops.ones((2, 4000))))
        0.0
    """

    def __init__(self, n_fft=512, hop_length=256, reduction="sum_over_batch_size", name="magnitude_mse"):
        super().__init__(name=name, reduction=reduction)
        self.n_fft, self.hop_length = n_fft, hop_length

    def call(self, reference, estimate, lengths=None):
        spectra = [dsp.magnitude(x, self.n_fft, self.hop_length, lengths) for x in (reference, estimate)]
        mask = dsp.frame_mask(estimate, lengths, self.hop_length)
        return _mean(ops.square(spectra[0] - spectra[1]), mask)

    def get_config(self):
        return {**super().get_config(), "n_fft": self.n_fft, "hop_length": self.hop_length}


@keras.saving.register_keras_serializable(package="zoo")
class MultiResolutionSTFT(keras.losses.Loss):
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
        super().__init__(name=name, reduction=reduction)
        self.n_fft = tuple(n_fft)

    def call(self, reference, estimate, lengths=None):
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
class WaveformL1(keras.losses.Loss):
    """Mean absolute difference of waveforms over the samples that count (Manocha et al. 2020, section 3.4).

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
        super().__init__(name=name, reduction=reduction)

    def call(self, reference, estimate, lengths=None):
        mask = dsp.sequence_mask(dsp.resolve_lengths(reference, lengths), ops.shape(reference)[1])
        difference = ops.abs(ops.cast(reference, "float32") - ops.cast(estimate, "float32"))
        return ops.sum(difference * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)


@keras.saving.register_keras_serializable(package="zoo")
class WeightedSum(keras.losses.Loss):
    """Sum of losses, each times its weight.

    Args:
        terms: pairs (weight, loss); a loss takes (reference, estimate, lengths) in its `call`.
        reduction: as for any Keras loss; those of the terms do not count.
        name: of the loss.

    Call:
        As for `MagnitudeMSE`.

    Example:
        >>> loss = WeightedSum([(1.0, MagnitudeMSE()), (0.1, NegativeSISDR())])
    """

    def __init__(self, terms, reduction="sum_over_batch_size", name="weighted_sum"):
        super().__init__(name=name, reduction=reduction)
        self.terms = [(float(weight), loss) for weight, loss in terms]

    def call(self, reference, estimate, lengths=None):
        return sum(weight * loss.call(reference, estimate, lengths) for weight, loss in self.terms)

    def get_config(self):
        terms = [[weight, keras.saving.serialize_keras_object(loss)] for weight, loss in self.terms]
        return {**super().get_config(), "terms": terms}

    @classmethod
    def from_config(cls, config):
        terms = [(weight, keras.saving.deserialize_keras_object(loss)) for weight, loss in config["terms"]]
        return cls(**{**config, "terms": terms})


LOSSES = {
    "magnitude-mse": MagnitudeMSE,
    "multi-resolution-stft": MultiResolutionSTFT,
    "negative-si-sdr": NegativeSISDR,
    "pmsqe": PMSQE,
    "waveform-l1": WaveformL1,
}


def build(terms):
    """The weighted sum that a recipe names.

    Args:
        terms: dict of weights by name: one of `LOSSES`, or the source of a checkpoint that `zoo.loss` reads.

    Returns:
        WeightedSum.

    Raises:
        InputError: no term, a weight that is no number above 0, or an unknown name.

    Example:
        >>> loss = build({"magnitude-mse": 1.0, "pmsqe": 0.5})
    """
    if not terms:
        raise InputError(f"the loss has no terms; give weights by name: {', '.join(LOSSES)}, or a checkpoint")
    for name, weight in terms.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < math.inf:
            raise InputError(f"the weight of {name!r} is {weight!r}; give a number above 0")
    return WeightedSum([(weight, _named(name)) for name, weight in terms.items()])


def _named(name):
    if name in LOSSES:
        return LOSSES[name]()
    try:
        return zoo.loss(name, sample_rate=SAMPLE_RATE)
    except InputError as error:
        raise InputError(f"{error} Losses that need no checkpoint: {', '.join(LOSSES)}.") from None


def _mean(values, mask):
    """Mean of (batch, frames, bins) over the frames that `mask` counts and all bins, (batch,)."""
    return ops.sum(ops.mean(values, axis=-1) * mask, axis=1) / ops.sum(mask, axis=1)
