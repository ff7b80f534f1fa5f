"""mixed_bfloat16: networks multiply in bfloat16, while spectra, logarithms, sums and what comes out stay float32."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.separation import separator
from zoo.checkpoint import preset
from zoo.enhancement.context import ContextAggregationEnhancer
from zoo.enhancement.model import BLSTMEnhancer, DNNEnhancer
from zoo.jnd.layers import ChannelDistance, ClipNormalization
from zoo.jnd.model import JND
from zoo.jnd.quality import Align, LocalDistance, LoudnessAndLog, QualityJND
from zoo.jnd.spectral import LogMel, MelPower, SpectralJND, WeightedDistance
from zoo.nn import layers
from zoo.quality_net.features import PairFeatures, RecordingFeatures
from zoo.quality_net.free import QualityNetFree
from zoo.quality_net.layers import WeightedMeanOverTime
from zoo.quality_net.model import QualityNet, QualityNetLite
from zoo.separation.layers import SoftMasks
from zoo.texture.classifier import SoundClassifier
from zoo.texture.model import RandomConvEnsemble

MODELS = {  # model, waveforms that it takes, the largest relative difference of its output
    "quality-net": (QualityNet, 2, 0.02),
    "quality-net-lite": (QualityNetLite, 2, 0.02),
    "quality-net-free": (QualityNetFree, 1, 0.02),
    "jnd": (lambda: JND(channels=(8,) * 14), 2, 0.05),
    "spectral jnd": (SpectralJND, 2, 0.02),
    "quality jnd": (QualityJND, 2, 0.02),
    "context": (lambda: ContextAggregationEnhancer(depth=4, channels=8), 1, 0.05),
    "blstm": (lambda: BLSTMEnhancer(units=8, hidden=8), 1, 0.02),
    "dnn": (lambda: DNNEnhancer(units=8), 1, 0.02),
    "separator": (separator, 1, 0.02),
    "classifier": (lambda: SoundClassifier(["rain", "wind"], channels=(8, 8)), 1, 0.02),
}
SUMS = (
    PairFeatures,
    RecordingFeatures,
    WeightedMeanOverTime,
    LogMel,
    layers.MeanOverTime,
    keras.layers.GlobalAveragePooling1D,
    ClipNormalization,
    ChannelDistance,
    WeightedDistance,
    MelPower,
    Align,
    LoudnessAndLog,
    LocalDistance,
    SoftMasks,
)


# Random networks have nothing to train, and textures are made of their sums: they stay float32.
def test_an_ensemble_stays_float32(mixed):
    ensemble = mixed(lambda: RandomConvEnsemble(widths=(2, 4), filters=8))
    features = ensemble(np.ones((1, 100, 257), "float32"))
    assert {keras.backend.standardize_dtype(x.dtype) for x in features} == {"float32"}


@pytest.fixture
def mixed():
    """A function that builds a model under mixed_bfloat16."""
    before = keras.config.dtype_policy()

    def build(make):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            return make()
        finally:
            keras.config.set_dtype_policy(before)

    yield build
    keras.config.set_dtype_policy(before)


def waveforms(count):
    rng = np.random.default_rng(0)
    noise = [(0.1 * rng.standard_normal((2, 12000))).astype("float32") for _ in range(count)]
    return noise if count > 1 else noise[0]


def every_layer(model):
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Layer)]


@pytest.mark.parametrize("name", MODELS)
def test_the_network_computes_in_bfloat16_and_the_rest_in_float32(mixed, name):
    make, count, tolerance = MODELS[name]
    model = make()
    twin = mixed(make)
    twin.set_weights(model.get_weights())
    assert twin.compute_dtype == "float32"  # its waveforms and spectra are not rounded
    twin_layers = every_layer(twin)
    products = [layer for layer in twin_layers if hasattr(layer, "kernel") or isinstance(layer, keras.layers.LSTM)]
    assert sum(layer.compute_dtype == "bfloat16" for layer in products) >= len(products) / 2
    assert all(layer.compute_dtype == "float32" for layer in twin_layers if isinstance(layer, SUMS))
    assert {keras.backend.standardize_dtype(output.dtype) for output in twin.core.outputs} == {"float32"}
    assert {variable.dtype for variable in twin.trainable_variables} == {"float32"}
    expected, actual = ops.convert_to_numpy(model(waveforms(count))), twin(waveforms(count))
    assert keras.backend.standardize_dtype(actual.dtype) == "float32"
    difference = np.abs(ops.convert_to_numpy(actual) - expected).max()
    assert 0 < difference < tolerance * np.abs(expected).max()


def test_a_spectral_norm_is_that_of_the_float32_kernel(mixed):
    layer = layers.SpectralNormalization(keras.layers.Dense(16))
    twin = mixed(lambda: layers.SpectralNormalization(keras.layers.Dense(16)))
    x = np.random.default_rng(0).standard_normal((4, 32)).astype("float32")
    layer(x), twin(x)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin.effective_kernel(), layer.effective_kernel())
    assert keras.backend.standardize_dtype(twin(x).dtype) == "bfloat16"
    np.testing.assert_allclose(ops.cast(twin(x), "float32"), layer(x), atol=0.03)


@pytest.mark.slow
def test_a_metric_is_fine_tuned_in_bfloat16_and_saved_as_ever(mixed, tmp_path):
    preset.save(QualityNetLite(), tmp_path / "start")
    metric = mixed(lambda: preset.load(tmp_path / "start", trainable=True))
    metric.compile(keras.optimizers.Adam(1e-3), loss="mse")
    reference, degraded = waveforms(2)
    history = metric.fit((reference, degraded), np.array([1.0, 4.0]), epochs=5, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]
    preset.save(metric, tmp_path / "tuned")
    again = preset.load(tmp_path / "tuned")
    assert all(layer.compute_dtype == "float32" for layer in every_layer(again))
    for variable, other in zip(again.weights, metric.weights, strict=True):
        np.testing.assert_array_equal(variable, other)
