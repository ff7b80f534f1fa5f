"""Degraded recordings in a known order, of speech or of music: drawn, applied and stored.

What is drawn are two values each of two kinds; `zoo.jnd.severity` and `zoo.jnd.music` say which kinds there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.jnd import effects, rendered

TEACHERS = ("pesq", "visqol")  # of speech
GROUP = 4  # degraded recordings of one clip: two rungs each of two kinds, mild before severe
_CHAINED = 0.3  # share of kinds that act on a recording which another kind has degraded before


@dataclass(frozen=True)
class Degradation:
    """One degradation of a clip, perhaps after another.

    Attributes:
        kind: of `zoo.jnd.severity.KINDS` or `zoo.jnd.music.KINDS`.
        value: as there.
        before: (kind, value) of what the clip has gone through before; None for nothing.
        seed: of noise, room and positions.
    """

    kind: str
    value: float | None
    before: tuple[str, float] | None
    seed: int

    @property
    def kinds(self):
        """Kinds of all that the clip goes through, a set."""
        return {self.kind, *(self.before or ())[:1]}


@dataclass(frozen=True)
class Graded:
    """Groups of degraded recordings with their teachers' scores.

    Attributes:
        degradations: list of `Degradation` for each clip; where they are drawn, a mild and a more severe value of one
            kind, the same of another.
        audio: list of memory-mapped int16 (clips, 1 + degradations, samples), clip and degraded, -16 LUFS each; of two
            channels one after the other.
        missed: float32 (clips, degradations, teachers), by how much a score falls short of the best; NaN where invalid.
        teachers: their names.
        sample_rate: of the audio, in Hz.
    """

    degradations: list
    audio: list
    missed: np.ndarray
    teachers: tuple = TEACHERS
    sample_rate: int = effects.SAMPLE_RATE


def draw_group(
    rng: np.random.Generator, ladders: dict[str, Sequence], weights: np.ndarray | None = None, first: int | None = None
) -> list[Degradation]:
    """Degradations of one clip: two values of one kind, then two of another, mild before severe.

    Args:
        rng: NumPy generator.
        ladders: {kind: values, mild to severe}.
        weights: probabilities of the kinds, in order; None for equal ones.
        first: so many of the kinds, from the first on, may come before another; None for all.

    Example:
        >>> [mild, severe, *others] = draw_group(np.random.default_rng(0), {"noise": (30, 20), "mnru": (30, 20, 10)})
        >>> mild.value > severe.value, len(others)
        (True, 2)
    """
    names, degradations = list(ladders), []
    for i in rng.choice(len(names), GROUP // 2, replace=False, p=weights):
        ladder, before, seed = ladders[names[i]], None, int(rng.integers(2**31))
        if rng.random() < _CHAINED:
            kind = names[rng.integers(first or len(names))]
            before = kind, ladders[kind][rng.integers(len(ladders[kind]))]
        for rung in np.sort(rng.choice(len(ladder), 2, replace=False)):
            degradations.append(Degradation(names[i], ladder[rung], before, seed))
    return degradations


def apply_by(process: Callable, clip: np.ndarray, degradation: Degradation, sample_rate: int) -> np.ndarray:
    """A clip after a degradation, and what comes before it, at -16 LUFS.

    Args:
        process: (clip, kind, value, seed) -> the clip after one kind of degradation.
        clip: float (samples,) or (samples, channels).
        degradation: `Degradation`.
        sample_rate: in Hz.

    Returns:
        float32, of the same shape.

    Example:
        >>> clip = np.sin(0.1 * np.arange(22050))
        >>> apply_by(lambda audio, *_: audio / 2, clip, Degradation("half", 0.5, None, seed=0), 22050).shape
        (22050,)
    """
    if degradation.before:
        first = process(clip, *degradation.before, degradation.seed + 1)
        clip = effects.loudness_normalise(first, sample_rate)
    return effects.loudness_normalise(process(clip, degradation.kind, degradation.value, degradation.seed), sample_rate)


def missed_by(
    load: Callable, kinds: set[str], recordings: np.ndarray, degradations: Sequence[Degradation], sample_rate: int
) -> np.ndarray:
    """By how much a teacher's scores of degraded recordings fall short of the best.

    Args:
        load: gives the teacher, a metric with `sample_rate` and `distance`; called where there is something to score.
        kinds: for which it is valid.
        recordings: float (1 + n, samples), the clip and its degraded forms.
        degradations: n of them.
        sample_rate: of the recordings, in Hz.

    Returns:
        float32 (n,), 0 and up; NaN where the teacher is not valid or has no score.

    Example:
        >>> missed_by(None, set(), np.zeros((2, 9)), [Degradation("mnru", 10, None, seed=0)], 22050)
        array([nan], dtype=float32)
    """
    missed = np.full(len(degradations), np.nan, "float32")
    valid = [i for i, degradation in enumerate(degradations) if degradation.kinds <= kinds]
    if valid:
        metric = load()
        (audio,) = rendered.at_rate(metric, recordings[[0, *(1 + i for i in valid)]], sample_rate=sample_rate)
        missed[valid] = metric.distance(np.repeat(audio[:1], len(valid), axis=0), audio[1:], metric.sample_rate)
    return missed


def store(
    render: Callable, score: Callable, source: Any, items: list[tuple], folder: Path, n_jobs: int, **facts: Any
) -> Graded:
    """`Graded` that is rendered and scored, or read from a folder.

    Args:
        render: (source, *item) -> int16 (clips, 1 + degradations, samples).
        score: (source, folder of the audio, number of the item, degradations of its clips) -> the scores missed.
        source: of the recordings.
        items: arguments, whose last are the degradations of some clips, a list for each.
        folder: for the files.
        n_jobs: processes, joblib's counting.
        facts: teachers and sample rate of the `Graded`, where they are not those of speech.
    """
    audio = rendered.stored(render, source, items, folder / "audio", n_jobs, "degrade")
    places = [(folder / "audio", i, item[-1]) for i, item in enumerate(items)]
    missed = rendered.stored(score, source, places, folder / "scores", n_jobs, "score")
    return Graded([group for item in items for group in item[-1]], audio, np.concatenate(missed), **facts)
