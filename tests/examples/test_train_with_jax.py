"""The plain JAX loop raises true PESQ of speech that it did not train on."""

import keras
import pytest


@pytest.mark.on_jax
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="is of JAX")
def test_true_pesq_of_held_back_speech_rises():
    pytest.importorskip("optax")
    from examples.train_with_jax import main

    before, after = main(steps=40)
    assert after > before + 0.05
