"""Streams of a causal enhancer on one core, by each runtime: writes results/streaming.json.

    taskset -c 0 python tools/bench/streaming.py

A real-time factor is the time that a block takes over the block's own length: 0.05 leaves 95 % of the core to others.
onnxruntime is `zoo.enhancement.stream.Stream`; the SavedModel and TensorFlow Lite run the signature `stream`, as TF
Serving and a phone do. Blocks are of one hop, 16 ms, and by the first two also of eight.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np
import tensorflow as tf

import zoo
from tools.bench import common
from zoo.enhancement.stream import Stream
from zoo.serving import convert, export


def by_onnxruntime(name: str) -> Callable:
    """A function that pushes a block, float32 (samples,), through a stream."""
    return Stream(zoo.load(name, runtime="onnx")).push


def by_signature(call: Callable, size: int) -> Callable:
    """The same of a signature `stream`, whose state of `size` numbers goes from call to call."""
    state = np.zeros((1, size), "float32")

    def push(block):
        nonlocal state
        state = call(block=block[None], state=state)["state"]

    return push


def real_time_factors(push: Callable, block: np.ndarray, seconds: float, sample_rate: int) -> np.ndarray:
    """Time over length of each block of some seconds, float64 (blocks,), after a warm-up of as many."""
    times = []
    for _ in range(2 * int(seconds * sample_rate / len(block))):
        start = time.perf_counter()
        push(block)
        times.append(time.perf_counter() - start)
    return np.array(times[len(times) // 2 :]) * sample_rate / len(block)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="qrnn-16k", help="causal enhancer (default: qrnn-16k)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of sound that are timed (default: 10)")
    options = parser.parse_args()
    model, name = zoo.load(options.checkpoint), options.checkpoint
    with tempfile.TemporaryDirectory() as folder:
        saved = export.export(name, f"{folder}/served")
        served = tf.saved_model.load(str(saved["directory"])).signatures["stream"]
        file = convert.convert(name, Path(folder) / "model.tflite", "tflite")["path"]
        lite = tf.lite.Interpreter(model_path=str(file), num_threads=1)
        runtimes = {
            "onnxruntime": (by_onnxruntime(name), (1, 8)),
            "SavedModel": (by_signature(_on_tensors(served), model.state_size), (1, 8)),
            "TensorFlow Lite": (by_signature(lite.get_signature_runner("stream"), model.state_size), (1,)),
        }
        rows = []
        for runtime, (push, hops) in runtimes.items():
            for count in hops:
                block = common.speech(count * model.hop_length / model.sample_rate, model.sample_rate)
                factors = real_time_factors(push, block, options.seconds, model.sample_rate)
                quartiles = [float(f"{x:.3g}") for x in np.percentile(factors, (50, 25, 75, 99))]
                rows.append({"runtime": runtime, "block_ms": round(1000 * len(block) / model.sample_rate)})
                rows[-1] |= dict(zip(("factor", "low", "high", "percentile_99"), quartiles, strict=True))
                print(
                    "{runtime}, {block_ms} ms: {factor} [{low}, {high}], 99 % below {percentile_99}".format(**rows[-1])
                )
    common.save("streaming", {"checkpoint": name, "rows": rows})


def _on_tensors(signature):
    """A signature of TensorFlow as a function of arrays."""
    return lambda **arrays: signature(**{key: tf.convert_to_tensor(value) for key, value in arrays.items()})


if __name__ == "__main__":
    main()
