"""What the benchmarks share, and the table of speed that the README has of them."""

import json

import keras
import make_cards
import numpy as np
import pytest
import tensorflow as tf
from bench import common


def test_pairs_are_speech_and_the_same_in_noise():
    reference, degraded = common.pairs(3, 0.5, 16000)
    assert reference.shape == degraded.shape == (3, 8000) and reference.dtype == degraded.dtype == np.float32
    snr = 10 * np.log10(np.sum(reference**2, axis=1) / np.sum((degraded - reference) ** 2, axis=1))
    assert (-0.1 < snr).all() and (snr < 30.1).all()
    np.testing.assert_array_equal(common.pairs(3, 0.5, 16000)[1], degraded)
    assert common.speech(20, 16000).shape == (320000,)


def test_calls_take_turns_and_the_second_of_two_counts(monkeypatch):
    called, clock = [], iter([0.0, 2.0, 10.0, 13.0] * 3)
    monkeypatch.setattr(common.time, "perf_counter", lambda: called.append("clock") or next(clock))
    monkeypatch.setattr(common.time, "sleep", lambda seconds: called.append("pause"))
    took = common.in_turns({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, repeats=3)
    assert called == [*("pause", "a", "clock", "a", "clock"), *("pause", "b", "clock", "b", "clock")] * 3
    assert (took["a"] == 2).all() and (took["b"] == 3).all()
    assert {name: seconds.shape for name, seconds in took.items()} == {"a": (3,), "b": (3,)}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it counts what TensorFlow runs")
def test_products_and_convolutions_are_counted():
    convolution, dense, x = keras.layers.Conv2D(3, 5, 2), keras.layers.Dense(7), np.ones((2, 21, 11, 4), "float32")

    def step():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(dense(convolution(x)))
        tape.gradient(total, [*convolution.weights, *dense.weights])

    convolution.build(x.shape)
    dense.build((2, 9, 4, 3))
    positions = 2 * 9 * 4
    forward = 2 * positions * (5 * 5 * 4 * 3 + 3 * 7)
    # The gradient in both kernels, and in the dense layer's input; the convolution's is a constant.
    assert common.count_operations(step) == 2 * forward + 2 * positions * 3 * 7


def test_the_share_is_that_of_each_round():
    took = {"ours": np.array([1.0, 2.0, 30.0]), "peer": np.array([10.0, 10.0, 100.0])}
    found = common.compare("a job", took, "ours", "peer", 0.5)
    assert found["share"] == pytest.approx([0.2, 0.15, 0.25])
    assert (found["seconds"][0], found["peer_seconds"][0], found["n"], found["reach"]) == (2.0, 10.0, 3, 0.5)


def test_results_are_told_in_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    took = {"ours": np.array([1.0, 2.0]), "peer": np.array([10.0, 10.0])}
    common.write("startup", [common.compare("a job", took, "ours", "peer", 0.5)])
    assert capsys.readouterr().out == "a job: 0.15 [0.125, 0.175] of the time of peer, aim 0.5\n"
    (path,) = tmp_path.iterdir()
    assert path.name == ("startup.json" if keras.backend.backend() == "tensorflow" else "startup-jax.json")
    found = json.loads(path.read_text())
    assert {"command", "commit", "machine", "processor", "threads", "set", "versions", "results"} == set(found)
    lines = make_cards.speed(tmp_path).splitlines()
    assert lines[2] == "| a job | ours, 1.5 s | peer, 10 s | 0.15 [0.125, 0.175] | 0.5 |"
    common.write("startup", [common.compare("a job", took, "ours", "peer", None)])
    assert capsys.readouterr().out == "a job: 0.15 [0.125, 0.175] of the time of peer\n"
    assert make_cards.speed(tmp_path).splitlines()[2].endswith(" | - |")
    assert lines[-1].startswith("- ") and lines[-1].endswith(f"`{found['command']}`")
    assert make_cards.speed(tmp_path / "none") == ""
