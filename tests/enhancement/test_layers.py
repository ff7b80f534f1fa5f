"""The recurrent layer of enhancers, by one operation, beside Keras's own loops."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from tests.support.harness import REPOSITORY
from zoo import backend
from zoo.enhancement.layers import Bidirectional
from zoo.enhancement.model import BLSTMEnhancer

if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras's own layer elsewhere", allow_module_level=True)

import tensorflow as tf

if tf.config.get_visible_devices("GPU"):
    pytest.skip("cuDNN's layer there", allow_module_level=True)


def bidirectional(cls=Bidirectional, dtype=None, activation="tanh", merge_mode="concat"):
    options = {"return_sequences": True, "activation": activation, "dtype": dtype}
    ahead, back = (layers.LSTM(5, go_backwards=turned, **options) for turned in (False, True))
    return cls(ahead, merge_mode, backward_layer=back, dtype=dtype)


def network(seed=0):
    """A layer with biases that no gate shares."""
    keras.utils.set_random_seed(seed)
    layer = bidirectional()
    layer.build((None, None, 3))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])
    return layer


def batch(lengths, time):
    sequences = np.random.default_rng(1).standard_normal((len(lengths), time, 3), "float32")
    return tf.constant(sequences), tf.sequence_mask(lengths, time)


def outputs_and_gradients(layer, sequences, mask):
    weights = [weight.value for weight in layer.trainable_weights]
    upstream = np.random.default_rng(2).standard_normal((*sequences.shape[:2], 10), "float32")

    def compute(sequences, mask):
        with tf.GradientTape() as tape:
            tape.watch(sequences)
            outputs = layer(sequences, mask=mask)
            loss = tf.reduce_sum(upstream * outputs)
        return [outputs, *tape.gradient(loss, [sequences, *weights])]

    return compute(sequences, mask), tf.function(compute)(sequences, mask)


def names_of_operations(function):
    graph = tf.function(function).get_concrete_function().graph.as_graph_def()
    return {node.op for node in [*graph.node, *(node for one in graph.library.function for node in one.node_def)]}


@pytest.mark.parametrize(("lengths", "time"), [([7, 7], 7), ([9, 4, 1, 0], 9), ([1], 1)])
def test_values_and_gradients_are_those_of_keras(lengths, time):
    layer, (sequences, mask) = network(), batch(lengths, time)
    actual = outputs_and_gradients(layer, sequences, mask)
    with backend.portable_operations():
        expected, _ = outputs_and_gradients(layer, sequences, mask)
    assert len(expected) == 8
    for ours in actual:  # run by operation, and as a graph
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.abs(other).max(initial=1))


def test_padding_may_hold_nan():
    layer, (sequences, mask) = network(), batch([5, 2], 5)
    padded = tf.where(mask[:, :, None], sequences, np.nan)
    np.testing.assert_array_equal(layer(padded, mask=mask), layer(sequences, mask=mask))


def test_weights_are_where_keras_has_them(tmp_path):
    inputs, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    recurrent = [bidirectional(cls) for cls in (layers.Bidirectional, Bidirectional)]
    theirs, ours = (keras.Model([inputs, mask], layer(inputs, mask=mask)) for layer in recurrent)
    theirs.save_weights(tmp_path / "network.weights.h5")
    ours.load_weights(tmp_path / "network.weights.h5")
    sequences, mask = batch([6, 2], 6)
    np.testing.assert_allclose(ours([sequences, mask]), theirs([sequences, mask]), atol=1e-6)


def test_it_is_one_operation_in_inference_alone():
    layer, (sequences, mask) = network(), batch([6, 2], 6)
    half, relu, summed = (
        bidirectional(dtype="float16"),
        bidirectional(activation="relu"),
        bidirectional(merge_mode="sum"),
    )
    assert "BlockLSTMV2" in names_of_operations(lambda: layer(sequences, mask=mask))
    for other in (
        lambda: layer(sequences, mask=mask, training=True),
        lambda: layer(sequences),
        lambda: layer(sequences, mask=mask, initial_state=[tf.ones((2, 5))] * 4),
        lambda: half(sequences, mask=mask),
        lambda: relu(sequences, mask=mask),
        lambda: summed(sequences, mask=mask),
    ):
        assert "BlockLSTMV2" not in names_of_operations(other)
    with backend.portable_operations():
        assert "BlockLSTMV2" not in names_of_operations(lambda: layer(sequences, mask=mask))


def test_a_saved_model_has_it_and_its_gradient(tmp_path):
    layer, (sequences, mask) = network(), batch([6, 2], 6)
    module = tf.Module()
    module.call = tf.function(lambda x: layer(x, mask=mask), input_signature=[tf.TensorSpec((None, None, 3))])
    module.weights = [weight.value for weight in layer.weights]
    tf.saved_model.save(
        module, tmp_path / "saved", options=tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    )
    again, actual = tf.saved_model.load(tmp_path / "saved"), []
    assert "BlockLSTMV2" in names_of_operations(lambda: again.call(sequences))
    for one in (again, module):
        with tf.GradientTape() as tape:
            tape.watch(sequences)
            loss = tf.reduce_sum(one.call(sequences) ** 2)
        actual.append(tape.gradient(loss, sequences))
    np.testing.assert_allclose(*actual, atol=1e-6)


@pytest.mark.slow
def test_xla_compiles_keras_loops():
    enhancer, noisy = BLSTMEnhancer(units=4, hidden=4), np.random.default_rng(0).standard_normal((1, 4000), "float32")
    compiled = tf.function(lambda x: enhancer(x), jit_compile=True)
    np.testing.assert_allclose(compiled(noisy), enhancer(noisy), atol=1e-5)
    enhancer.compile("sgd", "mse", jit_compile=True)
    enhancer.fit(noisy, noisy, verbose=0)
    assert enhancer.predict(noisy, verbose=0).shape == (1, 4000)


@pytest.mark.slow
def test_tensorflow_does_not_complain():
    """Of an odd number of channels it does, at each call and on standard error."""
    command = "import numpy, zoo; zoo.load('blstm-mse-16k').enhance(numpy.ones(4000, 'float32'), 16000)"
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    how = {"cwd": REPOSITORY, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", command], check=True, **how)
    assert "BlockLSTM" not in done.stderr
