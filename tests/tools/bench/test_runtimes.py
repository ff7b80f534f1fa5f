"""Benchmark of runtimes: a command's own time and memory, not those of the process that starts it."""

import numpy as np

from tools.bench import runtimes


def test_a_process_is_measured_by_itself():
    held = np.ones(40_000_000)  # 320 MB of this process
    seconds, megabytes = runtimes.score("onnx")
    assert 0 < seconds and 30 < megabytes < 300 < held.nbytes / 1e6
