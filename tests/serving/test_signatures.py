"""What served models give: NaN where Python gives NaN, and outputs that are compared with the Keras model's."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.jnd.model import JND
from zoo.jnd.quality import QualityJND
from zoo.jnd.spectral import SpectralJND
from zoo.quality_net.model import QualityNetLite
from zoo.texture.classifier import SoundClassifier

if keras.backend.backend() != "tensorflow":
    pytest.skip("serves on TensorFlow", allow_module_level=True)

from zoo.checkpoint import preset
from zoo.serving.signatures import TOLERANCE, ServingModel, compare


@pytest.mark.parametrize(
    "make", [lambda: JND(channels=(4,) * 4), SpectralJND, QualityJND, lambda: SoundClassifier(["rain", "wind"])]
)
def test_what_python_calls_nan_is_nan_when_served(make):
    model, rng = make(), np.random.default_rng(0)
    inputs = [
        np.stack([0.1 * rng.standard_normal(8000), np.zeros(8000)]).astype("float32") for _ in model.serving_inputs
    ]
    for value in model.serve(*inputs, np.array([8000, 0], "int32")).values():
        rows = np.isfinite(value.numpy()).reshape(2, -1)
        assert rows[0].all() and not rows[1].any()


class Constant(QualityNetLite):
    """A metric whose network gives a score whatever comes in, as where a runtime's operations drop NaN."""

    def quality(self, inputs, training=False):
        return 0.5 * ops.ones(ops.shape(inputs[0])[:1])  # PESQ 2


@pytest.mark.parametrize(
    ("value", "bad"), [(np.inf, "both"), (np.inf, "degraded"), (-np.inf, "reference"), (np.nan, "degraded")]
)
def test_a_score_of_what_is_not_finite_is_nan_by_itself(value, bad):
    """Served and in Python, without help of the network, which happens to carry NaN to its output."""
    metric = Constant(convolutions=((4, 1, 2),), bands=24)
    clip = (0.1 * np.random.default_rng(0).standard_normal((2, 9000))).astype("float32")
    broken = clip.copy()
    broken[1, 4000] = value
    pair = [broken if bad in (name, "both") else clip for name in ("reference", "degraded")]
    lengths = np.array([9000, 9000], "int32")
    served = ops.convert_to_numpy(metric.serve(*pair, lengths)["score"])
    np.testing.assert_array_equal(served, [2, np.nan])
    # What lies after the end does not count.
    assert ops.convert_to_numpy(metric.serve(*pair, np.array([9000, 8000], "int32"))["score"])[0] == 2
    np.testing.assert_array_equal(np.isnan(metric.score(*pair, 16000)), [False, True])


def test_a_signature_is_traced_from_one_function(tmp_path):
    """Outputs of the Keras model come from eager calls, those of the signatures from one traced function."""
    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    served = ServingModel(tmp_path / "model")
    assert set(served.signatures) == {"serving_default", "lengths", "wav"}
    inputs, expected = served.checks[0]
    function, specs = served.signatures["lengths"]
    outputs = function(*(inputs[spec.name] for spec in specs))
    compare({f"lengths/{name}": x.numpy() for name, x in outputs.items()}, expected)


def test_an_output_that_is_lost_or_differs_is_missed():
    value = np.array([1.0, np.nan])
    compare({"lengths/vocals": value}, {"lengths/vocals": value + 0.9 * TOLERANCE})
    with pytest.raises(InputError, match="has no lengths/vocals"):
        compare({"lengths/vocals": np.ones(2)}, {"lengths/other": np.ones(2)})
    for other in (value + 1.1 * TOLERANCE, value[:1], np.ones(2)):
        with pytest.raises(InputError, match="lengths/vocals differs"):
            compare({"lengths/vocals": value}, {"lengths/vocals": other})
