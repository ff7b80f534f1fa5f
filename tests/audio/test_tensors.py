"""Waveforms as tensors: one rule of rank, equal shapes and scale, in a graph as far as shapes are known."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.audio import tensors
from zoo.errors import InputError

WAVE = np.full((2, 9), 0.5, "float32")


def symbol(*shape):
    return keras.KerasTensor(shape)


def test_a_last_axis_of_1_is_dropped():
    for reference in (WAVE, WAVE[..., None], ops.convert_to_tensor(WAVE[..., None])):
        for estimate in (WAVE, WAVE[..., None]):
            for x in tensors.waveform_pair(reference, estimate):
                np.testing.assert_array_equal(x, WAVE)
    assert tensors.without_channel(symbol(None, None, 1)).shape == (None, None)


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [
        (WAVE[:, None], WAVE[:, None]),
        (WAVE, WAVE[:, None]),
        (WAVE, WAVE[:, :-1]),
        (WAVE, WAVE[:1]),
        (WAVE[0], WAVE[0]),
        (symbol(None, 1, 9), symbol(None, 1, 9)),
        (symbol(None, 9), symbol(None, 8)),
        (symbol(None, None, None), symbol(None, None)),
        (
            symbol(
                None,
            ),
            symbol(
                None,
            ),
        ),
    ],
)
def test_other_shapes_are_refused(reference, estimate):
    with pytest.raises(
        InputError, match=r"reference has shape .* and estimate has shape .*give \(batch, samples\), of"
    ):
        tensors.waveform_pair(reference, estimate)


def test_sizes_that_are_not_known_yet_are_no_error():
    tensors.waveform_pair(symbol(None, 9000), symbol(2, None), symbol(None))
    tensors.check_shapes({"reference": symbol(None, 9000), "estimate": symbol(2, None)}, "(batch, samples)", 2)


@pytest.mark.parametrize(
    "lengths", [np.array([9]), np.array(9), np.ones((2, 2)), [9, 9, 9], symbol(3), symbol(None, 1)]
)
def test_lengths_of_another_batch_are_refused(lengths):
    tensors.waveform_pair(WAVE, WAVE, [9, 5])
    with pytest.raises(InputError, match=r"lengths has shape .*; give 2 integers, one a recording"):
        tensors.waveform_pair(WAVE, WAVE, lengths)


def test_the_reference_must_be_scaled_outside_a_graph():
    tensors.waveform_pair(WAVE, 900.5 * WAVE)
    for loud in (900.5 * WAVE, ops.convert_to_tensor(900.5 * WAVE)):
        with pytest.raises(InputError, match="divide 16-bit samples by 32768"):
            tensors.waveform_pair(loud, WAVE)


def test_in_a_graph_there_is_no_check_of_the_scale():
    model = keras.Sequential([keras.Input((9,)), keras.layers.Rescaling(1.0)])
    model.compile(
        "sgd", loss=lambda reference, estimate: ops.mean(tensors.waveform_pair(reference, estimate)[0], axis=1)
    )
    assert model.evaluate(WAVE, 900.5 * WAVE, verbose=0) == pytest.approx(450.25)


def test_an_array_of_microphones_is_no_batch():
    """Eager and in a graph alike, as soundfile has it: 16000 recordings of 8 samples are none."""
    microphones = np.zeros((16000, 8), "float32")
    for x in (microphones, ops.convert_to_tensor(microphones), symbol(16000, 8)):
        with pytest.raises(InputError, match=r"\(16000, 8\) looks like \(samples, channels\).*audio\.T"):
            tensors.waveform_pair(x, x)
    tensors.waveform_pair(symbol(None, 8), symbol(16000, None))  # in a graph as far as shapes are known
    tensors.waveform_pair(microphones[:64], microphones[:64])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends know all shapes")
@pytest.mark.parametrize(
    ("reference", "estimate", "lengths"), [((1, 9), (3, 9), 3), ((3, 9), (3, 1), 3), ((3, 9), (3, 9), 1)]
)
def test_a_graph_compares_shapes_that_it_learns_when_it_runs(reference, estimate, lengths):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None))] * 2 + [tf.TensorSpec((None,), "int32")])
    def shape(reference, estimate, lengths):
        tensors.check_waveforms({"reference": reference, "estimate": estimate}, lengths)
        return tf.shape(reference * estimate)

    assert shape(tf.ones((3, 9)), tf.ones((3, 9)), tf.ones(3, "int32")).numpy().tolist() == [3, 9]
    with pytest.raises(tf.errors.InvalidArgumentError, match="reference and (estimate|lengths) differ in"):
        shape(tf.ones(reference), tf.ones(estimate), tf.ones(lengths, "int32"))
