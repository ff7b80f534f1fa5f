"""Losses of separators: Chandna's on magnitudes, which keeps sources apart, and SI-SDR on waveforms."""

import math

import keras
from keras import ops

from zoo.audio import dsp, tensors
from zoo.errors import InputError
from zoo.losses.signal import NegativeSISDR
from zoo.separation.tracks import SOURCES

_SILENCE = 1e-12  # power added to that of the mixture, so that silence has a loss
_SOUNDS = 1e-4  # rms of a source that counts for SI-SDR: 80 dB below full scale


@keras.saving.register_keras_serializable(package="zoo")
class SourcesSquaredError(keras.losses.Loss):
    """Squared error of every source's magnitudes: L_sq = sum_n ||estimate_n - y_n||^2 (Chandna et al. 2017).

    By default the norm is a mean over frames and bins, so that its size does not depend on the length. The printed one is
    a sum, larger by frames times bins: 15,390 for 30 frames of 513 bins.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.
        norm: "mean" or "sum" over frames and bins.

    Call:
        (true, estimate) -> scalar (reduced); float magnitudes (batch, sources, frames, bins), not negative.
        `loss.call(true, estimate)` -> (batch,), 0 and up, lower is better.

    Example:
        >>> float(SourcesSquaredError()(ops.ones((2, 4, 30, 513)), ops.zeros((2, 4, 30, 513))))
        4.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="sources_squared_error", norm="mean"):
        super().__init__(name=name, reduction=reduction)
        self.norm = _checked_norm(norm)

    def call(self, true, estimate):
        _check_spectra(true, estimate)
        return ops.sum(_distance(true, estimate, self.norm), axis=1)

    def get_config(self):
        return {**super().get_config(), "norm": self.norm}


@keras.saving.register_keras_serializable(package="zoo")
class ChandnaLoss(keras.losses.Loss):
    """L_total: near to the true source, and far from the others (Chandna et al. 2017).

    L_total = sum_n d(e_n, y_n) - alpha sum_n sum_(m != n) d(e_n, z_m) - beta sum_(n not vocals) d(e_n, z_other)
    - beta_vocals d(e_vocals, z_other), n and m among the sources but "other", d the squared error over frames and bins, e
    the estimates and y the true sources. There are two readings of z: y, the true sources, as in the authors' code, and
    e, the other estimates. Groysman and Priymak's report prints a third loss: `ReportLoss`. "other" has no first term:
    masks sum to 1, so it is what the others leave.

    Args:
        alpha, beta, beta_vocals: weights; the authors' by default.
        against: what z is, "truth" or "estimates".
        sources: names in the order of their axis, with "vocals" and "other" among them.
        reduction: as for any Keras loss.
        name: of the loss.
        norm: "mean" or "sum" over frames and bins, as for `SourcesSquaredError`.

    Call:
        As for `SourcesSquaredError`; per example it may be negative.

    Raises:
        InputError: another reading or norm, sources without "vocals" or "other", or estimates of another number of sources.

    Example:
        >>> loss = ChandnaLoss(alpha=0.001, beta=0.01, beta_vocals=0.03)
        >>> round(float(loss(ops.ones((2, 4, 30, 513)), ops.zeros((2, 4, 30, 513)))), 3)
        2.944
    """

    def __init__(
        self,
        alpha=0.001,
        beta=0.01,
        beta_vocals=0.03,
        against="truth",
        sources=SOURCES,
        reduction="sum_over_batch_size",
        name="chandna_loss",
        norm="mean",
    ):
        super().__init__(name=name, reduction=reduction)
        if against not in ("truth", "estimates"):
            raise InputError(f"against is {against!r}; give 'truth' or 'estimates'")
        self.alpha, self.beta, self.beta_vocals, self.against = alpha, beta, beta_vocals, against
        self.sources, self.norm = _checked_sources(sources), _checked_norm(norm)

    def call(self, true, estimate):
        true, estimate = _by_source(true, estimate, self.sources, self.dtype)
        apart = true if self.against == "truth" else estimate
        other = apart[self.sources.index("other")]
        named = [i for i, source in enumerate(self.sources) if source != "other"]
        total = 0.0
        for i in named:
            beta = self.beta_vocals if self.sources[i] == "vocals" else self.beta
            total += _distance(true[i], estimate[i], self.norm) - beta * _distance(other, estimate[i], self.norm)
            total -= self.alpha * sum(_distance(apart[j], estimate[i], self.norm) for j in named if j != i)
        return total

    def get_config(self):
        own = {"alpha": self.alpha, "beta": self.beta, "beta_vocals": self.beta_vocals, "against": self.against}
        return {**super().get_config(), **own, "sources": self.sources, "norm": self.norm}


@keras.saving.register_keras_serializable(package="zoo")
class ReportLoss(keras.losses.Loss):
    """L_total as Groysman and Priymak's report prints it (section 3.3).

    L_total = L_sq' - alpha L_diff - beta L_other - beta_vocals L_othervocals, with e the estimates, y the true sources,
    1 the vocals and N "other":

    L_sq' = sum_(n < N) ||e_n - y_n||^2, L_diff = sum_(n < N) ||e_n - e_m||^2, L_other = sum_(1 < n < N) ||e_n - e_m||^2,
    L_othervocals = ||e_1 - y_N||^2

    The index m != n is summed over; the report does not say whether it may be N. Both readings are `others`.

    Args:
        alpha, beta, beta_vocals: weights; the report's by default.
        others: what m may be, "named" for all but "other", or "all".
        sources: names in the order of their axis, with "vocals" and "other" among them.
        norm: "sum" over frames and bins as printed, or "mean".
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        As for `SourcesSquaredError`; per example it may be negative.

    Raises:
        InputError: another reading or norm, sources without "vocals" or "other", or estimates of another number of sources.

    Example:
        >>> loss = ReportLoss()
        >>> round(float(loss(ops.ones((2, 4, 30, 513)), ops.zeros((2, 4, 30, 513)))) / (30 * 513), 3)
        2.97
    """

    def __init__(
        self,
        alpha=0.001,
        beta=0.01,
        beta_vocals=0.03,
        others="named",
        sources=SOURCES,
        norm="sum",
        reduction="sum_over_batch_size",
        name="report_loss",
    ):
        super().__init__(name=name, reduction=reduction)
        if others not in ("named", "all"):
            raise InputError(f"others is {others!r}; give 'named' or 'all'")
        self.alpha, self.beta, self.beta_vocals, self.others = alpha, beta, beta_vocals, others
        self.sources, self.norm = _checked_sources(sources), _checked_norm(norm)

    def call(self, true, estimate):
        true, estimate = _by_source(true, estimate, self.sources, self.dtype)
        vocals, other = self.sources.index("vocals"), self.sources.index("other")
        named = [i for i in range(len(self.sources)) if i != other]
        total = -self.beta_vocals * _distance(estimate[vocals], true[other], self.norm)
        for i in named:
            apart = [j for j in (named if self.others == "named" else range(len(self.sources))) if j != i]
            weight = self.alpha if i == vocals else self.alpha + self.beta
            total += _distance(true[i], estimate[i], self.norm)
            total -= weight * sum(_distance(estimate[j], estimate[i], self.norm) for j in apart)
        return total

    def get_config(self):
        own = {"alpha": self.alpha, "beta": self.beta, "beta_vocals": self.beta_vocals, "others": self.others}
        return {**super().get_config(), **own, "sources": self.sources, "norm": self.norm}


@keras.saving.register_keras_serializable(package="zoo")
class SourcesErrorLevel(keras.losses.Loss):
    """Level of every source's error re the mixture, in dB, a mean over the sources: each counts alike, however soft.

    L = mean_n 10 log10((||e_n - y_n||^2 + floor ||x||^2) / ||x||^2), e the estimates, y the true sources and x their sum;
    the norm is over frames and bins. The floor re the mixture is that of Wisdom et al. 2021 for silent sources: what lies
    below it is not worth more effort.
    With true magnitudes in phase with the mixture, Re(Y conj(X)) / |X|, the error is that of the spectra but for a part
    that no mask changes.

    Args:
        floor: power re the mixture; 0.001, 30 dB below it, by default.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        As for `SourcesSquaredError`, but true magnitudes may be negative; in dB, lower is better, -30 at the default floor of silence.

    Example:
        >>> true = np.zeros((1, 2, 30, 513), "float32")
        >>> true[:, 0] = 1
        >>> round(float(SourcesErrorLevel()(true, true)), 3)  # the floor
        -30.0
    """

    def __init__(self, floor=1e-3, reduction="sum_over_batch_size", name="sources_error_level"):
        super().__init__(name=name, reduction=reduction)
        self.floor = floor

    def call(self, true, estimate):
        _check_spectra(true, estimate)
        mixture = ops.mean(ops.square(ops.sum(true, axis=1, keepdims=True)), axis=(2, 3)) + _SILENCE
        errors = _distance(true, estimate, "mean")
        return 10 / math.log(10) * ops.mean(ops.log(errors / mixture + self.floor), axis=1)

    def get_config(self):
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable(package="zoo")
class SourcesSISDR(keras.losses.Loss):
    """Minus the mean scale-invariant SDR of the sources that sound (`zoo.losses.signal.NegativeSISDR`).

    A source below an rms of 1e-4 has no SI-SDR and does not count.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (true, estimate) -> scalar (reduced); float waveforms (batch, sources, samples).
        `loss.call(true, estimate, lengths)` -> float32 (batch,) in dB, -80 (perfect) to 80, lower is better; 0 where no
        source sounds; int32 (batch,) `lengths` in samples.

    Example:
        >>> wave = np.sin(np.arange(8000, dtype="float32")).reshape(1, 2, 4000)
        >>> round(float(SourcesSISDR()(wave, 0.5 * wave)))
        -80
    """

    def __init__(self, reduction="sum_over_batch_size", name="sources_si_sdr"):
        super().__init__(name=name, reduction=reduction)

    def call(self, true, estimate, lengths=None):
        tensors.check_shapes({"true": true, "estimate": estimate}, "(batch, sources, samples)", 3)
        samples, sources = ops.shape(true)[2], ops.shape(true)[1]
        true, estimate = (ops.reshape(ops.cast(x, "float32"), (-1, samples)) for x in (true, estimate))
        lengths = dsp.resolve_lengths(true) if lengths is None else ops.repeat(ops.cast(lengths, "int32"), sources)
        rows = NegativeSISDR().call(true, estimate, lengths)
        energy = ops.sum(ops.square(true) * dsp.sequence_mask(lengths, samples), axis=1)
        sounds = ops.cast(energy > _SOUNDS**2 * ops.cast(lengths, "float32"), "float32")
        sounds = ops.reshape(sounds, (-1, sources))
        return ops.sum(ops.reshape(rows, (-1, sources)) * sounds, axis=1) / ops.maximum(ops.sum(sounds, axis=1), 1.0)


def _check_spectra(true, estimate):
    tensors.check_shapes({"true": true, "estimate": estimate}, "(batch, sources, frames, bins)", 4)


def _by_source(true, estimate, sources, dtype):
    """Lists of (batch, frames, bins), one for each source, of checked spectra."""
    if estimate.shape[1] != len(sources):
        raise InputError(f"the loss is of {', '.join(sources)}, and the estimate has {estimate.shape[1]} sources")
    _check_spectra(true, estimate)
    # TensorFlow's gradients of slices would be whole copies with zeros.
    return [ops.unstack(ops.cast(x, dtype), len(sources), axis=1) for x in (true, estimate)]


def _checked_sources(sources):
    if not {"vocals", "other"} <= set(sources):
        raise InputError(f"the sources are {', '.join(sources)}; 'vocals' and 'other' must be among them")
    return tuple(sources)


def _checked_norm(norm):
    if norm not in ("mean", "sum"):
        raise InputError(f"norm is {norm!r}; give 'mean' or 'sum'")
    return norm


def _distance(a, b, norm):
    """Squared difference over the last two axes, frames and bins, their mean or sum."""
    return (ops.mean if norm == "mean" else ops.sum)(ops.square(a - b), axis=(-2, -1))
