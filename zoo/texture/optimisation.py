"""The optimisation of a synthesis: L-BFGS with the schedule of the diversity term, a history, and a state on disk."""

import json
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from keras import ops

from zoo.base.files import atomic_write
from zoo.errors import InputError
from zoo.texture import optimize
from zoo.texture.objective import Objective
from zoo.texture.schedule import ShiftSchedule, diverse_iterations

SAVED_EVERY = 50  # iterations
WINDOW = 100  # iterations in which the loss must fall, where it is asked to
_ROUND = 50  # iterations on the device in one call
_STALLED = 3  # calls in a row without progress, after which it ends


class Optimisation:
    """One optimisation: its spectrogram, its history, and the file that stores both.

    Args:
        objective: `zoo.texture.objective.Objective`.
        start: float32 (frames, bins), the first spectrogram.
        iterations: most of them.
        progress: called as progress("spectrogram", done, iterations, loss): with 0 done after the first evaluation, which
            compiles, and after each iteration.
        tolerance: share by which the loss must fall in 100 iterations, or it ends; 0 for no such end.
        digest: that tells the synthesis from others, for `state`.
        state: path of the npz file, or None.

    Attributes:
        spectrogram: of the last iteration.
        history: as of `zoo.texture.Synthesis`, without the phases.

    Raises:
        InputError: the state is of another synthesis, or cannot be read.
    """

    def __init__(
        self,
        objective: Objective,
        start: np.ndarray,
        iterations: int,
        progress: Callable[[str, int, int, float], None],
        tolerance: float = 0.0,
        digest: str = "",
        state: Path | str | None = None,
    ):
        self.objective, self.spectrogram, self.iterations, self.progress = objective, start, iterations, progress
        self.tolerance, self.evaluated = tolerance, False
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
        return diverse_iterations(self.iterations) if self.objective.beta else 0

    @property
    def no_better(self):
        """Whether the loss without the diversity term has fallen too little in the last iterations."""
        losses = self.history["loss"][self.diverse :]
        return len(losses) > WINDOW and losses[-1] > (1 - self.tolerance) * losses[-1 - WINDOW]

    def do(self, optimizer):
        """All iterations, by "lbfgs-b", "tfp" or "torch", up to an interruption; the state is saved at the end."""
        try:
            self.on_host() if optimizer == "lbfgs-b" else self.on_device(optimizer)
        except KeyboardInterrupt:
            self.history["interrupted"] = True
        self.save()

    def on_host(self):
        """SciPy's L-BFGS-B: first with the diversity term, then without."""
        if self.tolerance and self.no_better:
            return
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
        if not self.evaluated:
            self.evaluated = True
            self.progress("spectrogram", self.done, self.iterations, loss)
        return loss, gradient.ravel().astype("float64")

    def _advance(self, *_):
        """Record an iteration; its terms are those of the last evaluation, which the line search accepted."""
        spectrogram, loss, terms = self.last
        self.spectrogram = spectrogram
        if "worst" in terms:
            self.schedule.advance(terms["worst"])
        self._record(loss, terms)
        if self.tolerance and self.no_better:
            raise StopIteration

    def _record(self, loss, terms, times=1):
        for _ in range(times):
            self.history["loss"].append(loss)
            for name in ("gram", "autocorrelation", "diversity"):
                self.history[name].append(terms.get(name, float("nan")))
        if self.state is not None and self.done % SAVED_EVERY == 0:
            self.save()
        self.progress("spectrogram", self.done, self.iterations, loss)

    def on_device(self, optimizer):
        """L-BFGS on the device, some iterations at a time: TensorFlow's loop reports nothing before its end."""
        shape, all_shifts = self.spectrogram.shape, np.ones(self.objective.shifts, "float32")
        for end, allowed in ((self.diverse, all_shifts), (self.iterations, None)):
            minimize = optimize.device_minimizer(
                # It has no bounds: the absolute value of its variables is never negative.
                lambda x, allowed=allowed: self.objective.loss(ops.reshape(ops.abs(x), shape), allowed)[0],
                optimizer,
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
