"""Texture synthesis: a spectrogram with the feature statistics of the target in random networks, and audio for it.

Antognini, Hoffman and Weiss 2019, section 2: L = L_gram + alpha L_autocorrelation + beta L_diversity, minimised over the
log spectrogram by L-BFGS-B; then audio by Griffin and Lim's iteration.
"""

import hashlib
import json
import math
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from keras import ops

from zoo.audio import checks, io
from zoo.audio.dsp import Tensor
from zoo.errors import InputError
from zoo.files import atomic_write
from zoo.texture import optimize, spectrum
from zoo.texture.checks import check_counts, check_target, result_samples
from zoo.texture.loss import FRAME_RATE, LAGS, AutocorrelationLoss, DiversityLoss, GramLoss, ShiftSchedule
from zoo.texture.model import RandomConvEnsemble

OPTIMIZERS = ("lbfgs-b", "tfp")
DIVERSE = 100  # first iterations, which have the diversity term
SAVED_EVERY = 50  # iterations
_ROUND = 50  # iterations on the device in one call
_STALLED = 3  # calls in a row without progress, after which it ends


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
    iterations: int = 2000,
    seed: int = 0,
    optimizer: str = "lbfgs-b",
    phase_iterations: int = 500,
    momentum: float = 0.0,
    ensemble: RandomConvEnsemble | None = None,
    state: Path | str | None = None,
    progress: Callable[[str, int, int, float], None] | None = None,
    resample: bool = False,
) -> Synthesis:
    """Synthesise more of a sound.

    Ctrl-C ends the optimisation early and turns its last spectrogram into audio; a second Ctrl-C ends Griffin-Lim early.

    Args:
        target: float (samples,) in [-1, 1], mono. With the paper's networks it needs 0.7 s or more, as does the result.
        sample_rate: of the target, in Hz.
        seconds: length of the result; None for the target's.
        alpha: weight of the autocorrelation term, for rhythm.
        beta: weight of the diversity term, against copying, in the first 100 iterations.
        iterations: of L-BFGS; 0 keeps the noise that it starts from.
        seed: of that noise and of the first phases.
        optimizer: "lbfgs-b", SciPy's, as in the paper; or "tfp", TensorFlow Probability's on the device, with all shifts
            in the diversity term.
        phase_iterations: of Griffin-Lim.
        momentum: of Griffin-Lim; 0 as in the paper, 0.99 converges faster.
        ensemble: `zoo.texture.model.RandomConvEnsemble`; None for the paper's.
        state: path of an npz file in which the spectrogram is saved every 50 iterations. If it exists and is of the same
            synthesis, the optimisation continues from it (without the steps that L-BFGS remembers). None saves nothing.
        progress: called as progress(stage, done, total, value): stage "spectrogram" with the loss, "phases" with the
            spectral convergence; or None.
        resample: whether to resample a target at another rate to 16 kHz and the result back, rather than refuse it;
            frequencies above 8 kHz are lost.

    Returns:
        `Synthesis`: audio, spectrogram, history.

    Raises:
        InputError: the target is silent, too short, not mono, or holds NaN; an option is out of range; the rate is not
            16 kHz and `resample` is off; the state is of another synthesis.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
        >>> ensemble = RandomConvEnsemble(widths=(2, 4), filters=8)
        >>> result = synthesize(noise, 16000, iterations=2, phase_iterations=2, ensemble=ensemble)
        >>> result.audio.shape, len(result.history["loss"])
        ((16000,), 2)
    """
    if optimizer not in OPTIMIZERS:
        raise InputError(f"no optimizer {optimizer!r}: use {' or '.join(OPTIMIZERS)}")
    check_counts(iterations=iterations, seed=seed, phase_iterations=phase_iterations)
    if not (0 <= alpha < np.inf and 0 <= beta < np.inf and 0 <= momentum < 1):
        raise InputError(
            f"alpha {alpha}, beta {beta}, momentum {momentum}: give weights of 0 or more, momentum in 0..1"
        )
    sample_rate = checks.whole_rate(sample_rate)
    if sample_rate != spectrum.SAMPLE_RATE and not resample:
        raise InputError(f"the target is at {sample_rate} Hz, textures are at 16000 Hz: pass resample=True")
    ensemble = ensemble or RandomConvEnsemble()
    min_seconds = _fewest_seconds(ensemble, alpha)
    length = result_samples(target, sample_rate, seconds, min_seconds)
    audio = io.resample(check_target(target, sample_rate, min_seconds), sample_rate, spectrum.SAMPLE_RATE)
    samples = math.ceil(length * spectrum.SAMPLE_RATE / sample_rate) + (sample_rate != spectrum.SAMPLE_RATE)
    log_target = ops.convert_to_numpy(spectrum.log_spectrogram(audio[None]))[0]
    frames = spectrum.frames_for(samples)
    options = json.dumps([alpha, beta, frames, seed, optimizer, ensemble.get_config()], default=str)
    digest = hashlib.sha256(audio.tobytes() + options.encode()).hexdigest()
    start = _noise(log_target, frames, seed)
    run = _Run(Objective(log_target, ensemble, alpha, beta, frames), start, iterations, digest, state, progress)
    try:
        run.on_host() if optimizer == "lbfgs-b" else run.on_device()
    except KeyboardInterrupt:
        run.history["interrupted"] = True
    run.save()
    spectrogram = np.maximum(run.spectrogram, 0).astype("float32")
    report = None if progress is None else lambda i, value: progress("phases", i + 1, phase_iterations, value)
    rng = np.random.default_rng([seed, 1])
    audio, convergence = spectrum.audio_of(
        spectrogram, samples, phase_iterations, rng, momentum, report, interruptible=True
    )
    audio = io.resample(audio, spectrum.SAMPLE_RATE, sample_rate)[:length]
    run.history["interrupted"] |= len(convergence) < phase_iterations
    return Synthesis(audio, spectrogram, {**run.history, "convergence": convergence})


