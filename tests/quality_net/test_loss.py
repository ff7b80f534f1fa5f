"""The frozen loss: its value, its gradient, what it leaves alone."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import check_frozen
from zoo.audio import dsp
from zoo.errors import InputError
from zoo.quality_net.free import QualityNetFree
from zoo.quality_net.loss import QualityNetLoss
from zoo.quality_net.model import QualityNetLite

RNG = np.random.default_rng(0)
REFERENCE = 0.1 * RNG.standard_normal((2, 9000)).astype("float32")
ESTIMATE = REFERENCE + 0.02 * RNG.standard_normal((2, 9000)).astype("float32")


def gain(samples):
    """A trainable model on waveforms: one gain a sample, near 1."""
    return keras.Sequential([keras.Input((samples,)), keras.layers.EinsumDense("ab,b->ab", output_shape=samples)])


def test_value_is_one_minus_q_squared():
    metric = QualityNetLite(spectral_norm=True)
    loss = QualityNetLoss(metric)
    q = (ops.convert_to_numpy(metric([REFERENCE, ESTIMATE])) + 0.5) / 5
    np.testing.assert_allclose(ops.convert_to_numpy(loss.call(REFERENCE, ESTIMATE)), (1 - q) ** 2, rtol=1e-4)
    np.testing.assert_allclose(float(loss(REFERENCE, ESTIMATE)), np.mean((1 - q) ** 2), rtol=1e-4)


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_magnitudes_and_waveforms_agree():
    metric = QualityNetLite()
    spectra = [dsp.magnitude(x) for x in (REFERENCE, ESTIMATE)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(QualityNetLoss(metric, inputs="magnitude").call(*spectra)),
        ops.convert_to_numpy(QualityNetLoss(metric).call(REFERENCE, ESTIMATE)),
        rtol=1e-4,
    )


def test_a_metric_without_a_reference_hears_the_estimate_alone():
    metric = QualityNetFree()
    loss = QualityNetLoss(metric)
    expected = (1 - ops.convert_to_numpy(metric.quality(ESTIMATE))) ** 2
    np.testing.assert_allclose(ops.convert_to_numpy(loss.call(0 * REFERENCE, ESTIMATE)), expected, rtol=1e-4)
    spectra = [dsp.magnitude(x) for x in (REFERENCE, ESTIMATE)]
    actual = QualityNetLoss(metric, inputs="magnitude").call(*spectra)
    np.testing.assert_allclose(ops.convert_to_numpy(actual), expected, rtol=1e-4)


def test_lengths():
    loss = QualityNetLoss(QualityNetLite())
    padded = [np.pad(x, [(0, 0), (0, 3000)]) for x in (REFERENCE, ESTIMATE)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss.call(*padded, lengths=np.array([9000, 9000], "int32"))),
        ops.convert_to_numpy(loss.call(REFERENCE, ESTIMATE)),
        rtol=1e-4,
    )


@pytest.mark.on_jax
@pytest.mark.on_torch
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_frozen_and_the_gradient_arrives(spectral_norm):
    metric, model = QualityNetLite(spectral_norm=spectral_norm), gain(9000)
    model.compile(keras.optimizers.SGD(1.0), loss=QualityNetLoss(metric), jit_compile=False)
    before = model.get_weights()[0].copy()
    check_frozen(metric, lambda: model.fit(ESTIMATE, REFERENCE, epochs=2, verbose=0))
    moved = model.get_weights()[0] - before
    assert np.isfinite(moved).all()
    assert np.abs(moved).max() > 0


def test_gradient_is_that_of_finite_differences():
    metric = QualityNetLite()
    loss, direction = QualityNetLoss(metric), RNG.standard_normal((2, 9000)).astype("float32")
    model = keras.Sequential([keras.Input((9000,)), Along(direction)])
    model.compile(keras.optimizers.SGD(1.0), loss=loss, jit_compile=False)
    model.train_on_batch(ESTIMATE, REFERENCE)
    slope = -float(model.get_weights()[0])
    step = 1e-4
    ahead, behind = (float(loss(REFERENCE, ESTIMATE + sign * step * direction)) for sign in (1, -1))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=0.05)


class Along(keras.layers.Layer):
    """x + t * direction, with t trainable from 0: SGD at rate 1 moves t by minus the slope."""

    def __init__(self, direction):
        super().__init__()
        self.direction = direction
        self.t = self.add_weight(shape=(), initializer="zeros")

    def call(self, x):
        return x + self.t * self.direction


def test_made_from_a_model_it_cannot_be_saved():
    with pytest.raises(InputError, match="source string"):
        QualityNetLoss(QualityNetLite()).get_config()


def test_unknown_inputs():
    with pytest.raises(InputError, match='"waveform" or "magnitude"'):
        QualityNetLoss(QualityNetLite(), inputs="mel")
