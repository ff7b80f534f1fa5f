"""Timing of trainings: what the stopwatch in place of `fit` compares."""

import keras
import numpy as np
import pytest

from tools.bench import training


def test_a_training_is_timed_from_pipeline_to_peak(monkeypatch):
    monkeypatch.setattr(training, "PEAK", 8)
    model, batches = keras.Sequential([keras.layers.Dense(1)]), [(np.ones((4, 3)), np.ones((4, 1)))] * 5
    model.compile("sgd", "mse", jit_compile=False)
    model.build((None, 3))
    with pytest.raises(training.Measured) as measured:
        training.Stopwatch(name="dense", steps=3, repeats=1).fit(model, batches, None, [], 1)
    (results,) = measured.value.args
    assert [(one["ours"], one["peer"]) for one in results[:2]] == [("pipeline", "ready"), ("compiled", "eager")]
    assert all(one["seconds"][0] > 0 for one in results) and results[0]["job"] == "3 training steps of `dense`"
