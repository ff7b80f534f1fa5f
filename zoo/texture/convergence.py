"""How far a synthesis is after so many iterations: its scores and its seconds, from one run."""

import time
from collections.abc import Sequence

import numpy as np
from keras import ops

from zoo.texture import spectrum
from zoo.texture.evaluate import Judge
from zoo.texture.model import RandomConvEnsemble
from zoo.texture.objective import Objective
from zoo.texture.optimisation import Optimisation
from zoo.texture.synthesis import noise

COUNTS = (50, 100, 200, 500, 1000, 2000)


def scores_by_iteration(
    target: np.ndarray,
    judge: Judge,
    counts: Sequence[int] = COUNTS,
    phase_iterations: int = 500,
    alpha: float = 1e3,
    beta: float = 1e-4,
    seed: int = 0,
    ensemble: RandomConvEnsemble | None = None,
) -> list[dict[str, float]]:
    """Synthesise as much again of a texture once, and score what there is after some iterations.

    Args:
        target: float32 (samples,) at 16 kHz.
        judge: `zoo.texture.evaluate.Judge`.
        counts: iterations, rising; the last is the length of the run, which the diversity term's schedule follows.
        phase_iterations: of Griffin-Lim, for each.
        alpha, beta, seed, ensemble: as for `zoo.texture.synthesize`.

    Returns:
        for each count {"iterations", "seconds": of the optimisation so far, the compilation in it and scoring not,
        "loss": without the diversity term, and each score of the judge}.

    Example:
        >>> judge = Judge(zoo.load("texture-classifier-16k"))  # takes minutes  # doctest: +SKIP
        >>> scores_by_iteration(rain, judge, (50, 100))  # takes minutes  # doctest: +SKIP
    """
    ensemble = ensemble or RandomConvEnsemble()
    log_target = ops.convert_to_numpy(spectrum.log_spectrogram(target[None]))[0]
    frames, rows, clock = spectrum.frames_for(len(target)), [], time.perf_counter()

    def watch(_, done, total, loss):
        nonlocal clock
        if done not in counts:
            return
        seconds = time.perf_counter() - clock
        audio, _ = spectrum.audio_of(run.spectrogram, len(target), phase_iterations, np.random.default_rng([seed, 1]))
        rows.append({"iterations": done, "seconds": seconds, "loss": loss, **judge(target, audio, run.spectrogram)})
        clock = time.perf_counter() - seconds

    objective = Objective(log_target, ensemble, alpha, beta, frames)
    run = Optimisation(objective, noise(log_target, frames, seed), counts[-1], watch)
    run.do("lbfgs-b")
    return rows
