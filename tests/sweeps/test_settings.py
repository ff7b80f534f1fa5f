"""Keras's global settings and run modes: every checkpoint loads, is whole and works under each."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.checkpoints import CARDS, NAMES, QUICKEST, REPRESENTATIVES, golden_inputs
from zoo.checkpoint import preset, registry

ENSEMBLES = [name for name in NAMES if CARDS[name]["architecture"] == "RandomConvEnsemble"]
POLICIES = ["mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64"]


def _eager(on):
    import tensorflow as tf

    tf.config.run_functions_eagerly(on)


def _channels_first(on):
    keras.config.set_image_data_format("channels_first" if on else "channels_last")


def _float_type(on):
    keras.config.set_floatx("float16" if on else "float32")


def _policy(name):
    return lambda on: keras.config.set_dtype_policy(name if on else "float32")


# Largest difference of the golden's output, relative to its largest value.
SETTINGS = {
    "run_functions_eagerly": (_eager, 1e-3),
    "channels_first": (_channels_first, 1e-3),
    "floatx float16": (_float_type, 1e-3),
    **{name: (_policy(name), 1e-3 if name == "float64" else 0.02) for name in POLICIES},
}
# Its sums over loud broadband sound may exceed float16's largest number, 65504; docs/separation.md says so.
OVERFLOWS = {("chandna-4stem-large-44k", "float16"), ("chandna-4stem-large-44k", "mixed_float16")}
FAST = "mixed_float16"
ON_WEIGHTS = ("float16", "mixed_float16")  # whose range some weights may exceed; bfloat16 has that of float32


def cases():
    """One of each architecture under every setting, and the others where their weights matter."""
    for name in NAMES:
        for setting in SETTINGS if name in REPRESENTATIVES else ON_WEIGHTS:
            fast = name in QUICKEST and setting == FAST
            yield pytest.param(name, setting, marks=() if fast else pytest.mark.slow, id=f"{name}-{setting}")


@pytest.fixture
def outputs(monkeypatch):
    """The golden's outputs that are computed in a test, by a verified load too."""
    outputs, compute = [], preset._output
    monkeypatch.setattr(preset, "_output", lambda *of: outputs.append(compute(*of)) or outputs[-1])
    return outputs


@pytest.fixture
def switched():
    """A function that switches a setting on; it is off again after the test."""
    switches = []

    def switch(on):
        switches.append(on)
        on(True)

    yield switch
    for on in switches:
        on(False)


def use(name, model):
    """What the checkpoint's method on arrays gives of 0.6 s of noise."""
    rate = model.sample_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, int(0.6 * rate)))
    family = CARDS[name]["family"]
    if family == "quality_net":
        return model.score(*model.of_pair(*noise), rate)
    if family == "jnd":
        return np.stack(model.judge(*noise, rate))
    if family == "enhancement":
        return model.enhance(noise[0], rate)
    if family == "separation":
        return np.stack(list(model.separate(noise[0], rate).values()))
    return model.probabilities(noise[0], rate)


@pytest.mark.parametrize(("name", "setting"), list(cases()))
def test_a_checkpoint_works_under_a_setting(switched, outputs, name, setting):
    if keras.backend.backend() != "tensorflow" and setting == "run_functions_eagerly":
        pytest.skip("TensorFlow's")
    switch, tolerance = SETTINGS[setting]
    switched(switch)
    model = zoo.load(name, verify=tolerance == 1e-3)
    with np.load(registry.resolve(name) / "golden.npz") as golden:
        expected = golden["output"]
    if not outputs:
        preset._output(model, golden_inputs(name))
    (actual,) = outputs
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    if name not in REPRESENTATIVES and keras.backend.backend() == "tensorflow":
        switched(_eager)  # a graph, which takes longer to trace than these to run, depends on no weights
    if name not in ENSEMBLES and (name, setting) not in OVERFLOWS:
        assert np.isfinite(use(name, model)).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REPRESENTATIVES))
def test_keras_exports_what_was_loaded(name, tmp_path):
    """`m.export(folder)` works, whether or not the model was called; any batch and length."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModels are TensorFlow's")
    import tensorflow as tf

    model = zoo.load(name)
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    inputs = golden_inputs(name)
    for batch in (inputs, [x[:1, : int(0.95 * x.shape[1])] for x in inputs]):
        batch = [tf.constant(x, "float32") for x in batch]
        arguments = batch if len(batch) > 1 else batch[0]
        for ours, theirs in zip(*(keras.tree.flatten(f(arguments)) for f in (served.serve, model)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
