"""What the benchmarks share, and the table of speed that the README has of them."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tools import make_cards
from tools.bench import common


def test_pairs_are_speech_and_the_same_in_noise():
    reference, degraded = common.pairs(3, 0.5, 16000)
    assert reference.shape == degraded.shape == (3, 8000) and reference.dtype == degraded.dtype == np.float32
    snr = 10 * np.log10(np.sum(reference**2, axis=1) / np.sum((degraded - reference) ** 2, axis=1))
    assert (-0.1 < snr).all() and (snr < 30.1).all()
    np.testing.assert_array_equal(common.pairs(3, 0.5, 16000)[1], degraded)
    assert common.speech(20, 16000).shape == (320000,)


def test_calls_take_turns_and_the_next_after_the_warm_ones_counts(monkeypatch):
    called, now = [], [0.0]

    def call(name, seconds):
        called.append(name)
        now[0] += seconds
        return seconds / 2

    monkeypatch.setattr(common.time, "perf_counter", lambda: now[0])
    took = common.in_turns({"slow": lambda: call("slow", 2.0), "fast": lambda: call("fast", 0.125)}, repeats=3)
    assert called == ["slow", "slow", "fast", "fast", "fast", "fast"] * 3
    assert (took["slow"] == 2).all() and (took["fast"] == 0.125).all()
    assert {name: seconds.shape for name, seconds in took.items()} == {"slow": (3,), "fast": (3,)}
    assert (common.in_turns({"own": lambda: call("own", 2.0)}, 2, timed=["own"])["own"] == 1).all()


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
    actual = common.compare("a job", took, "ours", "peer", 0.5)
    assert actual["share"] == pytest.approx([0.2, 0.15, 0.25])
    assert (actual["seconds"][0], actual["peer_seconds"][0], actual["n"], actual["reach"]) == (2.0, 10.0, 3, 0.5)


def test_results_are_told_in_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    took = {"ours": np.array([1.0, 2.0]), "peer": np.array([10.0, 10.0])}
    common.write("startup", [common.compare("a job", took, "ours", "peer", 0.5)])
    assert capsys.readouterr().out == "a job: 0.15 [0.125, 0.175] of the time of peer, aim 0.5\n"
    (path,) = tmp_path.iterdir()
    assert path.name == ("startup.json" if keras.backend.backend() == "tensorflow" else "startup-jax.json")
    actual = json.loads(path.read_text())
    assert {"command", "commit", "machine", "processor", "threads", "set", "versions", "results"} == set(actual)
    lines = make_cards.speed(tmp_path).splitlines()
    assert lines[2] == "| a job | tensorflow | ours, 1.5 s | peer, 10 s | 0.15 [0.125, 0.175] | 0.5 |"
    common.write("startup", [common.compare("a job", took, "ours", "peer", None)])
    assert capsys.readouterr().out == "a job: 0.15 [0.125, 0.175] of the time of peer\n"
    assert make_cards.speed(tmp_path).splitlines()[2].endswith(" | - |")
    assert lines[-1].startswith("- ") and lines[-1].endswith(f"`{actual['command']}`")
    assert make_cards.speed(tmp_path / "none") == ""
