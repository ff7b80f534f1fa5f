"""The recurrent layer of enhancers, by one operation, beside Keras's own loops."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.enhancement.layers import Bidirectional, by_loops
from zoo.enhancement.model import BLSTMEnhancer

if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras's own layer elsewhere", allow_module_level=True)

import tensorflow as tf


def network(seed=0):
    """A layer with biases that no gate shares."""
    keras.utils.set_random_seed(seed)
    layer = Bidirectional(*(layers.LSTM(5, return_sequences=True, go_backwards=back) for back in (False, True)))
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
    with tf.GradientTape() as tape:
        tape.watch(sequences)
        outputs = layer(sequences, mask=mask)
        loss = tf.reduce_sum(upstream * outputs)
    return [outputs, *tape.gradient(loss, [sequences, *weights])]


def operations(function, *inputs):
    graph = tf.function(function).get_concrete_function(*inputs).graph.as_graph_def()
    return {node.op for node in [*graph.node, *(node for one in graph.library.function for node in one.node_def)]}


@pytest.mark.parametrize("lengths", [[7, 7], [9, 4, 1, 0], [1]])
def test_values_and_gradients_are_those_of_kerass_loops(lengths):
    layer, (sequences, mask) = network(), batch(lengths, max(lengths))
    found = outputs_and_gradients(layer, sequences, mask)
    with by_loops():
        expected = outputs_and_gradients(layer, sequences, mask)
    assert len(found) == 8
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * max(1, np.abs(other).max()))
    assert not found[0][~mask.numpy()].numpy().any()


def test_weights_are_where_kerass_layer_has_them(tmp_path):
    inputs, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    pairs = [[layers.LSTM(5, return_sequences=True, go_backwards=back) for back in (False, True)] for _ in "12"]
    (own, other), path = pairs, tmp_path / "network.weights.h5"
    theirs = keras.Model([inputs, mask], layers.Bidirectional(own[0], backward_layer=own[1])(inputs, mask=mask))
    ours = keras.Model([inputs, mask], Bidirectional(*other)(inputs, mask=mask))
    theirs.save_weights(path)
    ours.load_weights(path)
    sequences, mask = batch([6, 2], 6)
    np.testing.assert_allclose(ours([sequences, mask]), theirs([sequences, mask]), atol=1e-6)


def test_it_is_one_operation_in_inference_alone():
    layer, (sequences, mask) = network(), batch([6, 2], 6)
    assert "BlockLSTMV2" in operations(lambda: layer(sequences, mask=mask))
    assert "BlockLSTMV2" not in operations(lambda: layer(sequences, mask=mask, training=True))
    assert "BlockLSTMV2" not in operations(lambda: layer(sequences))
    with by_loops():
        assert "BlockLSTMV2" not in operations(lambda: layer(sequences, mask=mask))
    half = Bidirectional(*(layers.LSTM(5, return_sequences=True, go_backwards=b, dtype="float16") for b in (False, True)), dtype="float16")
    assert "BlockLSTMV2" not in operations(lambda: half(sequences, mask=mask))


def test_a_state_is_kerass():
    layer, (sequences, mask) = network(), batch([6, 2], 6)
    state = [tf.ones((2, 5))] * 4
    found = layer(sequences, initial_state=state, mask=mask)
    assert np.abs(found - layer(sequences, mask=mask)).max() > 0.1


def test_xla_is_declined_with_a_warning():
    enhancer, noisy = BLSTMEnhancer(units=4, hidden=4), np.random.default_rng(0).standard_normal((1, 4000), "float32")
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        enhancer.compile("sgd", "mse", jit_compile=True)
    enhancer.fit(noisy, noisy, verbose=0)
    assert ops.shape(enhancer.predict(noisy, verbose=0)) == (1, 4000)
