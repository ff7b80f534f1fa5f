"""How far a gradient moves where the input moves by one rounding: what no two backends can agree on beyond.

KERAS_BACKEND=torch python -m tests.support.rounding NAME...
"""

import sys

import keras
import numpy as np

from tests.support.checkpoints import golden_inputs, load
from tests.support.gradients import error, waveforms, weighted_mean
from zoo.texture.optimize import value_and_gradient

_ROUNDING = 1.2e-7  # of float32, relative


def movement(name, waveform):
    """Relative change of the gradient of a model of one waveform, where each sample is moved up or down by a rounding."""
    compute = value_and_gradient(weighted_mean(load(name)))
    signs = np.random.default_rng(0).choice([-1, 1], waveform.shape)
    moved = (waveform * (1 + _ROUNDING * signs)).astype("float32")
    before, after = (keras.ops.convert_to_numpy(compute(x)[1]) for x in (waveform, moved))
    return error(after, before)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for kind, x in (("golden", golden_inputs(name)[-1]), ("noise", waveforms(load(name))[-1])):
            print(f"{keras.backend.backend()}, {name}, {kind}: {movement(name, x):.2g}")
