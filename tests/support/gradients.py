"""A checkpoint's output and gradient, as numbers that backends are compared by.

KERAS_BACKEND=torch python -m tests.support.gradients numbers.npz NAME...
"""

import sys

import numpy as np
from keras import ops

from tests.support.checkpoints import golden_inputs, load
from zoo import backend
from zoo.texture.optimize import value_and_gradient

_SAMPLES = 9000


def waveforms(model):
    """Noise for a call of a model, (2, 9000) each, or spectrograms for an ensemble; the last is what changes."""
    rng = np.random.default_rng(0)
    if not hasattr(model, "core"):
        return [np.abs(rng.standard_normal((2, 80, 257))).astype("float32")]
    return [(0.1 * rng.standard_normal((2, _SAMPLES))).astype("float32") for _ in model.serving_inputs]


def flat(outputs):
    """What a call of a model gives, as one tensor."""
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return ops.concatenate([ops.reshape(output, (-1,)) for output in outputs])


def weighted_mean(model, *others):
    """Function of a model's last input, with these before it: a mean of the output, weighted, and the output."""

    def weighted(x):
        output = flat(model([*others, x] if others else x, training=False))
        weights = ops.convert_to_tensor(np.cos(np.arange(output.shape[0])).astype("float32"))
        return ops.mean(weights * output), output

    return weighted


def output_and_gradient(name):
    """{"golden": output on the golden inputs, "output": on noise, "gradient": of its weighted mean in the last input}."""
    model = load(name)
    inputs = waveforms(model)
    (_, output), gradient = value_and_gradient(weighted_mean(model, *inputs[:-1]))(inputs[-1])
    arguments = golden_inputs(name)
    golden = flat(backend.predict(model, arguments if len(arguments) > 1 else arguments[0]))
    return {key: ops.convert_to_numpy(x) for key, x in (("golden", golden), ("output", output), ("gradient", gradient))}


def error(actual, expected):
    """Norm of the difference over the norm of what is expected."""
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected))


def error_of_most(actual, expected, share=0.98):
    """`error` of the share of the numbers that differ least: a ReLU at a rounding from 0 moves those of a few frames."""
    difference = np.abs(actual - expected)
    return error(*(x[difference <= np.quantile(difference, share)] for x in (actual, expected)))


if __name__ == "__main__":
    numbers = {name: output_and_gradient(name) for name in sys.argv[2:]}
    np.savez(sys.argv[1], **{f"{name}/{key}": x for name, by_key in numbers.items() for key, x in by_key.items()})
