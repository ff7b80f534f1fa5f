"""Texture synthesis: a spectrogram that random networks cannot tell from the target's, and audio for it.

Antognini, Hoffman and Weiss 2019, section 2: L = L_gram + alpha L_autocorrelation + beta L_diversity, minimised over the
log spectrogram by L-BFGS-B; then Griffin and Lim's phases.
"""

import hashlib
import json
import math
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from keras import ops

from zoo.audio import io
from zoo.errors import InputError
from zoo.files import atomic_write
from zoo.texture import optimize, spectrum
from zoo.texture.checks import check_counts, check_target, wanted_samples
from zoo.texture.loss import FRAME_RATE, LAGS, AutocorrelationLoss, DiversityLoss, GramLoss, ShiftSchedule
from zoo.texture.model import RandomConvEnsemble

OPTIMIZERS = ("lbfgs-b", "tfp")
DIVERSE = 100  # iterations with the diversity term, the first ones
SAVED_EVERY = 50  # iterations
_ROUND = 50  # iterations on the device between two looks
_STALLED = 3  # of these in a row that gained nothing end it


class Synthesis(NamedTuple):
    """What `synthesize` gives.

    Attributes:
        audio: float32 (samples,) at the target's rate.
        spectrogram: float32 (frames, 257), log(1 + magnitude) at 16 kHz, that the audio was made for.
        history: {"loss", "gram", "autocorrelation", "diversity": floats, one an iteration; "convergence": floats, one a
            round of Griffin-Lim; "interrupted": whether the user did}.
    """

    audio: np.ndarray
    spectrogram: np.ndarray
    history: dict


def synthesize(
    target,
    sample_rate,
    seconds=None,
    alpha=1e3,
    beta=1e-4,
    iterations=2000,
    seed=0,
    optimizer="lbfgs-b",
    phase_iterations=500,
    momentum=0.0,
    ensemble=None,
    state=None,
    progress=None,
    resample=False,
):
    """Synthesise more of a sound.

    Ctrl-C ends the optimisation, and the result is that of the last spectrogram; again, and the phases end too.

    Args:
        target: float (samples,) in [-1, 1], mono; with the paper's networks 0.7 s or more, and so the result.
        sample_rate: of the target, in Hz.
        seconds: of the result; None for the target's.
        alpha: weight of the autocorrelation term: rhythm.
        beta: weight of the diversity term: against copying, in the first 100 iterations.
        iterations: of L-BFGS; 0 keeps the noise that it starts from.
        seed: of that noise and of the first phases.
        optimizer: "lbfgs-b", SciPy's, the paper's; or "tfp", TensorFlow Probability's on the device, which looks at all
            shifts for the diversity term.
        phase_iterations: of Griffin-Lim.
        momentum: of Griffin-Lim, 0 as in the paper; 0.99 is faster.
        ensemble: `zoo.texture.model.RandomConvEnsemble`; None for the paper's.
        state: path of an npz file that keeps the spectrogram while it is made; where there is one of the same synthesis,
            it goes on from there (with an L-BFGS that has forgotten its steps). None keeps nothing.
        progress: called as progress(stage, done, total, value), stage "spectrogram" with the loss or "phases" with the
            spectral convergence; None for none.
        resample: bring another rate than 16 kHz there and back, instead of raising; what is above 8 kHz is lost.

    Returns:
        `Synthesis`: audio, spectrogram, history.

    Raises:
        InputError: the target is silent, too short, has NaNs or channels; an option is out of range; the rate is
            another and `resample` is off; the state is of another synthesis.

    Example:
        >>> audio, spectrogram, history = synthesize(rain, 16000, seconds=10)  # doctest: +SKIP
    """
    if optimizer not in OPTIMIZERS:
        raise InputError(f"no optimizer {optimizer!r}: use {' or '.join(OPTIMIZERS)}")
    check_counts(iterations=iterations, seed=seed, phase_iterations=phase_iterations)
    if not (0 <= alpha < np.inf and 0 <= beta < np.inf and 0 <= momentum < 1):
        raise InputError(
            f"alpha {alpha}, beta {beta}, momentum {momentum}: give weights of 0 or more, momentum in 0..1"
        )
    if sample_rate != spectrum.SAMPLE_RATE and not resample:
        raise InputError(f"the target is at {sample_rate} Hz, textures are made at 16000 Hz: pass resample=True")
    ensemble = ensemble or RandomConvEnsemble()
    least = _fewest_seconds(ensemble, alpha)
    wanted = wanted_samples(target, sample_rate, seconds, least)
    audio = io.resample(check_target(target, sample_rate, least), sample_rate, spectrum.SAMPLE_RATE)
    samples = math.ceil(wanted * spectrum.SAMPLE_RATE / sample_rate) + (sample_rate != spectrum.SAMPLE_RATE)
    seen = ops.convert_to_numpy(spectrum.log_spectrogram(audio[None]))[0]
    frames = spectrum.frames_for(samples)
    about = json.dumps([alpha, beta, frames, seed, optimizer, ensemble.get_config()], default=str)
    digest = hashlib.sha256(audio.tobytes() + about.encode()).hexdigest()
    start = _noise(seen, frames, seed)
    run = _Run(Objective(seen, ensemble, alpha, beta, frames), start, iterations, digest, state, progress)
    try:
        run.on_host() if optimizer == "lbfgs-b" else run.on_device()
    except KeyboardInterrupt:
        run.history["interrupted"] = True
    run.save()
    found = np.maximum(run.spectrogram, 0).astype("float32")
    told = None if progress is None else lambda i, value: progress("phases", i + 1, phase_iterations, value)
    rng = np.random.default_rng([seed, 1])
    made, convergence = spectrum.audio_of(found, samples, phase_iterations, rng, momentum, told, interruptible=True)
    made = io.resample(made, spectrum.SAMPLE_RATE, sample_rate)[:wanted]
    run.history["interrupted"] |= len(convergence) < phase_iterations
    return Synthesis(made, found, {**run.history, "convergence": convergence})


