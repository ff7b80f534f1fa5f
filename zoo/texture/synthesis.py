"""Texture synthesis: a spectrogram with the feature statistics of the target in random networks, and audio for it.

Antognini, Hoffman and Weiss 2019, section 2: L = L_gram + alpha L_autocorrelation + beta L_diversity, minimised over the
log spectrogram by L-BFGS-B; then audio by Griffin and Lim's iteration.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from keras import ops

from zoo.audio import checks, io
from zoo.errors import InputError
from zoo.texture import spectrum
from zoo.texture.checks import check_counts, check_target, result_samples
from zoo.texture.loss import FRAME_RATE, LAGS
from zoo.texture.model import RandomConvEnsemble
from zoo.texture.objective import DIVERSITIES, Objective
from zoo.texture.optimisation import Optimisation
from zoo.texture.progress import Bar, silent
from zoo.texture.schedule import plan

OPTIMIZERS = ("lbfgs-b", "tfp", "torch")
NORMS = ("peak", "rms")


class Synthesis(NamedTuple):
    """Result of `synthesize`.

    Attributes:
        audio: float32 (samples,) at the target's rate.
        spectrogram: float32 (frames, 257), log(1 + magnitude) at 16 kHz, from which the audio was computed.
        history: {"loss", "gram", "autocorrelation", "diversity": one float for each iteration; "convergence": one float
            for each round of Griffin-Lim; "interrupted": whether the user pressed Ctrl-C}.
    """

    audio: np.ndarray
    spectrogram: np.ndarray
    history: dict


def synthesize(
    target: np.ndarray,
    sample_rate: int,
    seconds: float | None = None,
    alpha: float = 1e3,
    beta: float = 1e-4,
    iterations: int | None = None,
    seed: int = 0,
    optimizer: str = "lbfgs-b",
    phase_iterations: int | None = None,
    momentum: float = 0.0,
    ensemble: RandomConvEnsemble | None = None,
    state: Path | str | None = None,
    progress: Callable[[str, int, int, float], None] | Literal[False] | None = None,
    resample: bool = False,
    quality: str = "good",
    diversity: str = "shifts",
    circular: bool = False,
    normalise: str | None = None,
) -> Synthesis:
    """Synthesise more of a sound.

    Ctrl-C ends the optimisation early and turns its last spectrogram into audio; a second Ctrl-C ends Griffin-Lim early.

    Args:
        target: float (samples,) in [-1, 1], mono. With the paper's networks it needs 0.7 s or more, as does the result.
        sample_rate: of the target, in Hz.
        seconds: length of the result; None for the target's.
        alpha: weight of the autocorrelation term, for rhythm.
        beta: weight of the diversity term, against copying, in the first 5 % of the iterations, 100 of them at most.
        iterations: of L-BFGS, all of which are done; 0 keeps the noise that it starts from. None for what `quality` has.
        seed: of that noise and of the first phases.
        optimizer: "lbfgs-b", SciPy's, as in the paper; or on the device, with all shifts in the diversity term, "tfp",
            TensorFlow Probability's, or "torch", PyTorch's.
        phase_iterations: of Griffin-Lim; None for what `quality` has.
        momentum: of Griffin-Lim; 0 as in the paper, 0.99 converges faster.
        ensemble: `zoo.texture.model.RandomConvEnsemble`; None for the paper's.
        state: path of an npz file in which the spectrogram is saved every 50 iterations. If it exists and is of the same
            synthesis, the optimisation continues from it (without the steps that L-BFGS remembers). None saves nothing.
        progress: called as progress(stage, done, total, value): stage "spectrogram" with the loss, "phases" with the
            spectral convergence; stage "spectrogram" starts with 0 done, once all is compiled. None for a bar with the
            time left where there is a terminal, False for nothing.
        resample: whether to resample a target at another rate to 16 kHz and the result back, rather than refuse it;
            frequencies above 8 kHz are lost.
        quality: "draft", "good" or "paper": how many iterations there are at most, and whether they end once the loss
            hardly falls any more (`zoo.texture.schedule.QUALITIES`).
        diversity: the diversity term: "shifts", equation (7), or "sendik", equation (6), against which the paper argues.
        circular: whether autocorrelations go round, as equation (4) is printed, rather than be means over the frames that
            overlap.
        normalise: bring the target to a peak of 1 ("peak") or an rms of 1 ("rms") first, and the result back; the paper
            says "normalize" and not how. None leaves it as it is.

    With "sendik" and `circular`, which compare frame by frame, the result is as long as the target, whose ends are
    mirrored so far that both spectrograms have as many frames.

    Returns:
        `Synthesis`: audio, spectrogram, history.

    Raises:
        InputError: the target is silent, too short, not mono, or holds NaN; an option is out of range; the rate is not
            16 kHz and `resample` is off; the state is of another synthesis; another length than the target's where the
            terms compare frame by frame.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
        >>> ensemble = RandomConvEnsemble(widths=(2, 4), filters=8)
        >>> result = synthesize(noise, 16000, iterations=2, phase_iterations=2, ensemble=ensemble)
        >>> result.audio.shape, len(result.history["loss"])
        ((16000,), 2)
    """
    _check(optimizer, diversity, normalise, alpha, beta, momentum)
    steps = plan(quality, iterations, phase_iterations)
    check_counts(seed=seed)
    sample_rate = checks.whole_rate(sample_rate)
    if sample_rate != spectrum.SAMPLE_RATE and not resample:
        raise InputError(f"the target is at {sample_rate} Hz, textures are at 16000 Hz: pass resample=True")
    ensemble = ensemble or RandomConvEnsemble()
    min_seconds, equal = _fewest_seconds(ensemble, alpha), circular or diversity == "sendik"
    length = result_samples(target, sample_rate, seconds, min_seconds)
    audio = io.resample(check_target(target, sample_rate, min_seconds), sample_rate, spectrum.SAMPLE_RATE)
    if equal and length != len(target):
        raise InputError(
            f"{seconds} s is another length than the target's: equations (4) and (6) compare frame by frame"
        )
    gain = _gain(audio, normalise)
    audio = gain * audio
    samples = math.ceil(length * spectrum.SAMPLE_RATE / sample_rate) + (sample_rate != spectrum.SAMPLE_RATE)
    frames = spectrum.frames_for(samples)
    log_target = _log_spectrogram(_mirrored(audio, spectrum.samples_in(frames)) if equal else audio)
    options = [alpha, beta, frames, seed, optimizer, ensemble.get_config(), *([diversity, circular] if equal else [])]
    digest = hashlib.sha256(audio.tobytes() + json.dumps(options, default=str).encode()).hexdigest()
    objective = Objective(log_target, ensemble, alpha, beta, frames, diversity, circular)
    with Bar() as bar:
        report = bar if progress is None else progress or silent
        start = noise(log_target, frames, seed)
        run = Optimisation(objective, start, steps.iterations, report, steps.tolerance, digest, state)
        run.do(optimizer)
        rounds = steps.phase_iterations
        audio, convergence = spectrum.audio_of(
            np.maximum(run.spectrogram, 0).astype("float32"),
            samples,
            rounds,
            np.random.default_rng([seed, 1]),
            momentum,
            lambda i, value: report("phases", i + 1, rounds, value),
            interruptible=True,
        )
    audio = io.resample(audio / gain, spectrum.SAMPLE_RATE, sample_rate)[:length]
    run.history["interrupted"] |= len(convergence) < rounds
    spectrogram = np.maximum(run.spectrogram, 0).astype("float32")
    return Synthesis(audio, spectrogram, {**run.history, "convergence": convergence})


def _check(optimizer, diversity, normalise, alpha, beta, momentum):
    for name, value, known in (
        ("optimizer", optimizer, OPTIMIZERS),
        ("diversity", diversity, DIVERSITIES),
        ("normalise", normalise, (None, *NORMS)),
    ):
        if value not in known:
            raise InputError(f"no {name} {value!r}: use {' or '.join(filter(None, known))}")
    if not (0 <= alpha < np.inf and 0 <= beta < np.inf and 0 <= momentum < 1):
        raise InputError(
            f"alpha {alpha}, beta {beta}, momentum {momentum}: give weights of 0 or more, momentum in 0..1"
        )


def _gain(audio, normalise):
    """float32 factor that brings audio to a peak or an rms of 1; 1 where it is left as it is."""
    size = {None: 1.0, "peak": np.abs(audio).max(), "rms": np.sqrt(np.mean(np.square(audio, dtype="float64")))}
    return np.float32(1 / size[normalise])


def _mirrored(audio, samples):
    """So many samples, the ends mirrored: half a window before the start, the rest after the end."""
    before = spectrum.N_FFT - spectrum.HOP_LENGTH
    return np.pad(audio, (before, samples - before - len(audio)), mode="reflect")


def _log_spectrogram(audio):
    return ops.convert_to_numpy(spectrum.log_spectrogram(audio[None]))[0]


def _fewest_seconds(ensemble, alpha):
    """Shortest target and result in seconds: the widest kernel's, and with `alpha` twice the shortest lag more."""
    frames = ensemble.fewest_frames
    if alpha:
        frames = max(frames, max(ensemble.widths) - 1 + 2 * math.ceil(LAGS[0] * FRAME_RATE))
    return spectrum.samples_in(frames) / spectrum.SAMPLE_RATE


def noise(target: np.ndarray, frames: int, seed: int) -> np.ndarray:
    """The spectrogram that the optimisation starts from: noise with the target's power in each bin.

    Args:
        target: float (frames, bins), log(1 + magnitude).
        frames: of the noise.
        seed: of it.

    Returns:
        float32 (frames, bins), 0 and up.

    Example:
        >>> noise(np.ones((10, 257)), 5, seed=0).shape
        (5, 257)
    """
    rng = np.random.default_rng([seed, 0])
    power = np.mean(np.square(np.expm1(target)), axis=0)
    normal = rng.standard_normal((2, frames, target.shape[1]))
    return np.log1p(np.sqrt(power * np.mean(np.square(normal), axis=0))).astype("float32")
