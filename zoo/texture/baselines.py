"""Methods that synthesis is compared with: one wide random network, and phases alone; a third is in `statistics`."""

import math

import numpy as np
from keras import ops

from zoo.audio import checks, io, phase
from zoo.texture import optimize, spectrum, terms
from zoo.texture.checks import check_target, result_samples

_RATE, _N_FFT, _HOP = 22050, 2048, 512  # of Ulyanov and Lebedev
_SHORTEST = 0.5  # seconds: the kernel's 11 frames


def one_network(
    target: np.ndarray,
    sample_rate: int,
    seconds: float | None = None,
    iterations: int = 300,
    phase_iterations: int = 500,
    seed: int = 0,
    filters: int = 4096,
) -> np.ndarray:
    """Ulyanov and Lebedev 2016, "Audio texture synthesis and style transfer": Gram matrix of one random convolution.

    22,050 Hz, Hann 2048, hop 512, log(1 + magnitude); one convolution over 11 frames, normal weights of standard
    deviation sqrt(2) sqrt(2 / ((1025 + filters) 11)), ReLU; L-BFGS-B from noise, Griffin-Lim.

    Args:
        target: float (samples,) in [-1, 1], 0.5 s or more.
        sample_rate: of the target, in Hz.
        seconds: of the result, 0.5 or more; None for the target's.
        iterations: of L-BFGS-B.
        phase_iterations: of Griffin-Lim.
        seed: of the weights, the noise and the first phases.
        filters: of the convolution.

    Returns:
        float32 (samples,) at the target's rate.

    Raises:
        InputError: a target or a length that cannot be used.

    Example:
        >>> rain = 0.1 * np.random.default_rng(0).standard_normal(16000)
        >>> one_network(rain, 16000, iterations=1, phase_iterations=1, filters=4).shape
        (16000,)
    """
    sample_rate = checks.whole_rate(sample_rate)
    samples = result_samples(target, sample_rate, seconds, _SHORTEST)
    audio = io.resample(check_target(target, sample_rate, _SHORTEST), sample_rate, _RATE)
    original = np.log1p(np.abs(phase.spectrum(audio, _N_FFT, _HOP)))[None]
    rng, bins = np.random.default_rng([seed, 2]), original.shape[2]
    deviation = np.sqrt(2) * np.sqrt(2 / ((bins + filters) * 11))
    kernel = ops.convert_to_tensor((deviation * rng.standard_normal((11, bins, filters))).astype("float32"))

    def features(x):
        return [ops.relu(ops.conv(x, kernel, padding="valid", data_format="channels_last"))]

    wanted = terms.gram(features(ops.convert_to_tensor(original)))
    compute = optimize.value_and_gradient(lambda x: (terms.relative_error(wanted, terms.gram(features(x)))[0], ()))
    length = math.ceil(samples * _RATE / sample_rate) + 1
    shape = (1, -(-(length + _N_FFT) // _HOP) + 2, bins)
    start = np.abs(rng.standard_normal(shape)) * original.std(axis=1, keepdims=True)
    evaluate = optimize.on_host(compute, shape)
    spectrogram = optimize.minimize(evaluate, start.ravel(), iterations, lambda *_: None).reshape(shape)[0]
    result, _ = phase.griffin_lim(np.expm1(spectrogram), _N_FFT, _HOP, phase_iterations, rng)
    return io.resample(result[_N_FFT - _HOP :][:length], _RATE, sample_rate)[:samples]


def round_trip(target: np.ndarray, phase_iterations: int = 500, seed: int = 0) -> np.ndarray:
    """The target's own spectrogram with phases of Griffin-Lim: an upper bound for any synthesised spectrogram.

    Args:
        target: float (samples,) in [-1, 1] at 16 kHz.
        phase_iterations: of Griffin-Lim.
        seed: of the first phases.

    Returns:
        float32 (samples,).

    Example:
        >>> rain = 0.1 * np.random.default_rng(0).standard_normal(16000)
        >>> round_trip(rain, phase_iterations=1).shape
        (16000,)
    """
    padded = np.pad(np.asarray(target, "float32"), spectrum.N_FFT, mode="reflect")
    original = ops.convert_to_numpy(spectrum.log_spectrogram(padded[None]))[0]
    # `audio_of` starts at the first sample that all frames cover, a hop before the end of the padding.
    samples, rng = spectrum.HOP_LENGTH + len(target), np.random.default_rng([seed, 1])
    return spectrum.audio_of(original, samples, phase_iterations, rng)[0][spectrum.HOP_LENGTH :]
