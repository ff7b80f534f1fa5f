"""Which sessions are marked: what a researcher looks at before an answer counts. Nothing is deleted."""

from collections.abc import Sequence

import numpy as np

from zoo.listening.sounds import HEADPHONE_TONES
from zoo.listening.store import Trial
from zoo.listening.study import Settings


def marks(trials: Sequence[Trial], settings: Settings) -> list[str]:
    """Reasons to reject a session, by the rules of its study.

    Args:
        trials: of the session, those with answers count.
        settings: `misses`, `fastest` and `fewest_plays` are the limits.

    Returns:
        list of reasons, one line each; empty for a session that passes.

    Example:
        >>> marks([], Settings())
        []
    """
    answered = [trial for trial in trials if trial.answer is not None]
    judged = [trial for trial in answered if trial.role in ("judged", "sentinel")]
    reasons = [reason for reason in (_attention(answered), _headphones(answered)) if reason]
    wrong = misses(judged)
    if wrong > settings.misses:
        reasons.append(f"{wrong} sentinels wrong")
    if judged:
        seconds = float(np.median([trial.answer.seconds for trial in judged]))
        plays = float(np.mean([count for trial in judged for count in trial.answer.plays]))
        reasons += [f"too fast: {seconds:.1f} s"] * (seconds < settings.fastest)
        reasons += [f"too few replays: {plays:.1f}"] * (plays < settings.fewest_plays)
    return reasons


def misses(trials: Sequence[Trial]) -> int:
    """How many sentinels were answered wrong.

    Example:
        >>> misses([])
        0
    """
    answered = [trial for trial in trials if trial.role == "sentinel" and trial.answer is not None]
    return sum(trial.answer.value.get("choice") != trial.expected for trial in answered)


def _attention(answered):
    wrong = [trial for trial in answered if trial.screen == "attention" and not _is_right(trial)]
    return "wrong word" if wrong else ""


def _headphones(answered):
    tones = [trial for trial in answered if trial.screen == "headphones"]
    right = sum(map(_is_right, tones))
    failed = len(tones) == HEADPHONE_TONES and right < HEADPHONE_TONES - 1
    return f"headphones: {right} of {HEADPHONE_TONES}" if failed else ""


def _is_right(trial):
    return trial.answer.value["choice"] == trial.expected
