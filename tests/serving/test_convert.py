"""Files for TensorFlow Lite and ONNX Runtime: which runtime runs which network alone, and that they give the same."""

import os
import sys

import keras
import numpy as np
import pytest

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
from zoo.texture.classifier import SoundClassifier
from zoo.texture.model import RandomConvEnsemble

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports on TensorFlow", allow_module_level=True)

import tensorflow as tf

from zoo.serving import convert
from zoo.serving.signatures import ServingModel

PAIR = ("reference", "degraded")
MODELS = {
    "quality-net": QualityNet,
    "quality-net-lite": lambda: QualityNetLite(convolutions=((8, 1, 2), (8, 2, 2)), bands=24),
    "jnd": lambda: JND(channels=(4,) * 4),
    "spectral jnd": lambda: SpectralJND(channels=(4, 8), bands=32),
    "quality jnd": lambda: QualityJND(channels=(4, 8), bands=32),
    "context": lambda: ContextAggregationEnhancer(depth=4, channels=8),
    "blstm": lambda: BLSTMEnhancer(units=8, hidden=8),
    "dnn": lambda: DNNEnhancer(units=8),
    "separator": separator,
    "classifier": lambda: SoundClassifier(["rain", "wind"], channels=(8, 8)),
    "ensemble": lambda: RandomConvEnsemble(widths=(2, 4), filters=8),
}
LISTS = {"TensorListReserve", "TensorListSetItem", "TensorListStack"}  # what TensorFlow Lite lacks of a recurrent layer
FLEX = tf.__version__.startswith("2.17.")  # 2.21's interpreter cannot run them


@pytest.fixture(scope="module")
def pair():
    data = REPOSITORY / "zoo" / "data" / "audio"
    return [io.read(data / f"speech_{kind}.flac")[0] for kind in PAIR]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name == "dnn" else pytest.mark.slow) for name in MODELS],
)
def test_every_kind_of_model_is_converted_and_checked(name, unlike_batches, tmp_path):
    model = MODELS[name]()
    shape = (200, 257) if name == "ensemble" else (9000,)
    noise = np.float32(0.1 * np.random.default_rng(0).standard_normal((1, *shape)))
    inputs = {key: noise for key in model.serving_inputs} | {"lengths": np.full(1, shape[0], "int32")}
    preset.save(model, tmp_path / "model")
    if name == "blstm" and not FLEX:
        with pytest.raises(InputError, match="does not run the file: Select TensorFlow op"):
            convert.convert(tmp_path / "model", tmp_path / "model.tflite", "tflite")
    else:
        made = convert.convert(tmp_path / "model", tmp_path / "model.tflite", "tflite")
        assert set(made["needs"]) == (LISTS if name == "blstm" else set())
        for unlike in unlike_batches(inputs):  # a fresh interpreter each: one that failed is of no more use
            runner = tf.lite.Interpreter(model_path=str(made["path"])).get_signature_runner("lengths")
            with pytest.raises(RuntimeError, match="RESHAPE|PACK"):
                runner(**unlike)
    assert (tmp_path / "model.tflite").exists() == (name != "blstm" or FLEX)
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    made = convert.convert(tmp_path / "model", tmp_path / "model.onnx", "onnx")
    assert made["needs"] == [] and 0 < made["megabytes"] < 20
    session = onnxruntime.InferenceSession(made["path"], providers=["CPUExecutionProvider"])
    assert all(len(x) == 1 for x in session.run(None, inputs))
    for unlike in unlike_batches(inputs):
        with pytest.raises(
            onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="cannot be reshaped|dimensions must match"
        ):
            session.run(None, unlike)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_bundled_metric_gives_its_score_on_a_phone(pair, tmp_path):
    convert.convert("quality-net-lite-stoi-16k", tmp_path / "stoi.tflite", "tflite")
    interpreter = tf.lite.Interpreter(model_path=str(tmp_path / "stoi.tflite"))
    inputs = {name: x[None, :20000] for name, x in zip(PAIR, pair, strict=True)}
    score = interpreter.get_signature_runner("serving_default")(**inputs)["stoi"]
    expected = load("quality-net-lite-stoi-16k").score(*inputs.values(), sample_rate=16000)
    np.testing.assert_allclose(score, expected, atol=1e-4)
    padded = {name: np.pad(x, ((0, 0), (0, 3000)), constant_values=np.nan) for name, x in inputs.items()}
    runner = interpreter.get_signature_runner("lengths")
    np.testing.assert_allclose(runner(**padded, lengths=np.array([20000], "int32"))["stoi"], expected, atol=1e-4)
    assert np.isnan(runner(**{name: 0 * x for name, x in inputs.items()}, lengths=np.array([20000], "int32"))["stoi"])


