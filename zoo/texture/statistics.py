"""The statistics of a sound texture after McDermott and Simoncelli 2011, a loss on them, and synthesis from noise."""

from collections.abc import Callable

import keras
import numpy as np
import scipy.fft
from keras import ops

from zoo import backend
from zoo.audio import io
from zoo.audio.dsp import Tensor
from zoo.errors import InputError
from zoo.texture import cochlea, optimize
from zoo.texture.checks import check_counts, check_target, result_samples

OFFSETS = (1, 2, 3, 5, 8, 11, 16, 21)  # bands apart, of the correlations between envelopes
NEIGHBOURS = (1, 2)  # bands apart, of the correlations between modulation bands

_VARIANCE_EPS = 1e-6  # of an envelope; about that of noise near -100 dB
_POWER_EPS = 1e-5  # of a modulation band of an envelope of variance one
_ENERGY_EPS = 1e-20  # of a class of statistics
_LEVEL = 0.1  # rms to which `match_statistics` brings its target
_MIN_SECONDS = 1.0  # of a clip
_FADE_SECONDS = 0.05


@keras.saving.register_keras_serializable(package="zoo")
class TextureStatistics(keras.layers.Layer):
    """Time averages of a cochleagram that characterise a texture (McDermott and Simoncelli 2011, Experimental Procedures).

    With s_k the subbands, e_k their envelopes, z_k = (e_k - mean) / deviation, b_kn modulation band n of z_k and a_kn
    its analytic signal, M the mean over time and sigma a root mean square:

    | class | shape | equation |
    | --- | --- | --- |
    | subband_variance | (batch, 32) | M[s_k^2] - M[s_k]^2 |
    | envelope_mean | (batch, 32) | M[e_k] |
    | envelope_variation | (batch, 32) | (M[e_k^2] - M[e_k]^2) / M[e_k]^2, the squared coefficient of variation |
    | envelope_skew | (batch, 32) | M[z_k^3] |
    | envelope_kurtosis | (batch, 32) | M[z_k^4], only with `kurtosis` |
    | envelope_correlation | (batch, 189) | M[z_j z_k], k - j in 1, 2, 3, 5, 8, 11, 16, 21 |
    | modulation_power | (batch, 32, 20) | M[b_kn^2]: relative to the variance of the envelope |
    | c1 | (batch, 61, 6) | M[b_jn b_kn] / (sigma_jn sigma_kn), k - j in 1, 2, octave bands 3.1..100 Hz |
    | c2 | (batch, 32, 6, 2) | M[conj(d_km) a_kn] / (sigma_km sigma_kn), n = m + 1, d = a^2 / abs(a) |

    d has twice the phase of the lower octave band, so that c2, a complex number as real and imaginary part, distinguishes
    attacks from decays. M[b^2] and M[b b] are inner products of spectra (Parseval), circular in time as the filters
    are. Being means over time, the statistics of a stationary sound do not depend on the clip's length, but for chance.

    Departures from the paper: it windows the target's ends in time; here the caller makes the clip a loop, or accepts
    a click where its end meets its start. It measures modulation at 0.5..200 Hz with cosines on linear frequency, here
    on log frequency. Small constants in the denominators make the ratios of a constant or silent band 0.

    Args:
        kurtosis: whether to add the envelopes' kurtosis, the noisiest of the statistics.
        dtype: "float32", or "float64" to check gradients.

    Call:
        waveform, float (batch, samples) in [-1, 1] at 20 kHz, a second or more, its number of samples static. The
        statistics depend on level: bring the clips that are compared to one level.

    Returns:
        dict of tensors, as above.

    Raises:
        InputError: another shape, or less than a second.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 40000)).astype("float32")
        >>> tuple(TextureStatistics()(noise)["c1"].shape)
        (1, 61, 6)
    """

    def __init__(self, kurtosis: bool = False, dtype: str = "float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.kurtosis = kurtosis

    def call(self, waveform: Tensor) -> dict[str, Tensor]:
        samples = waveform.shape[-1]
        if samples is not None and samples < _MIN_SECONDS * cochlea.SAMPLE_RATE:
            raise InputError(f"{samples} samples are less than {_MIN_SECONDS:g} s at 20 kHz: give a longer clip")
        subbands, envelopes = cochlea.cochleagram(waveform)
        mean = ops.mean(envelopes, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(envelopes - mean), axis=-1, keepdims=True)
        normal = (envelopes - mean) / ops.sqrt(variance + _VARIANCE_EPS)
        moments = {
            "subband_variance": ops.var(subbands, axis=-1),
            "envelope_mean": mean[..., 0],
            "envelope_variation": (variance / ops.square(mean))[..., 0],
            "envelope_skew": ops.mean(normal**3, axis=-1),
        }
        if self.kurtosis:
            moments["envelope_kurtosis"] = ops.mean(normal**4, axis=-1)
        return moments | {"envelope_correlation": _correlations(normal)} | _modulations(normal)

    def get_config(self):
        return {**super().get_config(), "kurtosis": self.kurtosis}


def _correlations(normal):
    """(batch, 32, frames) -> (batch, 189): mean products of two bands, by offset and then by band."""
    products = ops.matmul(normal, ops.swapaxes(normal, 1, 2)) / normal.shape[-1]
    bands = normal.shape[1]
    pairs = np.concatenate([np.arange(bands - offset) * (bands + 1) + offset for offset in OFFSETS])
    return ops.take(ops.reshape(products, (-1, bands * bands)), pairs, axis=1)


def _modulations(normal):
    """Modulation power, c1 and c2 of normalised envelopes (batch, 32, frames)."""
    frames = normal.shape[-1]
    spectrum = real, imaginary = ops.rfft(normal)
    # A bin counts for its negative frequency too, except at 0 Hz and at the Nyquist frequency.
    sides = np.where((np.arange(frames // 2 + 1) > 0) & (np.arange(frames // 2 + 1) < frames / 2), 2, 1) / frames**2
    octave_filters = cochlea.modulation_filters(frames, cochlea.OCTAVES, cochlea.OCTAVE_QUALITY)
    bank, octave_bank = (
        ops.convert_to_tensor((sides * np.square(h)).T, normal.dtype)
        for h in (cochlea.modulation_filters(frames), octave_filters)
    )
    power = ops.square(real) + ops.square(imaginary)
    by_octave = ops.matmul(power, octave_bank) + _POWER_EPS
    c1 = []
    for offset in NEIGHBOURS:
        cross = real[:, :-offset] * real[:, offset:] + imaginary[:, :-offset] * imaginary[:, offset:]
        scale = ops.sqrt(by_octave[:, :-offset] * by_octave[:, offset:])
        c1.append((ops.matmul(cross, octave_bank) / scale)[..., 1:])
    return {
        "modulation_power": ops.matmul(power, bank),
        "c1": ops.concatenate(c1, axis=1),
        "c2": _phase_correlations(spectrum, octave_filters, by_octave, frames),
    }


def _phase_correlations(spectrum, filters, power, frames):
    """c2, (batch, 32, 6, 2), from spectra (batch, 32, bins), octave filters (7, bins) and their powers (batch, 32, 7)."""
    real, imaginary = cochlea.analytic([part[:, :, None] for part in spectrum], filters, frames)
    size = ops.sqrt(ops.square(real) + ops.square(imaginary) + _POWER_EPS)
    cosine, sine = (ops.square(real) - ops.square(imaginary)) / size, 2 * real * imaginary / size
    cosine, sine, real, imaginary = cosine[:, :, :-1], sine[:, :, :-1], real[:, :, 1:], imaginary[:, :, 1:]
    products = cosine * real + sine * imaginary, cosine * imaginary - sine * real
    # An analytic signal has twice the power of the real one.
    scale = 2 * ops.sqrt(power[:, :, :-1] * power[:, :, 1:])
    return ops.stack([ops.mean(product, axis=-1) / scale for product in products], axis=-1)


def relative_errors(target: dict[str, Tensor], estimate: dict[str, Tensor]) -> dict[str, Tensor]:
    """Squared error of each class of statistics, relative to the energy of that class in the target.

    error_c = sum_i (estimate_ci - target_ci)^2 / sum_i target_ci^2; -10 log10 of it is the paper's SNR in dB, by which
    it judges a synthesis (20 dB or more).

    Args:
        target, estimate: dicts as of `TextureStatistics`, of clips of any lengths.

    Returns:
        dict of float (batch,), 0 and up, lower is better.

    Example:
        >>> float(relative_errors({"c1": np.ones((1, 4))}, {"c1": np.full((1, 4), 1.5)})["c1"][0])
        0.25
    """
    errors = {}
    for name, reference in target.items():
        axes = tuple(range(1, len(reference.shape)))
        energy = ops.sum(ops.square(reference), axis=axes) + _ENERGY_EPS
        errors[name] = ops.sum(ops.square(ops.subtract(estimate[name], reference)), axis=axes) / energy
    return errors


def statistics_loss(
    target: dict[str, Tensor], estimate: dict[str, Tensor], weights: dict[str, float] | None = None
) -> Tensor:
    """Weighted mean of `relative_errors` over the classes: every class has equal weight, whatever its size.

    Args:
        target, estimate: dicts as of `TextureStatistics`.
        weights: {class: weight of 0 or more}; 1 for a class that is absent. None for all 1.

    Returns:
        float (batch,), 0 and up, lower is better; 0.01 is a mean SNR of 20 dB.

    Raises:
        InputError: weights of unknown classes, or none above 0.

    Example:
        >>> float(statistics_loss({"c1": np.ones((1, 4))}, {"c1": np.full((1, 4), 1.5)})[0])
        0.25
    """
    errors, weights = relative_errors(target, estimate), weights or {}
    if unknown := sorted(set(weights) - set(errors)):
        raise InputError(f"no statistics are called {', '.join(unknown)}; there are {', '.join(errors)}")
    by_class = {name: weights.get(name, 1.0) for name in errors}
    total = sum(by_class.values())
    if min(by_class.values()) < 0 or total == 0:
        raise InputError("the weights are negative or all 0; give one above 0")
    return sum(weight / total * errors[name] for name, weight in by_class.items())


@keras.saving.register_keras_serializable(package="zoo")
class StatisticsLoss(keras.losses.Loss):
    """`statistics_loss` between the textures of two waveforms, which may differ in length.

    Takes no `lengths`: the filters of `TextureStatistics` act on the whole clip.

    Args:
        weights: as for `statistics_loss`.
        kurtosis: as for `TextureStatistics`.
        reduction, name: as for any Keras loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1] at 20 kHz. `loss.call` gives
        float32 (batch,), 0 and up, lower is better.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 40000)).astype("float32")
        >>> float(StatisticsLoss()(noise, noise))
        0.0
    """

    def __init__(
        self,
        weights: dict[str, float] | None = None,
        kurtosis: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str = "statistics_loss",
    ):
        super().__init__(name=name, reduction=reduction)
        self.weights, self.kurtosis = weights, kurtosis
        self.statistics = TextureStatistics(kurtosis)

    @backend.plain_torch
    def call(self, reference: Tensor, estimate: Tensor) -> Tensor:
        return statistics_loss(self.statistics(reference), self.statistics(estimate), self.weights)

    def get_config(self):
        return {**super().get_config(), "weights": self.weights, "kurtosis": self.kurtosis}


def match_statistics(
    target: np.ndarray,
    sample_rate: int,
    seconds: float | None = None,
    iterations: int = 200,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[np.ndarray, list[float]]:
    """Synthesise a texture: Gaussian noise, changed by L-BFGS-B until it has the target's statistics.

    The loss is `statistics_loss` with equal weights. The target is normalised in level and made a loop, by a
    cross-fade of its last 50 ms into its first, because the statistics are circular in time.

    Departures from the paper: it imposes the statistics band by band on the envelopes, in alternation with rebuilding
    the waveform; here the waveform is optimised for all of them at once. The variables are white noise before a fixed
    filter that gives it the target's powers in the cochlear bands: quiet bands then change as fast as loud ones, and
    the start has approximately the target's spectrum.

    Args:
        target: (samples,), mono, a second or more.
        sample_rate: of the target and of the result, in Hz; frequencies above 10 kHz are lost.
        seconds: length of the result, 1 or more; None for the target's own. A longer result takes longer to compute.
        iterations: greatest number, of L-BFGS-B; it stops earlier where no step lowers the loss.
        seed: of the noise.
        progress: called as progress(iteration, loss) after each iteration, from 1; or None.

    Returns:
        audio: float32 (round(seconds * sample_rate),) at the target's level; its peaks may exceed 1. Before its
            statistics are measured again it must be made a loop: cutting and resampling leave a click where its ends
            meet, which changes the statistics of silent bands.
        history: list of the losses, that of the noise first.

    Raises:
        InputError: a target that is not mono float, holds NaN, is silent or too short; `seconds` below 1.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(24000)
        >>> audio, history = match_statistics(noise, 20000, seconds=1, iterations=2)
        >>> audio.shape, len(history), bool(history[2] < history[0])
        ((20000,), 3, True)
    """
    samples = result_samples(target, sample_rate, seconds, _MIN_SECONDS)
    target = check_target(target, sample_rate, _MIN_SECONDS)
    check_counts(iterations=iterations, seed=seed)
    target = target - target.mean()
    level = float(np.sqrt(np.mean(np.square(target))))
    loop = _looped(io.resample(target * (_LEVEL / level), sample_rate, cochlea.SAMPLE_RATE))
    frames = scipy.fft.next_fast_len(int(np.ceil(samples * cochlea.SAMPLE_RATE / sample_rate / cochlea.STEP)))
    gains, size = _gains(loop, frames * cochlea.STEP), frames * cochlea.STEP
    statistics = TextureStatistics()
    goal = {name: ops.convert_to_numpy(value) for name, value in statistics(loop[None]).items()}

    def colored(noise):
        return ops.irfft(tuple(ops.multiply(part, gains) for part in ops.rfft(noise)), size)

    compute = optimize.value_and_gradient(lambda x: (statistics_loss(goal, statistics(colored(x)[None]))[0], ()))
    evaluate = optimize.on_host(compute, (size,))
    noise = np.random.default_rng(seed).standard_normal(size)
    history = [evaluate(noise)[0]]

    def record(_, loss):
        history.append(loss)
        if progress is not None:
            progress(len(history) - 1, loss)

    solution = optimize.minimize(evaluate, noise, iterations, record, lowest=-np.inf)
    audio = ops.convert_to_numpy(colored(ops.convert_to_tensor(solution, "float32"))) * (level / _LEVEL)
    return io.resample(audio, cochlea.SAMPLE_RATE, sample_rate)[:samples], history


def _looped(audio):
    """The clip without its last 50 ms, which are cross-faded at equal power into its first."""
    fade = round(_FADE_SECONDS * cochlea.SAMPLE_RATE)
    angle = np.pi / 2 * (np.arange(fade) + 0.5) / fade
    looped = audio[:-fade].copy()
    looped[:fade] = audio[:fade] * np.sin(angle) + audio[-fade:] * np.cos(angle)
    return looped


def _gains(target, samples):
    """float32 (samples // 2 + 1,): gains that give white noise the powers of the target in the cochlear bands."""
    spectrum = np.square(np.abs(scipy.fft.rfft(target.astype("float64")))) / len(target)
    squared = np.square(cochlea.cochlear_filters(len(target)))
    powers = squared @ spectrum / squared.sum(axis=1)
    # A floor 100 dB below the whole, so that noise in a band where the target is silent has a gradient.
    powers = np.maximum(powers, 1e-10 * _LEVEL**2)
    return np.sqrt(powers @ np.square(cochlea.cochlear_filters(samples))).astype("float32")
