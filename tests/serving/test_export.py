"""SavedModels: what they give, what they refuse, and that a process without Keras runs them."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.audio import wav
from tests.support.checkpoints import load
from tests.support.harness import REPOSITORY
from tests.support.separation import separator
from zoo import cli
from zoo.audio import io
from zoo.checkpoint import preset
from zoo.enhancement.context import ContextAggregationEnhancer
from zoo.enhancement.model import BLSTMEnhancer, DNNEnhancer
from zoo.errors import InputError
from zoo.jnd.model import JND
from zoo.jnd.quality import QualityJND
from zoo.jnd.spectral import SpectralJND
from zoo.quality_net.model import QualityNet, QualityNetLite
from zoo.serving import export
from zoo.serving.signatures import ServingModel
from zoo.texture.classifier import SoundClassifier
from zoo.texture.model import RandomConvEnsemble

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports on TensorFlow")
PAIR = ("reference", "degraded")
MODELS = {  # model, inputs, outputs
    "quality-net": (lambda: QualityNet(), PAIR, {"score"}),
    "quality-net-lite": (lambda: QualityNetLite(convolutions=((8, 1, 2), (8, 2, 2)), bands=24), PAIR, {"score"}),
    "jnd": (lambda: JND(channels=(4,) * 4), PAIR, {"distance", "probability"}),
    "spectral jnd": (lambda: SpectralJND(channels=(4, 8), bands=32), PAIR, {"distance", "probability"}),
    "quality jnd": (lambda: QualityJND(channels=(4, 8), bands=32), PAIR, {"distance", "probability"}),
    "context": (lambda: ContextAggregationEnhancer(depth=4, channels=8), ("waveform",), {"enhanced"}),
    "blstm": (lambda: BLSTMEnhancer(units=8, hidden=8), ("waveform",), {"enhanced"}),
    "dnn": (lambda: DNNEnhancer(units=8), ("waveform",), {"enhanced"}),
    "separator": (separator, ("waveform",), {"vocals", "drums", "bass", "other"}),
    "classifier": (lambda: SoundClassifier(["rain", "wind"], channels=(8, 8)), ("waveform",), {"probabilities"}),
}


@pytest.fixture(scope="module")
def metric(exported):
    """The signatures of a bundled metric, exported, in this process."""
    made = exported("quality-net-lite-stoi-16k")
    assert made["directory"].name == "1" and 0.5 < made["megabytes"] < 10
    return tf.saved_model.load(str(made["directory"])).signatures


@pytest.fixture(scope="module")
def pair():
    data = REPOSITORY / "zoo" / "data" / "audio"
    return [io.read(data / f"speech_{kind}.flac")[0] for kind in PAIR]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in ("blstm", "quality-net-lite") else pytest.mark.slow) for name in MODELS],
)
def test_every_kind_of_model_is_exported_and_checked(name, unlike_batches, tmp_path):
    make, inputs, outputs = MODELS[name]
    model = make()
    preset.save(model, tmp_path / "model")
    made = export.export(tmp_path / "model", tmp_path / "models", version=3)
    assert made["directory"] == tmp_path / "models" / "3"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["3"]
    (data,) = (tmp_path / "models" / "3" / "variables").glob("variables.data*")
    assert data.stat().st_size < 1.1 * 4 * model.count_params() + 10_000  # each weight once
    assert made["signatures"] == {
        "serving_default": {"inputs": sorted(inputs), "outputs": sorted(outputs)},
        "lengths": {"inputs": sorted([*inputs, "lengths"]), "outputs": sorted(outputs)},
        "wav": {"inputs": sorted(f"{name}_wav" for name in inputs), "outputs": sorted(outputs)},
    }
    check_one_batch(made["directory"], inputs, unlike_batches)


def check_one_batch(directory, names, unlike_batches, shape=(9000,)):
    """A graph refuses inputs that are not of one batch, of every signature; what fits passes."""
    signatures = tf.saved_model.load(str(directory)).signatures
    noise = np.float32(0.1 * np.random.default_rng(0).standard_normal((1, *shape)))
    inputs = {name: noise for name in names} | {"lengths": np.full(1, shape[0], "int32")}
    assert all(len(x) == 1 for x in signatures["lengths"](**{k: tf.constant(x) for k, x in inputs.items()}).values())
    for unlike in unlike_batches(inputs):
        tensors = {key: tf.constant(x) for key, x in unlike.items()}
        with pytest.raises(tf.errors.InvalidArgumentError, match="differ in (shape|their batch size)"):
            signatures["lengths"](**tensors)
        del tensors["lengths"]
        if len({x.shape for x in tensors.values()}) > 1:
            with pytest.raises(tf.errors.InvalidArgumentError, match="differ in shape"):
                signatures["serving_default"](**tensors)
    if len(names) == 2:
        files = {f"{name}_wav": tf.constant([wav(noise[0])] * count) for name, count in zip(names, (1, 3), strict=True)}
        with pytest.raises(tf.errors.InvalidArgumentError, match="reference and degraded differ in their batch size"):
            signatures["wav"](**files)


@pytest.mark.parametrize("options", [{"widths": (2, 4)}, {"widths": (4, 4), "stacked": True}])
def test_an_ensemble_takes_spectrograms(options, unlike_batches, tmp_path):
    preset.save(RandomConvEnsemble(**options, filters=8), tmp_path / "model")
    model_export = export.export(tmp_path / "model", tmp_path / "models")
    signatures = model_export["signatures"]
    assert set(signatures) == {"serving_default", "lengths"}
    assert set(signatures["lengths"]["inputs"]) == {"spectrogram", "lengths"}
    assert set(signatures["lengths"]["outputs"]) == {"features_0", "features_1", "gram_0", "gram_1"}
    check_one_batch(model_export["directory"], ["spectrogram"], unlike_batches, shape=(200, 257))


def test_lengths_keep_a_score_right_whatever_the_padding(metric, pair):
    expected = load("quality-net-lite-stoi-16k").score(*pair, sample_rate=16000)[0]
    short = [x[:20000] for x in pair]
    rng = np.random.default_rng(0)
    for padding in (0.0, 0.7, np.nan, None):  # TF Serving pads with a tensor's first value
        noise = rng.standard_normal(len(pair[0]) - 20000) if padding is None else padding
        padded = [np.stack([x, np.r_[y, np.broadcast_to(noise, len(x) - 20000)]]) for x, y in zip(pair, short)]
        arrays = [x.astype("float32") for x in padded]
        lengths = np.array([len(pair[0]), 20000], "int32")
        scores = metric["lengths"](**dict(zip(PAIR, arrays)), lengths=lengths)["stoi"].numpy()
        alone = metric["serving_default"](**{k: x[None] for k, x in zip(PAIR, short)})["stoi"].numpy()[0]
        np.testing.assert_allclose(scores, [expected, alone], atol=1e-4)


def test_lengths_beyond_the_samples_are_those_of_the_samples(metric, pair):
    arrays = {name: x[None, :7000].astype("float32") for name, x in zip(PAIR, pair)}
    assert np.isnan(metric["lengths"](**arrays, lengths=np.array([9000], "int32"))["stoi"].numpy()).all()
    arrays = {name: x[None, :9000].astype("float32") for name, x in zip(PAIR, pair)}
    expected = metric["serving_default"](**arrays)["stoi"].numpy()
    np.testing.assert_array_equal(metric["lengths"](**arrays, lengths=np.array([99000], "int32"))["stoi"], expected)


def test_what_has_no_score_is_nan(metric, pair):
    reference, degraded = (np.stack([x, 0 * x]).astype("float32") for x in pair)
    scores = metric["serving_default"](reference=reference, degraded=degraded)["stoi"].numpy()
    assert np.isfinite(scores[0]) and np.isnan(scores[1])
    short = metric["lengths"](reference=reference, degraded=degraded, lengths=np.array([7999, 8000], "int32"))
    assert np.isnan(short["stoi"].numpy()).tolist() == [True, True]  # short, and silent
    tiny = metric["serving_default"](reference=reference[:, 4000:4100], degraded=degraded[:, 4000:4100])
    assert np.isnan(tiny["stoi"].numpy()).all()


def test_wav_files_are_scored_as_waveforms_are(metric, pair):
    files = [[wav(x), wav(x[:9000])] for x in pair]
    scores = metric["wav"](reference_wav=tf.constant(files[0]), degraded_wav=tf.constant(files[1]))["stoi"].numpy()
    model = load("quality-net-lite-stoi-16k")
    expected = [model.score(*(x[:count] for x in pair), sample_rate=16000)[0] for count in (None, 9000)]
    np.testing.assert_allclose(scores, expected, atol=1e-3)


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda x: wav(x, 8000), "degraded: the model takes 16000 Hz; resample the file"),
        (lambda x: wav(np.stack([x, x], axis=1)), "degraded: the file has several channels"),
        (lambda x: wav(x[:-1]), "degraded and reference differ in length"),
        (lambda x: b"no file", "Header mismatch"),
        (lambda x: wav(x, subtype="FLOAT"), "Bad audio format"),
    ],
)
def test_wrong_files_are_errors_with_a_message(metric, pair, change, says):
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        metric["wav"](reference_wav=tf.constant([wav(pair[0])]), degraded_wav=tf.constant([change(pair[1])]))


def test_a_version_is_never_replaced_and_nothing_is_left_behind(tmp_path, monkeypatch):
    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    (tmp_path / "models" / "1").mkdir(parents=True)
    with pytest.raises(InputError, match="1: exists; give another version"):
        export.export(tmp_path / "model", tmp_path / "models")
    with pytest.raises(InputError, match="positive integer"):
        export.export(tmp_path / "model", tmp_path / "models", version=0)
    expected = ServingModel._expected
    monkeypatch.setattr(
        ServingModel, "_expected", lambda *of: {name: 1.01 * value for name, value in expected(*of).items()}
    )
    with pytest.raises(InputError, match="serving_default/enhanced differs from the Keras model's"):
        export.export(tmp_path / "model", tmp_path / "others")
    assert not (tmp_path / "others").exists()


def test_what_the_check_says_is_the_error(tmp_path, real_probe, monkeypatch):
    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    monkeypatch.setattr(export, "_PROBE", tmp_path / "none.py")
    with pytest.raises(InputError, match="the exported model fails: .*can't open file .*none.py"):
        export.export(tmp_path / "model", tmp_path / "models")
    assert not (tmp_path / "models").exists()


@pytest.mark.slow
def test_xla_compiles_to_the_same(metric, pair, tmp_path):
    export.export("quality-net-lite-stoi-16k", tmp_path / "xla", xla=True)
    plain, compiled = metric, tf.saved_model.load(str(tmp_path / "xla" / "1")).signatures
    assert set(compiled) == {"serving_default", "lengths"}

    def must_compile(signatures):
        nodes = signatures["lengths"].graph.as_graph_def().library.function
        return any(function.attr["_XlaMustCompile"].b for function in nodes)

    assert must_compile(compiled) and not must_compile(plain)
    arrays = {name: x[None, :12345].astype("float32") for name, x in zip(PAIR, pair)}
    expected = plain["serving_default"](**arrays)["stoi"]
    np.testing.assert_allclose(compiled["serving_default"](**arrays)["stoi"], expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blstm", "dnn", "separator", "spectral jnd", "context"])
def test_xla_compiles_every_kind_of_layer(name, tmp_path):
    preset.save(MODELS[name][0](), tmp_path / "model")
    assert set(export.export(tmp_path / "model", tmp_path / "models", xla=True)["signatures"]) == {
        "serving_default",
        "lengths",
    }


@pytest.mark.slow
def test_the_command(tmp_path, real_probe, monkeypatch, capsys):
    """With the check as a process of its own, as everywhere outside of tests."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert cli.main(["export", "quality-net-lite-stoi-16k", str(tmp_path / "stoi"), "--version", "2"]) == 0
    out = capsys.readouterr().out
    assert "MB" in out and "  lengths: degraded, lengths, reference -> stoi" in out
    assert (tmp_path / "stoi" / "2" / "saved_model.pb").is_file()
    assert cli.main(["export", "quality-net-lite-stoi-16k", str(tmp_path / "stoi"), "--version", "0"]) == 2
    assert "give a positive integer" in capsys.readouterr().err
