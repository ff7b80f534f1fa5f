"""What synthesis is compared with: one wide random network, and phases alone; `zoo.texture.statistics` has a third."""

import math

import numpy as np
from keras import ops

from zoo.audio import io, phase
from zoo.texture import optimize, spectrum, terms
from zoo.texture.checks import check_target, result_samples

_RATE, _N_FFT, _HOP = 22050, 2048, 512  # of Ulyanov and Lebedev
_SHORTEST = 0.5  # seconds: the kernel's 11 frames


def one_network(target, sample_rate, seconds=None, iterations=300, phase_iterations=500, seed=0, filters=4096):
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
        >>> audio = one_network(rain, 16000)  # doctest: +SKIP
    """
    samples = result_samples(target, sample_rate, seconds, _SHORTEST)
    audio = io.resample(check_target(target, sample_rate, _SHORTEST), sample_rate, _RATE)
    seen = np.log1p(np.abs(phase.spectrum(audio, _N_FFT, _HOP)))[None]
    rng, bins = np.random.default_rng([seed, 2]), seen.shape[2]
    deviation = np.sqrt(2) * np.sqrt(2 / ((bins + filters) * 11))
    kernel = ops.convert_to_tensor((deviation * rng.standard_normal((11, bins, filters))).astype("float32"))

    def features(x):
        return [ops.relu(ops.conv(x, kernel, padding="valid"))]

    wanted = terms.gram(features(ops.convert_to_tensor(seen)))
    compute = optimize.value_and_gradient(lambda x: (terms.relative_error(wanted, terms.gram(features(x)))[0], ()))
    length = math.ceil(samples * _RATE / sample_rate) + 1
    shape = (1, -(-(length + _N_FFT) // _HOP) + 2, bins)
    start = np.abs(rng.standard_normal(shape)) * seen.std(axis=1, keepdims=True)
    evaluate = optimize.on_host(compute, shape)
    found = optimize.minimize(evaluate, start.ravel(), iterations, lambda *_: None).reshape(shape)[0]
    made, _ = phase.griffin_lim(np.expm1(found), _N_FFT, _HOP, phase_iterations, rng)
    return io.resample(made[_N_FFT - _HOP :][:length], _RATE, sample_rate)[:samples]


def round_trip(target, phase_iterations=500, seed=0):
    """The target's own spectrogram with phases of Griffin-Lim: the best that any spectrogram can sound.

    Args:
        target: float (samples,) in [-1, 1] at 16 kHz.
        phase_iterations: of Griffin-Lim.
        seed: of the first phases.

    Returns:
        float32 (samples,).

    Example:
        >>> audio = round_trip(rain)  # doctest: +SKIP
    """
    padded = np.pad(np.asarray(target, "float32"), spectrum.N_FFT, mode="reflect")
    seen = ops.convert_to_numpy(spectrum.log_spectrogram(padded[None]))[0]
    # `audio_of` begins where all frames reach, a hop before the end of the padding.
    samples, rng = spectrum.HOP_LENGTH + len(target), np.random.default_rng([seed, 1])
    return spectrum.audio_of(seen, samples, phase_iterations, rng)[0][spectrum.HOP_LENGTH :]
