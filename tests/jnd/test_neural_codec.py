"""Lyra runs frame by frame on whatever networks its folder has."""

import tempfile

import numpy as np
import pytest

from zoo.jnd.neural_codec import Lyra

tensorflow = pytest.importorskip("tensorflow")


def network(path, functions):
    """Write a TensorFlow Lite network with a signature for each function."""
    module = tensorflow.Module()
    for name, function in functions.items():
        setattr(module, name, function)
    with tempfile.TemporaryDirectory() as saved:
        tensorflow.saved_model.save(module, saved, functions)
        path.write_bytes(tensorflow.lite.TFLiteConverter.from_saved_model(saved, list(functions)).convert())


def spec(*shape, dtype="float32"):
    return tensorflow.TensorSpec(shape, dtype)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Networks of the codec's shapes: features are 64 means of 5 samples; after the quantizer, how many it has."""
    folder = tmp_path_factory.mktemp("lyra")
    encode = tensorflow.function(
        lambda x: tensorflow.reshape(tensorflow.reduce_mean(tensorflow.reshape(x, (64, 5)), 1), (1, 1, 64)),
        input_signature=[spec(1, 320)],
    )
    decode = tensorflow.function(
        lambda x: tensorflow.reshape(tensorflow.repeat(x, 5, axis=2), (1, 320)), input_signature=[spec(1, 1, 64)]
    )
    count = tensorflow.function(
        lambda input_frames, num_quantizers: {"output_0": tensorflow.fill((46, 1, 1), num_quantizers)},
        input_signature=[spec(1, 1, 64), spec(dtype="int32")],
    )
    features = tensorflow.function(
        lambda encoding_indices: {
            "output_0": tensorflow.zeros((1, 1, 64)) + tensorflow.cast(encoding_indices[0], "float32")
        },
        input_signature=[spec(46, 1, 1, dtype="int32")],
    )
    network(folder / "soundstream_encoder.tflite", {"serving_default": encode})
    network(folder / "quantizer.tflite", {"encode": count, "decode": features})
    network(folder / "lyragan.tflite", {"serving_default": decode})
    return folder


def test_without_the_quantizer_frames_go_through_encoder_and_decoder(folder):
    speech = np.random.default_rng(0).standard_normal(1000).astype("float32")
    means = np.pad(speech, (0, 280)).reshape(-1, 5).mean(axis=1)
    np.testing.assert_allclose(Lyra(folder)(speech, None), np.repeat(means, 5)[:1000], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kbps", "quantizers"), [(3.2, 16), (6.0, 30), (9.2, 46)])
def test_a_bit_rate_is_a_number_of_quantizers(folder, kbps, quantizers):
    np.testing.assert_array_equal(Lyra(folder)(np.ones(700, "float32"), kbps), np.full(700, quantizers))
