"""PMSQE, the loss that follows PESQ's own steps: loudness in Bark bands, masking, and what is added counts more.

The tables are figures of ITU-T P.862 for 16 kHz; its steps are written anew here, for gradients.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.audio import dsp, tensors
from zoo.losses.operation import WaveformLoss, one_operation

N_FFT, HOP_LENGTH = 512, 256

# 49 bands of P.862: bins of 31.25 Hz in each from 0 Hz on (the last bin, 8 kHz, is in none), centre and width in Bark,
# the power density correction, and the power at the threshold of hearing.
_BINS = [1] * 8 + [2] + [1] * 5 + [2, 1, 1] + [2] * 8 + [3] * 4 + [4, 3, 4, 5, 4, 5, 6, 6, 7, 8, 9, 9, 12, 12, 15, 16]
_BINS += [18, 21, 25, 20]
_CENTRE = [
    0.078672, 0.316341, 0.636559, 0.961246, 1.290450, 1.624217, 1.962597, 2.305636, 2.653383, 3.005889, 3.363201,
    3.725371, 4.092449, 4.464486, 4.841533, 5.223642, 5.610866, 6.003256, 6.400869, 6.803755, 7.211971, 7.625571,
    8.044611, 8.469146, 8.899232, 9.334927, 9.776288, 10.223374, 10.676242, 11.134952, 11.599563, 12.070135, 12.546731,
    13.029408, 13.518232, 14.013264, 14.514566, 15.022202, 15.536238, 16.056736, 16.583761, 17.117382, 17.657663,
    18.204674, 18.758478, 19.319147, 19.886751, 20.461355, 21.043034,
]  # fmt: skip
_WIDTH = [
    0.157344, 0.317994, 0.322441, 0.326934, 0.331474, 0.336061, 0.340697, 0.345381, 0.350114, 0.354897, 0.359729,
    0.364611, 0.369544, 0.374529, 0.379565, 0.384653, 0.389794, 0.394989, 0.400236, 0.405538, 0.410894, 0.416306,
    0.421773, 0.427297, 0.432877, 0.438514, 0.444209, 0.449962, 0.455774, 0.461645, 0.467577, 0.473569, 0.479621,
    0.485736, 0.491912, 0.498151, 0.504454, 0.510819, 0.517250, 0.523745, 0.530308, 0.536934, 0.543629, 0.550390,
    0.557220, 0.564119, 0.571085, 0.578125, 0.585232,
]  # fmt: skip
_CORRECTION = [
    100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 50.0, 100.0, 100.0, 100.0, 100.0, 100.0, 53.047077,
    110.000046, 117.991989, 65.0, 68.760147, 69.999931, 71.428818, 75.000038, 76.843384, 80.968781, 88.646126,
    63.864388, 68.155350, 72.547775, 75.584831, 58.379192, 80.950836, 64.135651, 54.384785, 73.821884, 64.437073,
    59.176456, 65.521278, 61.399822, 58.144047, 57.004543, 64.126297, 54.311001, 61.114979, 55.077751, 56.849335,
    55.628868, 53.137054, 54.985844, 79.546974,
]  # fmt: skip
_THRESHOLD = [
    51286152.0, 2454709.5, 70794.59375, 4897.788574, 1174.897705, 389.045166, 104.712860, 45.708820, 17.782795,
    9.772372, 4.897789, 3.090296, 1.905461, 1.258925, 0.977237, 0.724436, 0.562341, 0.457088, 0.389045, 0.331131,
    0.295121, 0.269153, 0.257040, 0.251189, 0.251189, 0.251189, 0.251189, 0.263027, 0.288403, 0.309030, 0.338844,
    0.371535, 0.398107, 0.436516, 0.467735, 0.489779, 0.501187, 0.501187, 0.512861, 0.524807, 0.524807, 0.524807,
    0.512861, 0.478630, 0.426580, 0.371535, 0.363078, 0.416869, 0.537032,
]  # fmt: skip
_POWER_SCALE, _LOUDNESS_SCALE = 6.910853e-6, 0.1866055  # P.862's Sp and Sl at 16 kHz

CENTRE, WIDTH, THRESHOLD = (np.array(table, "float32") for table in (_CENTRE, _WIDTH, _THRESHOLD))
_ZWICKER = (0.23 * np.clip(6 / (CENTRE + 2), 1, 2) ** 0.15).astype("float32")  # 6 / (Bark + 2) is above 1 below 4 Bark
_TOTAL_WIDTH = float(WIDTH[1:].sum())
_LEVEL_BINS = (12, 105)  # 375..3250 Hz, those within 350..3250 Hz
# P.862 brings this band to a mean square of 1e7; its Hann window (mean square 0.375) shows that as this power a frame.
_LEVEL = 1e7 * 0.375 * N_FFT**2 / 2
_ALPHA, _BETA = 0.1, 0.0309  # weights of the symmetric and of the asymmetric disturbance
_EPS = 1e-8


def bark_matrix() -> np.ndarray:
    """float32 (257, 49): from a power spectrum to P.862's bands. 0 Hz counts as silent, 8 kHz is in no band."""
    band = np.repeat(np.arange(len(_BINS)), _BINS)
    matrix = np.zeros((N_FFT // 2 + 1, len(_BINS)), "float32")
    matrix[np.arange(1, N_FFT // 2), band[1:]] = _POWER_SCALE * np.array(_CORRECTION)[band[1:]]
    return matrix


@keras.saving.register_keras_serializable(package="zoo")
class PMSQE(WaveformLoss):
    """Perceptual metric for speech quality evaluation of 16 kHz speech (Martin-Donas et al. 2018).

    J = mean over frames of 0.1 D + 0.0309 DA, the symmetric and the asymmetric disturbance of ITU-T P.862 with the
    power spectra of `dsp.stft` (n_fft 512, hop 256, periodic Hamming window, centred). Both signals are brought to
    P.862's level each, so gains do not count, nor do slow filters: add a signal loss where they matter.

    Of P.862 there is no time alignment, no smoothing of the gain over frames and no split intervals, as in the paper.
    Departures from the authors' code: the frequency equaliser moves the reference, as in P.862, not the estimate; the
    level counts whole bins; 0 Hz counts for nothing. Values are on another scale than theirs where those come from
    magnitudes: for DPAM's samples 2.wav and 4.wav 0.48 and 0.24 here, 0.33 and 1.04 from magnitudes at 22 kHz.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1] at 16 kHz, or (batch, samples, 1).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0..5.9, below 3e-4 for identical signals,
        lower is better, with int32 (batch,) `lengths` in samples.

    Raises:
        InputError: as for `zoo.audio.tensors.waveform_pair`.

    Example:
        >>> loss = PMSQE()
        >>> speech = np.random.default_rng(0).standard_normal((1, 16000)).astype("float32")
        >>> bool(loss(speech, speech) < 1e-3)
        True
    """

    sample_rate = 16000  # Hz, of the tables

    def __init__(self, reduction="sum_over_batch_size", name="pmsqe"):
        super().__init__(reduction, name)

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        mask = dsp.frame_mask(estimate, lengths, HOP_LENGTH)
        return disturbance(_power(reference, lengths), _power(estimate, lengths), mask)


def disturbance(reference: Any, estimate: Any, mask: Any) -> Any:
    """PMSQE of power spectra.

    Args:
        reference, estimate: float (batch, frames, 257), power of each bin, at any level.
        mask: float (batch, frames), 1 for the frames that count and 0 for the others.

    Returns:
        float32 (batch,), as `PMSQE`.

    Example:
        >>> power = ops.square(dsp.magnitude(np.ones((2, 4096), "float32")))
        >>> tuple(disturbance(power, power, ops.ones((2, 17))).shape)
        (2,)
    """
    reference, estimate = (ops.matmul(_at_level(power, mask), bark_matrix()) for power in (reference, estimate))
    reference = reference * _equaliser(reference, estimate, mask)
    audible = _audible(reference)
    gain = (audible + 5e3) / (_audible(estimate) + 5e3)
    estimate = estimate * ops.clip(gain, 3e-4, 5.0)[..., None]
    ours, theirs = _loudness(estimate), _loudness(reference)
    masked = ops.relu(ops.abs(ours - theirs) - 0.25 * ops.minimum(ours, theirs)) * ops.convert_to_tensor(WIDTH)
    asymmetry = ops.power((estimate + 50.0) / (reference + 50.0), 1.2)
    asymmetry = ops.where(asymmetry < 3.0, 0.0, ops.minimum(asymmetry, 12.0))
    symmetric = ops.sqrt(_TOTAL_WIDTH * (ops.sum(ops.square(masked), axis=-1) + _EPS))
    weight = ops.power((audible + 1e5) / 1e7, 0.04)
    frames = _ALPHA * ops.minimum(symmetric / weight, 45.0)
    frames = frames + _BETA * ops.minimum(ops.sum(masked * asymmetry, axis=-1) / weight, 45.0)
    return ops.sum(frames * mask, axis=1) / ops.sum(mask, axis=1)


def _power(waveform, lengths):
    real, imaginary = dsp.stft(waveform, N_FFT, HOP_LENGTH, lengths)
    return ops.square(real) + ops.square(imaginary)


def _at_level(power, mask):
    """The power spectrum of a clip at P.862's level, its mean over the frames that count."""
    low, high = _LEVEL_BINS
    frames = ops.sum(power[..., low:high], axis=-1) * mask
    mean = ops.sum(frames, axis=1) / ops.sum(mask, axis=1)
    return power * (_LEVEL / (mean + _EPS))[:, None, None]


def _audible(bark):
    """Power of the bands above the threshold of hearing, (batch, frames)."""
    return ops.sum(ops.where(ops.greater(bark, THRESHOLD), bark, 0.0), axis=-1)


def _equaliser(reference, estimate, mask):
    """(batch, 1, 49): brings the reference to the estimate's long-term spectrum, over its loud frames and bands."""
    loud = ops.where(ops.greater(reference, 100 * THRESHOLD), reference, 0.0)
    active = ops.cast(ops.sum(loud, axis=-1) > 1e7, "float32") * mask
    counts = ops.cast(loud > 0, "float32") * active[..., None]
    sums = [ops.sum(bark * counts, axis=1, keepdims=True) for bark in (estimate, reference)]
    return ops.clip((sums[0] + 1e3) / (sums[1] + 1e3), 0.01, 100.0)


def _loudness(bark):
    """Sone per Bark by Zwicker's law, 0 below the threshold of hearing."""
    ratio = ops.maximum(ops.divide(bark, THRESHOLD), 1.0)  # at 1 the bracket is 0
    bracket = ops.power(0.5 + 0.5 * ratio, _ZWICKER) - 1.0
    return ops.multiply(_LOUDNESS_SCALE * np.power(THRESHOLD / 0.5, _ZWICKER), bracket)
