"""Learned losses of both families: shapes, rates, sources that are resolved once."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.checkpoint import integrity, preset, registry
from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.jnd.loss import JNDLoss
from zoo.jnd.spectral import SpectralJND
from zoo.losses.learned import LearnedLoss, learned_loss
from zoo.quality_net.loss import QualityNetLoss
from zoo.quality_net.model import QualityNetLite

RNG = np.random.default_rng(0)
REFERENCE = 0.1 * RNG.standard_normal((2, 9000)).astype("float32")
ESTIMATE = REFERENCE + 0.02 * RNG.standard_normal((2, 9000)).astype("float32")


@pytest.fixture(scope="module", params=[QualityNetLoss, JNDLoss])
def loss(request):
    small = QualityNetLite() if request.param is QualityNetLoss else SpectralJND(channels=(4, 6), bands=16)
    return request.param(small)


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [
        (REFERENCE[:, None], ESTIMATE[:, None]),
        (REFERENCE[0], ESTIMATE[0]),
        (REFERENCE, ESTIMATE[0]),
        (REFERENCE, ESTIMATE[:, :-1]),
        (REFERENCE, ESTIMATE[:1]),
    ],
)
def test_other_shapes_are_refused_alike(loss, reference, estimate):
    with pytest.raises(InputError, match=r"reference has shape .*give \(batch, samples\), of one shape"):
        loss.call(reference, estimate)


def test_magnitudes_of_other_shapes_are_refused():
    loss = QualityNetLoss(QualityNetLite(), inputs="magnitude")
    spectra = np.ones((2, 40, 257), "float32")
    for reference, estimate in ((spectra, spectra[:, :-1]), (REFERENCE, ESTIMATE)):
        with pytest.raises(InputError, match=r"give \(batch, frames, bins\) magnitudes"):
            loss.call(reference, estimate)


def test_another_rate_is_resampled_inside(loss):
    rate = 16000 if loss.metric.sample_rate == 22050 else 22050
    values = ops.convert_to_numpy(type(loss)(loss.metric, sample_rate=rate).call(REFERENCE, ESTIMATE))
    assert values.shape == (2,) and np.isfinite(values).all()
    assert np.abs(values / ops.convert_to_numpy(loss.call(REFERENCE, ESTIMATE)) - 1).max() > 1e-3


@pytest.mark.parametrize("rate", [0, -16000, float("nan")])
def test_a_rate_that_is_none_is_refused(loss, rate):
    with pytest.raises(InputError, match="in Hz, above 0"):
        type(loss)(loss.metric, sample_rate=rate)


def test_made_from_a_model_it_cannot_be_saved(loss):
    with pytest.raises(InputError, match="make it from the source string"):
        loss.get_config()


def test_made_from_a_source_it_is_saved(loss, tmp_path):
    preset.save(loss.metric, tmp_path / "metric")
    frozen = learned_loss(f"{tmp_path}/metric/", sample_rate=16000)
    assert isinstance(frozen, LearnedLoss) and type(frozen) is type(loss)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(frozen))
    assert again.get_config() == frozen.get_config()
    assert again.source == f"{tmp_path}/metric/" and not again.metric.trainable


def test_a_path_is_saved_as_a_directory(loss, tmp_path):
    preset.save(loss.metric, tmp_path / "metric")
    assert learned_loss(tmp_path / "metric").source == f"{tmp_path}/metric/"


def test_a_subclass_has_the_loss_of_its_family(tmp_path):
    @keras.saving.register_keras_serializable(package="test")
    class Mine(QualityNetLite):
        pass

    preset.save(Mine(), tmp_path / "metric")
    assert isinstance(learned_loss(tmp_path / "metric"), QualityNetLoss)


def test_a_model_without_a_loss_says_what_it_is(tmp_path):
    preset.save(DNNEnhancer(units=4), tmp_path / "enhancer")
    with pytest.raises(InputError, match=r"has no loss: it holds a zoo\.enhancement\.model\.DNNEnhancer"):
        zoo.loss(tmp_path / "enhancer")


@pytest.mark.parametrize("terms", ["hf://lab/metric", {"hf://lab/metric": 1.0, "pmsqe": 0.5}])
def test_a_source_on_the_hub_is_fetched_once_and_read_once(monkeypatch, tmp_path, terms):
    preset.save(QualityNetLite(), tmp_path / "metric", card={"name": "metric"})
    fetched, checked = [], []

    def fetch(repository, *arguments):
        fetched.append(repository)
        return tmp_path / "metric"

    def check(directory, *arguments):
        checked.append(directory)

    monkeypatch.setattr(registry.hub, "fetch", fetch)
    monkeypatch.setattr(integrity, "check", check)
    loss = zoo.loss(terms)
    assert fetched == ["lab/metric"] and not checked  # the fetch itself checks
    learned = loss if isinstance(terms, str) else loss.terms[0][1]
    assert learned.source == "hf://lab/metric"
