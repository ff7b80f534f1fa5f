"""Growth of time and memory with the input, times 1, 10 and 100; writes results/growth.json and .png.

    .venv-peers/bin/python tools/bench/growth.py

Each measurement is a process of its own, which does the job once to compile it and once for the clock. Memory is the
peak beyond what the process used before. The longest recordings have an hour.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from matplotlib.figure import Figure

from tools.bench import common
from zoo.base.files import atomic_write

HOUR, PAIRS = (36.0, 360.0, 3600.0), (1, 10, 100)
OF_LENGTH = {  # job -> seconds of audio
    "quality-net-lite-pesq-wb-16k": HOUR,
    "quality-net-pesq-wb-16k": HOUR,
    "jnd-22k": HOUR,
    "jnd-fin-22k": HOUR,
    "blstm-quality-net-refresh-16k": HOUR,
    "dnn-mse-16k": HOUR,
    "chandna-4stem-44k": HOUR,
    "Gram loss and its gradient": HOUR,
    "can-jnd-16k": HOUR,
}
OF_BATCH = (
    "quality-net-lite-pesq-wb-16k",
    "jnd-22k",
    "blstm-quality-net-refresh-16k",
    "gradient of quality-net-lite-pesq-wb-16k",
)


def job(name: str) -> tuple[Callable, int]:
    """Function of a job, of (batch, samples) of speech, and its sample rate."""
    import zoo
    from zoo.texture import optimize, spectrum
    from zoo.texture.loss import GramLoss

    if name.startswith("gradient of "):
        loss = zoo.loss(name.removeprefix("gradient of "))
        compiled = optimize.value_and_gradient(lambda estimate, reference: (loss(reference, estimate), ()))
        return lambda audio: np.asarray(compiled(0.9 * audio, audio)[1]), 16000
    if name == "Gram loss and its gradient":
        gram, target = GramLoss(waveform=True), common.speech(7, spectrum.SAMPLE_RATE)[None]
        compiled = optimize.value_and_gradient(lambda estimate: (gram(target, estimate), ()))
        return lambda audio: np.asarray(compiled(audio)[1]), spectrum.SAMPLE_RATE
    model = zoo.load(name)
    if hasattr(model, "separate"):
        return lambda audio: model.separate(audio[0], model.sample_rate), model.sample_rate
    if hasattr(model, "enhance"):
        return lambda audio: model.enhance(audio, model.sample_rate), model.sample_rate
    measure = model.distance if hasattr(model, "distance") else model.score
    return lambda audio: measure(audio, 0.9 * audio, model.sample_rate), model.sample_rate


def measure(name: str, seconds: float, batch: int) -> dict:
    """Seconds and megabytes of a job in this process."""
    run, rate = job(name)
    audio = np.tile(common.speech(seconds, rate), (batch, 1))
    run(audio[:, : int(2.5 * rate)])  # memory that TensorFlow allocates at its first call does not grow
    before_mb = memory("VmRSS")
    run(audio)
    peak_mb, start = memory("VmHWM"), time.perf_counter()
    run(audio)
    return {"seconds": time.perf_counter() - start, "megabytes": peak_mb - before_mb}


def memory(field: str) -> float:
    """Memory of this process in MB: now (field "VmRSS") or at its peak ("VmHWM")."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure_apart(name: str, seconds: float, batch: int) -> dict:
    """`measure` in a process of its own; None if that fails, for example for want of memory."""
    command = [sys.executable, __file__, "--job", name, "--seconds", str(seconds), "--batch", str(batch)]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    figures = (
        {"seconds": None, "megabytes": None} if process.returncode else json.loads(process.stdout.splitlines()[-1])
    )
    print(
        f"{name}, {batch} x {seconds:g} s:",
        *(f"{key} {value:.4g}" for key, value in figures.items() if value),
        flush=True,
    )
    return {"audio_seconds": seconds, "batch": batch, **figures}


def draw(rows: list[dict], path: Path) -> None:
    """Plot seconds and megabytes over the seconds of audio, for one recording and for a batch, as PNG."""
    figure = Figure(figsize=(11, 9), layout="constrained")
    columns = {"length": "one recording", "batch": "recordings of 2.5 s"}
    panels = figure.subplots(2, 2, sharex="col").T
    for (grows, title), (clock, memory) in zip(columns.items(), panels, strict=True):
        for name in dict.fromkeys(row["job"] for row in rows if row["grows"] == grows):
            done = [row for row in rows if (row["grows"], row["job"]) == (grows, name) and row["seconds"]]
            audio = [row["audio_seconds"] * row["batch"] for row in done]
            clock.loglog(audio, [row["seconds"] for row in done], "o-", label=name)
            memory.loglog(audio, [max(row["megabytes"], 1) for row in done], "o-", label=name)
        clock.set(title=title, ylabel="seconds")
        memory.set(xlabel="seconds of audio", ylabel="memory (MB)")
        clock.legend(fontsize=7, frameon=False)
    with atomic_write(path) as part:
        figure.savefig(part, dpi=90, format="png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", help=argparse.SUPPRESS)  # in the process of one measurement
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(measure(options.job, options.seconds, options.batch)))
        return
    long = [(name, seconds, 1) for name, lengths in OF_LENGTH.items() for seconds in lengths]
    many = [(name, 2.5, batch) for name in OF_BATCH for batch in PAIRS]
    rows = [{"job": job[0], "grows": "length", **measure_apart(*job)} for job in long]
    rows += [{"job": job[0], "grows": "batch", **measure_apart(*job)} for job in many]
    common.save("growth", {"rows": rows})
    draw(rows, common.RESULTS / "growth.png")


if __name__ == "__main__":
    main()