@pytest.mark.slow
def test_a_bundled_enhancer_gives_its_sound_in_onnx(pair, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    convert.convert("dnn-mse-16k", tmp_path / "dnn.onnx", "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "dnn.onnx", providers=["CPUExecutionProvider"])
    noisy = np.stack([pair[1][:20001], np.r_[pair[1][:15000], np.full(5001, 0.5)]]).astype("float32")
    (enhanced,) = session.run(["enhanced"], {"waveform": noisy, "lengths": np.array([20001, 15000], "int32")})
    expected = load("dnn-mse-16k").enhance(noisy, 16000, lengths=np.array([20001, 15000]))
    np.testing.assert_allclose(enhanced, expected, atol=1e-4)


def test_what_a_converter_says_is_said(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no such operation\nat some place")

    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_saved_model", fail)
    with pytest.raises(InputError, match="the converter does not take .*model: no such operation$"):
        convert.convert(tmp_path / "model", tmp_path / "model.tflite", "tflite")


def test_what_an_interpreter_does_not_run_is_refused(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("Select TensorFlow op(s) are not supported\nNode number 3")

    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    monkeypatch.setattr(tf.lite.Interpreter, "get_signature_runner", fail)
    with pytest.raises(InputError, match=r"does not run the file: Select TensorFlow op\(s\) are not supported$"):
        convert.convert(tmp_path / "model", tmp_path / "model.tflite", "tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_nothing_is_left_of_what_fails(tmp_path, monkeypatch):
    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    (tmp_path / "model.tflite").touch()
    with pytest.raises(InputError, match="model.tflite: exists; give another name"):
        convert.convert(tmp_path / "model", tmp_path / "model.tflite", "tflite")
    with pytest.raises(InputError, match="no such folder"):
        convert.convert(tmp_path / "model", tmp_path / "no" / "model.tflite", "tflite")
    expected = ServingModel._expected
    monkeypatch.setattr(
        ServingModel, "_expected", lambda *of: {name: 1.01 * value for name, value in expected(*of).items()}
    )
    with pytest.raises(InputError, match="serving_default/enhanced differs from the Keras model's"):
        convert.convert(tmp_path / "model", tmp_path / "other.tflite", "tflite")
    assert not list(tmp_path.glob("*other*"))


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    preset.save(DNNEnhancer(units=8), tmp_path / "model")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(InputError, match=r'tf2onnx is not installed: pip install "audio-zoo\[onnx\]"'):
        convert.convert(tmp_path / "model", tmp_path / "model.onnx", "onnx")


@pytest.mark.skipif(not FLEX, reason="this TensorFlow's interpreter has no Flex delegate")
@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    preset.save(BLSTMEnhancer(units=8, hidden=8), tmp_path / "model")
    arguments = ["export", f"{tmp_path}/model/", str(tmp_path / "blstm.tflite"), "--format", "tflite"]
    assert cli.main(arguments) == 0
    assert "  runs with the Flex delegate only, for TensorListReserve" in capsys.readouterr().out
    assert cli.main([*arguments, "--version", "2"]) == 2
    assert "leave them out with --format tflite" in capsys.readouterr().err
