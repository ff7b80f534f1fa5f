"""Shared by the benchmarks: audio, timing of calls in turns, and result files.

Libraries use one thread for each core of the process; `taskset -c 0 python tools/bench/...` limits them to one core.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

import zoo
from zoo.audio import io, mix
from zoo.base.files import atomic_write
from zoo.checkpoint import provenance

RESULTS = Path(__file__).resolve().parent / "results"
PEERS = ("torch", "speechbrain", "asteroid", "torch-pesq", "cdpam", "visqol-python", "openunmix")
WARM_UP = 0.3  # seconds


def speech(seconds: float, sample_rate: int) -> np.ndarray:
    """The bundled speech, repeated, float32 (samples,)."""
    recording, _ = io.read(zoo.examples()["reference"], sample_rate, resample=True)
    samples = int(seconds * sample_rate)
    return np.tile(recording, 1 + samples // len(recording))[:samples]


def pairs(count: int, seconds: float, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Segments of speech, and the same in pink noise at 0 to 30 dB SNR: float32 (count, samples) each."""
    rng, samples = np.random.default_rng(0), int(seconds * sample_rate)
    recording = speech(4 * seconds, sample_rate)
    reference = np.stack([recording[start : start + samples] for start in rng.integers(3 * samples, size=count)])
    noise = [mix.colored_noise(samples, 1.0, rng) for _ in reference]
    noisy = [mix.mix_at_snr(*pair, snr) for *pair, snr in zip(reference, noise, rng.uniform(0, 30, count), strict=True)]
    return reference, np.stack(noisy).astype("float32")


def in_turns(calls: dict[str, Callable], repeats: int, timed: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Time several calls in turns, so that other load on the machine affects all of them alike.

    In its turn a call is repeated for 0.3 s, at least once, and the next repetition is timed: then its code is compiled, its
    threads are awake and its data are in the caches, as in a loop of its own.

    Args:
        calls: {name: function without arguments}.
        repeats: rounds.
        timed: names of calls that return their own time in seconds.

    Returns:
        {name: float64 (repeats,) seconds}.
    """
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            warm_end = time.perf_counter() + WARM_UP
            while True:
                call()
                start = time.perf_counter()
                if start >= warm_end:
                    break
            result = call()
            seconds[name].append(result if name in timed else time.perf_counter() - start)
    return {name: np.array(times) for name, times in seconds.items()}


def count_operations(call: Callable) -> int:
    """Additions and multiplications in the matrix products and convolutions of a call that TensorFlow runs eagerly.

    Example:
        >>> import tensorflow as tf
        >>> count_operations(lambda: tf.ones((2, 3)) @ tf.ones((3, 4)))
        48
    """
    from tensorflow.python.framework import op_callbacks

    counted = 0

    def count(kind, inputs, attributes, outputs, op_name=None, graph=None):
        nonlocal counted
        if kind in ("MatMul", "BatchMatMulV2"):
            attributes = dict(zip(attributes[::2], attributes[1::2], strict=True))
            transposed = attributes["transpose_a" if kind == "MatMul" else "adj_x"]
            counted += 2 * int(np.prod(outputs[0].shape)) * inputs[0].shape[-2 if transposed else -1]
        elif kind == "Conv2D":
            counted += 2 * int(np.prod(outputs[0].shape)) * int(np.prod(inputs[1].shape[:-1]))
        elif kind == "Conv2DBackpropInput":
            counted += 2 * int(np.prod(inputs[2].shape)) * int(np.prod(inputs[1].shape[:-1]))
        elif kind == "Conv2DBackpropFilter":
            counted += 2 * int(np.prod(inputs[2].shape)) * int(np.prod(outputs[0].shape[:-1]))

    op_callbacks.add_op_callback(count)
    try:
        call()
    finally:
        op_callbacks.remove_op_callback(count)
    return counted


def compare(job: str, seconds: dict[str, np.ndarray], ours: str, peer: str, reach: float | None) -> dict:
    """Compare two timed calls: the seconds of both, and the share of the peer's time that ours takes.

    Args:
        job: description of the call.
        seconds: as of `in_turns`.
        ours, peer: names in it.
        reach: the largest share that is the aim; None for no aim.

    Returns:
        {"job", "ours", "peer", "n", "seconds", "peer_seconds", "share", "reach"}; the numbers are the median and the
        lower and upper quartile of `n` rounds, the share that of each round.
    """
    figures = {"seconds": seconds[ours], "peer_seconds": seconds[peer], "share": seconds[ours] / seconds[peer]}
    quartiles = {
        key: [float(f"{x:.4g}") for x in np.percentile(values, (50, 25, 75))] for key, values in figures.items()
    }
    return {"job": job, "ours": ours, "peer": peer, "n": len(seconds[ours]), **quartiles, "reach": reach}


def write(name: str, results: list[dict], **facts: object) -> None:
    """`save` results of `compare` and other facts, and print one line for each result."""
    save(name, {"results": results, **facts})
    for result in results:
        share, low, high = result["share"]
        aim = "" if result["reach"] is None else f", aim {result['reach']:.3g}"
        print(f"{result['job']}: {share:.3g} [{low:.3g}, {high:.3g}] of the time of {result['peer']}{aim}")


def save(name: str, content: dict) -> None:
    """Write results/<name>.json, or <name>-<backend>-gpu.json off TensorFlow and off the CPU, with the machine and versions."""
    versions, peers = provenance.versions(), {peer: _version(peer) for peer in PEERS}
    cores = sorted(os.sched_getaffinity(0))
    pinned = [] if len(cores) == os.cpu_count() else ["taskset", "-c", ",".join(map(str, cores))]
    chosen = [] if versions["backend"] == "tensorflow" else [f"KERAS_BACKEND={versions['backend']}"]
    command = " ".join([*chosen, *pinned, "python", _script(), *sys.argv[1:]])
    context = {"command": command, "commit": provenance.commit()}
    threads = {key: value for key, value in os.environ.items() if key.endswith("_THREADS")}
    machine = provenance.machine()
    context |= {"machine": machine, "processor": _processor(), "threads": len(cores), "set": threads}
    context |= {"versions": versions | {peer: version for peer, version in peers.items() if version}}
    suffix = "" if versions["backend"] == "tensorflow" else f"-{versions['backend']}"
    device = machine.split(",")[0].split()[1].lower()  # "cpu", or the accelerator, which is named first
    suffix += "" if device == "cpu" else f"-{device}"
    with atomic_write(RESULTS / f"{name}{suffix}.json") as part:
        part.write_text(json.dumps(context | content, indent=1) + "\n")


def _script():
    """The script that runs, as it is called from the repository."""
    path, repository = Path(sys.argv[0]).resolve(), RESULTS.parents[2]
    return str(path.relative_to(repository)) if path.is_relative_to(repository) else path.name


def _version(package):
    """Version of a package that this process has imported, or None."""
    return metadata.version(package) if package.replace("-", "_").removesuffix("_python") in sys.modules else None


def _processor():
    """Name of the processor, which Linux states."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
