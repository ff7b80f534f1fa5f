"""Gains of OM-LSA, the optimally modified log-spectral amplitude estimator (Cohen and Berdugo 2001). No learning.

The noise is that of minima-controlled recursive averaging (MCRA), in the same paper. `zoo.enhancement.baselines.omlsa`
applies them to recordings.
"""

import numpy as np
import scipy.ndimage
import scipy.special

FRAME_SECONDS, OVERLAPS = 0.032, 4  # 512 samples at 16 kHz, a frame every 128
FLOOR = 10 ** (-25 / 20)  # gain where there is no speech, -25 dB
_SMOOTHING = 0.92  # of the a-priori SNR
_ABSENCE = 0.95  # greatest probability of absence
# Likelihood of presence from the smoothed a-priori SNR: limits of it, of its peak, and bins on each side of a mean.
_ZETA_SMOOTHING, _ZETA, _PEAK, _LOCAL, _GLOBAL = 0.7, (10**-1.0, 10**-0.5), (1.0, 10.0), 1, 15
# Of the noise: smoothing in time of the power, the noise and the presence; frames between minima; ratio that is speech.
_POWER, _NOISE, _PRESENCE, _FRAMES, _RATIO = 0.8, 0.95, 0.2, 125, 5.0
_TINY = 1e-12  # least power of a bin's noise, -120 dB re full scale


def gains(power: np.ndarray) -> np.ndarray:
    """The gain of each bin of a recording.

    With the noise lambda, gamma = |Y|^2 / lambda and the a-priori SNR xi = 0.92 G_H1^2 gamma (of the frame before) + 0.08
    max(gamma - 1, 0), v = gamma xi / (1 + xi):
    G_H1 = xi / (1 + xi) exp(E1(v) / 2), p = 1 / (1 + q / (1 - q) (1 + xi) exp(-v)), G = G_H1^p * (-25 dB)^(1 - p).
    The probability of absence is q = 1 - P_local P_global P_frame, at most 0.95, from xi smoothed over time, and over 3,
    31 and all bins.

    Args:
        power: |Y|^2 of each frame and bin, (frames, bins), a frame every 8 ms.

    Returns:
        float64 (frames, bins), 0 and up.

    Example:
        >>> bool(np.allclose(gains(np.ones((4, 20)))[0], FLOOR, rtol=0.2))
        True
    """
    power = np.maximum(np.asarray(power, "float64"), _TINY)
    noise, absence = _Noise(power[0]), _Absence(power.shape[1])
    out, amplitude, ratio = np.empty_like(power), np.ones(power.shape[1]), np.ones(power.shape[1])
    for gain, observed in zip(out, power, strict=True):
        before = _SMOOTHING * amplitude**2 * ratio
        ratio = observed / noise.power
        prior = before + (1 - _SMOOTHING) * np.maximum(ratio - 1, 0)
        v = np.maximum(ratio * prior / (1 + prior), 1e-10)
        amplitude = prior / (1 + prior) * np.exp(scipy.special.exp1(v) / 2)
        q = absence.of(prior)
        presence = 1 / (1 + q / (1 - q) * (1 + prior) * np.exp(-v))
        gain[:] = amplitude**presence * FLOOR ** (1 - presence)
        noise.update(observed)
    return out


class _Absence:
    """The a-priori probability that a bin holds no speech, frame by frame."""

    def __init__(self, bins):
        self.zeta, self.mean, self.peak = np.zeros(bins), 0.0, _PEAK[0]
        self.prior = np.zeros(bins)  # of the frame before

    def of(self, prior):
        """(bins,), of a frame with this a-priori SNR."""
        self.zeta = _ZETA_SMOOTHING * self.zeta + (1 - _ZETA_SMOOTHING) * self.prior
        self.prior = prior
        near, wide = (_likelihood(_smoothed(self.zeta, width)) for width in (_LOCAL, _GLOBAL))
        return np.minimum(1 - near * wide * self._frame(np.mean(self.zeta)), _ABSENCE)

    def _frame(self, mean):
        """Likelihood of speech in the whole frame: 1 at an onset, then by how far it is below the peak."""
        before, self.mean = self.mean, mean
        if mean <= _ZETA[0]:
            return 0.0
        if mean > before:
            self.peak = np.clip(mean, *_PEAK)
            return 1.0
        return _likelihood(mean / self.peak)


class _Noise:
    """Power of the noise by minima-controlled recursive averaging."""

    def __init__(self, first):
        self.power = first.copy()
        self.smooth = _smoothed(first, 1)
        self.lowest, self.recent = self.smooth.copy(), self.smooth.copy()
        self.presence, self.frames = np.zeros(len(first)), 0

    def update(self, observed):
        """Go on with the power of a frame, (bins,)."""
        self.smooth = _POWER * self.smooth + (1 - _POWER) * _smoothed(observed, 1)
        self.lowest = np.minimum(self.lowest, self.smooth)
        self.recent = np.minimum(self.recent, self.smooth)
        self.frames += 1
        if self.frames % _FRAMES == 0:
            self.lowest, self.recent = np.minimum(self.recent, self.smooth), self.smooth.copy()
        speech = self.smooth > _RATIO * self.lowest
        self.presence = _PRESENCE * self.presence + (1 - _PRESENCE) * speech
        rate = _NOISE + (1 - _NOISE) * self.presence
        self.power = np.maximum(rate * self.power + (1 - rate) * observed, _TINY)


def _smoothed(values, width):
    """Mean over `width` bins on each side, by a Hann window without its zeros; the ends repeat."""
    window = np.hanning(2 * width + 3)[1:-1]
    return scipy.ndimage.convolve1d(values, window / window.sum(), mode="nearest")


def _likelihood(zeta):
    """0 at the lower limit of the smoothed a-priori SNR, 1 at the upper one, logarithmic between."""
    low, high = _ZETA
    return np.log(np.clip(zeta, low, high) / low) / np.log(high / low)
