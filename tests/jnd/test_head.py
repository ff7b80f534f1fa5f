"""A head alone: it learns the answers, and the distance stays."""

import numpy as np
import pytest
from keras import ops

from tests.support.jnd_training import judged
from zoo.jnd.head import count_answers, fit_head
from zoo.jnd.model import JND


@pytest.mark.slow
def test_a_head_alone_learns_the_answers_and_leaves_the_distance():
    metric = JND(channels=(4, 4, 4))
    before = [ops.convert_to_numpy(weight) for weight in metric.core.variables]
    facts = fit_head(metric, judged(192), judged(32, seed=5))
    assert facts["answers"] == {"training": 192, "validation": 32}
    assert facts["cross_entropy"] < 0.3  # chance is 0.69
    for old, new in zip(before, metric.core.variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))
    pair = judged(2).renderings[0][0].astype("float32") / 32768
    same, different = metric.probability(pair[:, 0], pair[:, 1], 22050)
    assert same < 0.5 < different


def test_answers_are_counted():
    assert count_answers(judged(6), judged(4)) == {"training": 6, "validation": 4}