def _fewest_seconds(ensemble, alpha):
    """Seconds of target and result that the widest kernel needs, and with `alpha` twice the shortest lag after it."""
    frames = ensemble.fewest_frames
    if alpha:
        frames = max(frames, max(ensemble.widths) - 1 + 2 * math.ceil(LAGS[0] * FRAME_RATE))
    return spectrum.samples_in(frames) / spectrum.SAMPLE_RATE


class Objective:
    """The loss of spectrograms against one target, with its gradient, compiled.

    Args:
        target: float (frames, bins) of `zoo.texture.spectrum.log_spectrogram`.
        ensemble: `RandomConvEnsemble`.
        alpha, beta: weights of autocorrelation and diversity; what has the weight 0 is not computed.
        frames: of the spectrograms that are to be made; half of the shorter is the longest lag.

    Attributes:
        shifts: of the target that the diversity term knows.
    """

    def __init__(self, target, ensemble, alpha, beta, frames):
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

    def loss(self, spectrogram, allowed=None):
        """The loss of one spectrogram (frames, bins), and its terms.

        Args:
            spectrogram: float tensor (frames, bins).
            allowed: float (shifts,) that marks those the diversity term looks at; None for no such term.

        Returns:
            scalar, and {"gram", "autocorrelation", "diversity": scalars, "worst": the most alike shift}, of those that
            are computed.
        """
        features = self.ensemble(spectrogram[None])
        found = {"gram": self.gram.compare(self.targets["gram"], features)[0]}
        total = found["gram"]
        if self.alpha:
            found["autocorrelation"] = self.autocorrelation.compare(self.targets["autocorrelation"], features)[0]
            total = total + self.alpha * found["autocorrelation"]
        if self.beta and allowed is not None:
            worst = self.diversity.worst(self.targets["diversity"], features, allowed=allowed)
            found["diversity"], found["worst"] = (x[0] for x in worst)
            total = total + self.beta * found["diversity"]
        return total, found

    def __call__(self, spectrogram, allowed=None):
        """Loss, its terms as floats, and the gradient (frames, bins), of a float32 array (frames, bins)."""
        (loss, terms), gradient = self._compiled(spectrogram, *([] if allowed is None else [allowed]))
        return float(loss), {name: float(value) for name, value in terms.items()}, ops.convert_to_numpy(gradient)


def _noise(target, frames, seed):
    """Noise (frames, bins) with the target's power in each bin: where the optimisation starts."""
    rng = np.random.default_rng([seed, 0])
    power = np.mean(np.square(np.expm1(target)), axis=0)
    normal = rng.standard_normal((2, frames, target.shape[1]))
    return np.log1p(np.sqrt(power * np.mean(np.square(normal), axis=0))).astype("float32")


class _Run:
    """One optimisation: where it stands, what it was, and the file that keeps both."""

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
        """Note an iteration; the terms are those of its last evaluation, which the line search took."""
        spectrogram, loss, terms = self.last
        self.spectrogram = spectrogram
        if "worst" in terms:
            self.schedule.advance(terms["worst"])
        self._note(loss, terms)

    def _note(self, loss, terms, times=1):
        for _ in range(times):
            self.history["loss"].append(loss)
            for name in ("gram", "autocorrelation", "diversity"):
                self.history[name].append(terms.get(name, float("nan")))
        if self.state is not None and self.done % SAVED_EVERY == 0:
            self.save()
        if self.progress is not None:
            self.progress("spectrogram", self.done, self.iterations, loss)

    def on_device(self):
        """TensorFlow Probability's L-BFGS, some iterations at a time: its loop tells nothing before its end."""
        shape, everything = self.spectrogram.shape, np.ones(self.objective.shifts, "float32")
        for end, allowed in ((self.diverse, everything), (self.iterations, None)):
            minimize = optimize.device_minimizer(
                # It knows no bounds: the magnitude of what it moves is never negative.
                lambda x, allowed=allowed: self.objective.loss(ops.reshape(ops.abs(x), shape), allowed)[0]
            )
            lowest, stalled = np.inf, 0
            while self.done < end and stalled < _STALLED:
                found, made = minimize(self.spectrogram.ravel(), min(_ROUND, end - self.done))
                self.spectrogram = np.abs(found).reshape(shape)
                loss, terms, _ = self.objective(self.spectrogram, allowed)
                self._note(loss, terms, max(made, 1))
                lowest, stalled = min(lowest, loss), stalled + 1 if loss >= lowest else 0

    def save(self):
        """Write the state, whole or not at all."""
        if self.state is not None:
            with atomic_write(self.state) as part, open(part, "wb") as file:
                np.savez(file, digest=self.digest, spectrogram=self.spectrogram, history=json.dumps(self.history))

    def _restore(self):
        try:
            with np.load(self.state, allow_pickle=False) as kept:
                digest, spectrogram, history = (
                    str(kept["digest"]),
                    kept["spectrogram"],
                    json.loads(str(kept["history"])),
                )
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.state}: is no state of a synthesis; give another path") from error
        if digest != self.digest:
            raise InputError(f"{self.state}: is the state of another synthesis; give its options, or another path")
        self.spectrogram = spectrogram
        self.history.update(history | {"interrupted": False})
        # The schedule's place; which shifts were worst is forgotten.
        self.schedule.step = int(np.isfinite(self.history["diversity"]).sum())
