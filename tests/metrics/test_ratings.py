"""Mean opinion scores, and the post-screening of BS.1534."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.metrics import ratings
from zoo.metrics.ratings import Rating


def test_the_interval_is_that_of_students_t():
    mean, low, high = ratings.mean_opinion([3, 4, 5])
    half = 4.302653 / np.sqrt(3)  # t of two degrees of freedom, deviation 1
    np.testing.assert_allclose((mean, low, high), (4, 4 - half, 4 + half), rtol=1e-6)
    assert ratings.mean_opinion([2.0])[0] == 2 and np.isnan(ratings.mean_opinion([2.0])[1])
    assert np.isnan(ratings.mean_opinion([])).all()


def scored(listener, system, values):
    return [Rating(listener, item, system, value) for item, value in enumerate(values)]


@pytest.mark.parametrize(
    ("reference", "anchor", "excluded"),
    [
        ([100] * 20, [50] * 20, []),
        ([89] * 3 + [100] * 17, [50] * 20, []),  # 15 %, not more
        ([89] * 4 + [100] * 16, [50] * 20, ["ann"]),
        ([90] * 20, [90] * 20, []),
        ([100] * 20, [91] * 4 + [50] * 16, ["ann"]),
    ],
)
def test_more_than_fifteen_percent_exclude(reference, anchor, excluded):
    answers = scored("ann", "reference", reference) + scored("ann", "mid", anchor)
    assert ratings.post_screened(answers, "reference", "mid") == excluded


def test_without_a_rated_reference_nothing_can_be_screened():
    with pytest.raises(InputError, match="no rating is of the system 'hidden'"):
        ratings.post_screened(scored("ann", "mse", [1]), "hidden")
