"""The plain PyTorch loop raises true PESQ of speech that it did not train on."""

import keras
import pytest


@pytest.mark.on_torch
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="is of PyTorch")
def test_true_pesq_of_held_back_speech_rises():
    from examples.train_with_pytorch import main

    before, after = main(steps=40)
    assert after > before + 0.05
