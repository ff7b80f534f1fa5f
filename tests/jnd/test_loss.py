"""The distance as a loss: frozen, at any rate, saved by its source."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.harness import check_frozen
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.jnd.loss import JNDLoss
from zoo.jnd.model import JND
from zoo.jnd.spectral import SpectralJND

SAMPLES = 8000


@pytest.fixture(scope="module", params=[SpectralJND(channels=(4, 6), bands=16), JND(channels=(4, 4, 6))], ids=str)
def metric(request):
    return request.param


@pytest.fixture
def source(metric, tmp_path):
    preset.save(metric, tmp_path / "metric")
    return f"{tmp_path}/metric/"


def pair():
    rng = np.random.default_rng(0)
    reference = 0.1 * np.sin(0.2 * np.arange(SAMPLES)) * np.ones((2, 1))
    return reference.astype("float32"), (reference + [[0.02], [0.05]] * rng.standard_normal((2, SAMPLES))).astype(
        "float32"
    )


def test_it_is_the_distance(metric):
    values = ops.convert_to_numpy(JNDLoss(metric).call(*pair()))
    np.testing.assert_allclose(values, metric.distance(*pair(), sample_rate=22050), rtol=1e-4)
    assert float(JNDLoss(metric)(*pair())) == pytest.approx(values.mean(), rel=1e-4)
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(ops.convert_to_numpy(JNDLoss(metric).call(pair()[0], pair()[0])), 0.0, atol=1e-5)


def test_channels_are_heard_one_after_the_other(metric):
    reference, estimate = (np.stack([x, x[::-1]], axis=-1) for x in pair())
    values = ops.convert_to_numpy(JNDLoss(metric).call(reference, estimate))
    np.testing.assert_allclose(values, metric.distance(reference, estimate, sample_rate=22050), rtol=1e-4)
    with pytest.raises(InputError, match="2 channels take no lengths"):
        JNDLoss(metric).call(reference, estimate, np.array([100, 100]))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends know all shapes")
def test_channels_of_a_step_that_was_traced_for_any_rank(metric):
    import tensorflow as tf

    loss, waveforms = JNDLoss(metric), [np.stack([x, x[::-1]], axis=-1) for x in pair()]
    step = tf.function(loss.call, input_signature=2 * [tf.TensorSpec(None)])
    np.testing.assert_allclose(step(*waveforms), loss.call(*waveforms), rtol=1e-4)
    np.testing.assert_allclose(step(*pair()), loss.call(*pair()), rtol=1e-4)


def test_another_rate_is_resampled(metric):
    loss = JNDLoss(metric, sample_rate=16000)
    inside = ops.convert_to_numpy(loss.call(*pair()))
    outside = metric.distance(*pair(), sample_rate=16000, resample=True)
    np.testing.assert_allclose(inside, outside, rtol=0.1)


@pytest.mark.parametrize("change", [lambda x: x[:, None], lambda x: x[0]])
def test_waveforms_of_another_rank_raise(metric, change):
    with pytest.raises(InputError, match=r"give \(batch, samples\), of one shape"):
        JNDLoss(metric, sample_rate=16000).call(*map(change, pair()))


def test_lengths(metric):
    for rate in (None, 16000):
        loss, lengths = JNDLoss(metric, rate), np.array([5001, SAMPLES], "int32")
        bare = [loss.call(*(x[:1, :5001] for x in pair())), loss.call(*(x[1:] for x in pair()))]
        expected = np.concatenate([ops.convert_to_numpy(value) for value in bare])
        np.testing.assert_allclose(ops.convert_to_numpy(loss.call(*pair(), lengths)), expected, rtol=1e-3)


def test_a_training_step_goes_through_and_changes_nothing(source):
    loss = zoo.loss(source, sample_rate=16000)
    denoiser = keras.Sequential(
        [
            keras.layers.Reshape((SAMPLES, 1)),
            keras.layers.Conv1D(1, 5, padding="same"),
            keras.layers.Reshape((SAMPLES,)),
        ]
    )
    denoiser.compile("sgd", loss=loss, jit_compile=False)
    reference, noisy = pair()
    denoiser.build(noisy.shape)
    before = [weight.copy() for weight in denoiser.get_weights()]
    check_frozen(loss.metric, lambda: denoiser.train_on_batch(noisy, reference))
    after = denoiser.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert not np.array_equal(before[0], after[0])


def test_saved_by_its_source(source, metric):
    loss = zoo.loss(source, sample_rate=16000)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    np.testing.assert_allclose(*(ops.convert_to_numpy(x.call(*pair())) for x in (loss, again)), rtol=1e-6)
    with pytest.raises(InputError, match="source string"):
        JNDLoss(metric).get_config()
