"""How long a synthesis goes on, when its diversity term counts, and at which shifts (Antognini et al. 2019)."""

import math
from typing import NamedTuple

import numpy as np

from zoo.errors import InputError
from zoo.texture.checks import check_counts

DIVERSE = 100  # first iterations of the paper's 2000, which have the diversity term
_SHARE = DIVERSE / 2000


class Plan(NamedTuple):
    """How long a synthesis goes on.

    Attributes:
        iterations: of L-BFGS, the most.
        phase_iterations: of Griffin-Lim.
        tolerance: share by which the loss must fall in 100 iterations, or L-BFGS ends; 0 for no such end.
    """

    iterations: int
    phase_iterations: int
    tolerance: float = 0.0


QUALITIES = {"draft": Plan(100, 100), "good": Plan(1000, 500, 0.05), "paper": Plan(2000, 500)}


def plan(quality: str, iterations: int | None = None, phase_iterations: int | None = None) -> Plan:
    """The plan of a quality, or of numbers of iterations, which are then all done.

    Args:
        quality: a name of `QUALITIES`.
        iterations, phase_iterations: other numbers than the quality's; None for those.

    Returns:
        `Plan`.

    Raises:
        InputError: an unknown quality, or numbers that are no integers of 0 or more.

    Example:
        >>> plan("good").iterations, plan("good", iterations=300).tolerance
        (1000, 0.0)
    """
    if quality not in QUALITIES:
        raise InputError(f"no quality {quality!r}: use {', '.join(QUALITIES)}")
    usual = QUALITIES[quality]
    phases = usual.phase_iterations if phase_iterations is None else phase_iterations
    if iterations is None:
        check_counts(phase_iterations=phases)
        return usual._replace(phase_iterations=phases)
    check_counts(iterations=iterations, phase_iterations=phases)
    return Plan(iterations, phases)


def diverse_iterations(iterations: int) -> int:
    """First iterations that have the diversity term: the paper's 100 of 2000, and of a shorter run the same share.

    Args:
        iterations: of the whole run.

    Returns:
        int, 1 to 100; 0 for no iterations.

    Example:
        >>> [diverse_iterations(count) for count in (10, 100, 2000, 5000)]
        [1, 5, 100, 100]
    """
    return min(DIVERSE, math.ceil(_SHARE * iterations))


class ShiftSchedule:
    """The shifts that the paper looks at in a step: every 50th, from a start that cycles, and the last steps' worst.

    Args:
        shifts: how many there are.
        every: frames from one to the next.
        memory: steps whose worst shifts are looked at again.

    Example:
        >>> schedule = ShiftSchedule(200)
        >>> np.flatnonzero(schedule.allowed()).tolist()
        [0, 50, 100, 150]
        >>> schedule.advance(worst=7)
        >>> np.flatnonzero(schedule.allowed()).tolist()
        [1, 7, 51, 101, 151]
    """

    def __init__(self, shifts, every=50, memory=10):
        self.shifts, self.every, self.memory = shifts, every, memory
        self.step, self.worst = 0, []

    def allowed(self):
        """float32 (shifts,): 1 for those of this step."""
        mask = np.zeros(self.shifts, "float32")
        mask[self.step % self.every :: self.every] = 1
        mask[self.worst] = 1
        return mask

    def advance(self, worst):
        """Go on to the next step; `worst` is the shift, an integer, at which this one copied most."""
        self.step += 1
        self.worst = [*self.worst, int(worst)][-self.memory :]
