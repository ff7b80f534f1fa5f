"""Linear recurrences against a loop in NumPy, and their gradient against differences."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.nn.recurrence import linear_recurrence
from zoo.texture.optimize import value_and_gradient

RNG = np.random.default_rng(0)
DECAY = RNG.uniform(0, 1, (2, 7, 3)).astype("float32")
INPUTS = RNG.standard_normal((2, 7, 3)).astype("float32")
INITIAL = RNG.standard_normal((2, 3)).astype("float32")


def by_loop(decay, inputs, state):
    states = []
    for time in range(inputs.shape[1]):
        state = decay[:, time] * state + inputs[:, time]
        states.append(state)
    return np.stack(states, axis=1)


def test_it_is_the_loop():
    actual = ops.convert_to_numpy(linear_recurrence(DECAY, INPUTS, INITIAL))
    np.testing.assert_allclose(actual, by_loop(DECAY, INPUTS, INITIAL), atol=1e-6)


def test_one_time_needs_no_loop():
    actual = ops.convert_to_numpy(linear_recurrence(DECAY[:, :1], INPUTS[:, :1], INITIAL))
    np.testing.assert_allclose(actual, by_loop(DECAY[:, :1], INPUTS[:, :1], INITIAL), atol=1e-6)


def test_parts_go_on_from_each_other():
    first = linear_recurrence(DECAY[:, :4], INPUTS[:, :4], INITIAL)
    second = linear_recurrence(DECAY[:, 4:], INPUTS[:, 4:], first[:, -1])
    whole = ops.convert_to_numpy(linear_recurrence(DECAY, INPUTS, INITIAL))
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.concatenate([first, second], axis=1)), whole)


@pytest.mark.parametrize("place", range(3))
def test_gradients_are_those_of_differences(place):
    arguments, weights = [DECAY, INPUTS, INITIAL], RNG.standard_normal(INPUTS.shape).astype("float32")

    def loss(x):
        states = linear_recurrence(*(x if i == place else ops.convert_to_tensor(y) for i, y in enumerate(arguments)))
        return ops.sum(states * weights), states

    _, slopes = value_and_gradient(loss)(arguments[place])
    slopes = ops.convert_to_numpy(slopes)
    for index in np.ndindex(slopes.shape):
        sums = []
        for change in (1e-4, -1e-4):
            moved = [x.astype("float64") for x in arguments]
            moved[place][index] += change
            sums.append((by_loop(*moved) * weights).sum())
        assert slopes[index] == pytest.approx((sums[0] - sums[1]) / 2e-4, abs=1e-4)


def test_any_number_of_times_may_come():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 3))

    class Sum(keras.layers.Layer):
        def call(self, x):
            return linear_recurrence(ops.ones_like(x), x, ops.zeros_like(x[:, 0]))

        def compute_output_shape(self, shape):
            return shape

    model = keras.Model(inputs, Sum()(inputs))
    for count in (1, 2, 9):
        x = RNG.standard_normal((2, count, 3)).astype("float32")
        np.testing.assert_allclose(model.predict(x, verbose=0), np.cumsum(x, axis=1), atol=1e-5)