def _fewest_seconds(ensemble, alpha):
    """Shortest target and result in seconds: the widest kernel's, and with `alpha` twice the shortest lag more."""
    frames = ensemble.fewest_frames
    if alpha:
        frames = max(frames, max(ensemble.widths) - 1 + 2 * math.ceil(LAGS[0] * FRAME_RATE))
    return spectrum.samples_in(frames) / spectrum.SAMPLE_RATE


class Objective:
    """The loss of spectrograms against one target, with its gradient, compiled.

    Args:
        target: float (frames, bins) of `zoo.texture.spectrum.log_spectrogram`.
        ensemble: `RandomConvEnsemble`.
        alpha, beta: weights of autocorrelation and diversity; a term of weight 0 is not computed.
        frames: of the spectrograms to synthesise; the longest lag is half of the shorter of both.

    Attributes:
        shifts: number of shifts of the target in the diversity term.
    """

    def __init__(self, target: np.ndarray, ensemble: RandomConvEnsemble, alpha: float, beta: float, frames: int):
        self.ensemble, self.alpha, self.beta = ensemble, alpha, beta
        self.gram, self.diversity = GramLoss(ensemble), DiversityLoss(ensemble)
        shortest = min(len(target), frames) - max(ensemble.widths) + 1
        self.autocorrelation = AutocorrelationLoss(ensemble, lags=(LAGS[0], min(LAGS[1], shortest / 2 / FRAME_RATE)))
        features = ensemble(ops.convert_to_tensor(target[None]))
        self.targets = {"gram": self.gram.targets(features)}
        if alpha:
            self.targets["autocorrelation"] = self.autocorrelation.targets(features)
        if beta:
            self.targets["diversity"] = self.diversity.targets(features)
        self.shifts = len(target)
        self._compiled = optimize.value_and_gradient(self.loss)

    def loss(self, spectrogram: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of one spectrogram (frames, bins), and its terms.

        Args:
            spectrogram: float tensor (frames, bins).
            allowed: float (shifts,), 1 for the shifts in the diversity term; None to leave the term out.

        Returns:
            total: scalar.
            terms: {"gram", "autocorrelation", "diversity": scalars, "worst": the most similar shift}, as far as they are
                computed.
        """
        features = self.ensemble(spectrogram[None])
        terms = {"gram": self.gram.compare(self.targets["gram"], features)[0]}
        total = terms["gram"]
        if self.alpha:
            terms["autocorrelation"] = self.autocorrelation.compare(self.targets["autocorrelation"], features)[0]
            total = total + self.alpha * terms["autocorrelation"]
        if self.beta and allowed is not None:
            worst = self.diversity.worst(self.targets["diversity"], features, allowed=allowed)
            terms["diversity"], terms["worst"] = (x[0] for x in worst)
            total = total + self.beta * terms["diversity"]
        return total, terms

    def __call__(
        self, spectrogram: np.ndarray, allowed: np.ndarray | None = None
    ) -> tuple[float, dict[str, float], np.ndarray]:
        """Loss, its terms as floats, and the gradient (frames, bins), of a float32 array (frames, bins)."""
        (loss, terms), gradient = self._compiled(spectrogram, *([] if allowed is None else [allowed]))
        return float(loss), {name: float(value) for name, value in terms.items()}, ops.convert_to_numpy(gradient)


def _noise(target, frames, seed):
    """Noise (frames, bins) with the target's power in each bin, from which the optimisation starts."""
    rng = np.random.default_rng([seed, 0])
    power = np.mean(np.square(np.expm1(target)), axis=0)
    normal = rng.standard_normal((2, frames, target.shape[1]))
    return np.log1p(np.sqrt(power * np.mean(np.square(normal), axis=0))).astype("float32")


class _Run:
    """One optimisation: its spectrogram, its history, and the file that stores both."""

    def __init__(self, objective, start, iterations, digest, state, progress):
        self.objective, self.spectrogram, self.iterations, self.progress = objective, start, iterations, progress
        self.history = defaultdict(list, {"interrupted": False})
        self.schedule = ShiftSchedule(objective.shifts)
        self.state = None if state is None else Path(state)
        if self.state is not None and not self.state.absolute().parent.is_dir():
            raise InputError(f"{state}: its folder does not exist; make it first")
        self.digest = digest
        if self.state is not None and self.state.exists():
            self._restore()

    @property
    def done(self):
        return len(self.history["loss"])

    @property
    def diverse(self):
        """Iterations with the diversity term."""
        return min(DIVERSE, self.iterations) if self.objective.beta else 0

    def on_host(self):
        """SciPy's L-BFGS-B: first with the diversity term, then without."""
        for end, allowed in ((self.diverse, self.schedule.allowed), (self.iterations, lambda: None)):
            if self.done < end:
                optimize.minimize(
                    lambda x, allowed=allowed: self._evaluate(x, allowed()),
                    self.spectrogram.ravel(),
                    end - self.done,
                    self._advance,
                )

    def _evaluate(self, x, allowed):
        x = x.reshape(self.spectrogram.shape).astype("float32")
        loss, terms, gradient = self.objective(x, allowed)
        self.last = x, loss, terms
        return loss, gradient.ravel().astype("float64")

    def _advance(self, *_):
        """Record an iteration; its terms are those of the last evaluation, which the line search accepted."""
        spectrogram, loss, terms = self.last
        self.spectrogram = spectrogram
        if "worst" in terms:
            self.schedule.advance(terms["worst"])
        self._record(loss, terms)

    def _record(self, loss, terms, times=1):
        for _ in range(times):
            self.history["loss"].append(loss)
            for name in ("gram", "autocorrelation", "diversity"):
                self.history[name].append(terms.get(name, float("nan")))
        if self.state is not None and self.done % SAVED_EVERY == 0:
            self.save()
        if self.progress is not None:
            self.progress("spectrogram", self.done, self.iterations, loss)

    def on_device(self):
        """TensorFlow Probability's L-BFGS, some iterations at a time: its loop reports nothing before its end."""
        shape, all_shifts = self.spectrogram.shape, np.ones(self.objective.shifts, "float32")
        for end, allowed in ((self.diverse, all_shifts), (self.iterations, None)):
            minimize = optimize.device_minimizer(
                # It has no bounds: the absolute value of its variables is never negative.
                lambda x, allowed=allowed: self.objective.loss(ops.reshape(ops.abs(x), shape), allowed)[0]
            )
            lowest, stalled = np.inf, 0
            while self.done < end and stalled < _STALLED:
                variables, count = minimize(self.spectrogram.ravel(), min(_ROUND, end - self.done))
                self.spectrogram = np.abs(variables).reshape(shape)
                loss, terms, _ = self.objective(self.spectrogram, allowed)
                self._record(loss, terms, max(count, 1))
                lowest, stalled = min(lowest, loss), stalled + 1 if loss >= lowest else 0

    def save(self):
        """Write the state, whole or not at all."""
        if self.state is not None:
            with atomic_write(self.state) as part, open(part, "wb") as file:
                np.savez(file, digest=self.digest, spectrogram=self.spectrogram, history=json.dumps(self.history))

    def _restore(self):
        try:
            with np.load(self.state, allow_pickle=False) as stored:
                digest, spectrogram, history = (
                    str(stored["digest"]),
                    stored["spectrogram"],
                    json.loads(str(stored["history"])),
                )
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.state}: is not the state of a synthesis; give another path") from error
        if digest != self.digest:
            raise InputError(f"{self.state}: is the state of another synthesis; give its options, or another path")
        self.spectrogram = spectrogram
        self.history.update(history | {"interrupted": False})
        # The schedule continues at its step; the worst shifts so far are not stored.
        self.schedule.step = int(np.isfinite(self.history["diversity"]).sum())
