"""How long a synthesis goes on, and the shifts of its diversity term."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.texture.schedule import QUALITIES, ShiftSchedule, diverse_iterations, plan


def test_the_schedule_cycles_and_remembers():
    schedule = ShiftSchedule(120, every=50, memory=2)
    shifts = []
    for worst in (7, 8, 9):
        shifts.append(np.flatnonzero(schedule.allowed()).tolist())
        schedule.advance(worst)
    assert shifts == [[0, 50, 100], [1, 7, 51, 101], [2, 7, 8, 52, 102]]
    assert np.flatnonzero(schedule.allowed()).tolist() == [3, 8, 9, 53, 103]


def test_the_diversity_term_has_the_papers_share_of_a_short_run():
    assert [diverse_iterations(count) for count in (0, 1, 100, 1000, 2000, 4000)] == [0, 1, 5, 50, 100, 100]


def test_the_paper_is_a_quality_and_numbers_are_done_in_full():
    assert plan("paper") == (2000, 500, 0.0)
    assert plan("good", phase_iterations=7) == QUALITIES["good"]._replace(phase_iterations=7)
    assert plan("good", iterations=7) == (7, 500, 0.0) and QUALITIES["good"].tolerance > 0
    with pytest.raises(InputError, match="no quality 'best': use draft, good, paper"):
        plan("best")
    with pytest.raises(InputError, match="iterations is -1"):
        plan("good", -1)
