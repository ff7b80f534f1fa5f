"""What the benchmarks share: audio, calls timed side by side, in turns, and their results as a file.

Libraries take a thread for each core that the process may use: `taskset -c 0 python -m tools.bench....` gives them one.
"""

import json
import os
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

import zoo
from zoo.audio import io, mix
from zoo.checkpoint import provenance
from zoo.files import atomic_write

RESULTS = Path(__file__).resolve().parent / "results"
PEERS = ("torch", "speechbrain", "asteroid", "torch-pesq", "cdpam", "visqol-python", "openunmix")
WARM = 0.3  # seconds
SPEECH = Path(zoo.__file__).resolve().parent / "data" / "audio" / "speech_reference.flac"


def speech(seconds, sample_rate):
    """float32 (samples,): the bundled speech, again and again."""
    recording, _ = io.read(SPEECH, sample_rate, resample=True)
    samples = int(seconds * sample_rate)
    return np.tile(recording, 1 + samples // len(recording))[:samples]


def pairs(count, seconds, sample_rate):
    """float32 references and degraded, (count, samples): stretches of speech, in pink noise at 0 to 30 dB SNR."""
    rng, samples = np.random.default_rng(0), int(seconds * sample_rate)
    recording = speech(4 * seconds, sample_rate)
    reference = np.stack([recording[start : start + samples] for start in rng.integers(3 * samples, size=count)])
    noise = [mix.colored_noise(samples, 1.0, rng) for _ in reference]
    noisy = [mix.mix_at_snr(*pair, snr) for *pair, snr in zip(reference, noise, rng.uniform(0, 30, count), strict=True)]
    return reference, np.stack(noisy).astype("float32")


def in_turns(calls, repeats, timed=()):
    """Time calls one after the other, again and again, so that what else the machine does falls on all of them.

    At its turn each is called for 0.3 s, once at least, and the next call counts: it finds what it compiled, its own
    threads awake and its own data in the caches, as in a loop of its own, and no longer those of another library.

    Args:
        calls: {name: function without arguments}.
        repeats: rounds.
        timed: names of the calls that return the seconds that count.

    Returns:
        {name: float64 (repeats,) seconds}.
    """
    took = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            warm = time.perf_counter() + WARM
            while True:
                call()
                start = time.perf_counter()
                if start >= warm:
                    break
            own = call()
            took[name].append(own if name in timed else time.perf_counter() - start)
    return {name: np.array(seconds) for name, seconds in took.items()}


def count_operations(call):
    """Additions and multiplications of the matrix products and convolutions of a call that TensorFlow runs by operation.

    Example:
        >>> count_operations(lambda: tf.ones((2, 3)) @ tf.ones((3, 4)))  # doctest: +SKIP
        48
    """
    from tensorflow.python.framework import op_callbacks

    counted = 0

    def count(kind, inputs, attributes, outputs, op_name=None, graph=None):
        nonlocal counted
        if kind in ("MatMul", "BatchMatMulV2"):
            attributes = dict(zip(attributes[::2], attributes[1::2], strict=True))
            turned = attributes["transpose_a" if kind == "MatMul" else "adj_x"]
            counted += 2 * int(np.prod(outputs[0].shape)) * inputs[0].shape[-2 if turned else -1]
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


def compare(job, took, ours, peer, reach):
    """A result: the seconds of both, and the share of the peer's time that ours takes.

    Args:
        job: what is done, in words.
        took: as `in_turns` gives it.
        ours, peer: names in it.
        reach: the largest share that is aimed at; None for none.

    Returns:
        {"job", "ours", "peer", "n", "seconds", "peer_seconds", "share", "reach"}; the numbers are the median and the
        lower and upper quartile of `n` rounds, the share that of each round.
    """
    found = {"seconds": took[ours], "peer_seconds": took[peer], "share": took[ours] / took[peer]}
    told = {key: [float(f"{x:.4g}") for x in np.percentile(values, (50, 25, 75))] for key, values in found.items()}
    return {"job": job, "ours": ours, "peer": peer, "n": len(took[ours]), **told, "reach": reach}


def write(name, results):
    """`save` results of `compare`, and print a line each."""
    save(name, {"results": results})
    for one in results:
        share, low, high = one["share"]
        aim = "" if one["reach"] is None else f", aim {one['reach']:.3g}"
        print(f"{one['job']}: {share:.3g} [{low:.3g}, {high:.3g}] of the time of {one['peer']}{aim}")


def save(name, found):
    """Write results/<name>.json, or <name>-<backend>-gpu.json off TensorFlow and off the CPU, with what measured it."""
    versions, peers = provenance.versions(), {peer: _version(peer) for peer in PEERS}
    cores = sorted(os.sched_getaffinity(0))
    pinned = [] if len(cores) == os.cpu_count() else ["taskset", "-c", ",".join(map(str, cores))]
    about = {"command": " ".join([*pinned, "python", *sys.argv]), "commit": provenance.commit()}
    threads = {key: value for key, value in os.environ.items() if key.endswith("_THREADS")}
    machine = provenance.machine()
    about |= {"machine": machine, "processor": _processor(), "threads": len(cores), "set": threads}
    about |= {"versions": versions | {peer: version for peer, version in peers.items() if version}}
    suffix = "" if versions["backend"] == "tensorflow" else f"-{versions['backend']}"
    device = machine.split(",")[0].split()[1].lower()  # cpu, or the accelerator that comes before
    suffix += "" if device == "cpu" else f"-{device}"
    with atomic_write(RESULTS / f"{name}{suffix}.json") as part:
        part.write_text(json.dumps(about | found, indent=1) + "\n")


def _version(package):
    """Of a package that this process has loaded, or None."""
    return metadata.version(package) if package.replace("-", "_").removesuffix("_python") in sys.modules else None


def _processor():
    """The processor's name, where Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
