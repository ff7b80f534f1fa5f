"""How time and memory grow with what a job is given: once, ten and a hundred times; into results/growth.json and .png.

    .venv-peers/bin/python tools/bench/growth.py

Each is a process of its own, which does the job once to compile it, and once for the clock. Memory is the most that it
holds beyond what it held with the audio read. The longest recordings have an hour.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from matplotlib.figure import Figure

from tools.bench import common
from zoo.files import atomic_write

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


def job(name):
    """What a job does with (batch, samples) of speech, and its sample rate."""
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


def measure(name, seconds, batch):
    """Seconds and megabytes of a job, in this process."""
    do, rate = job(name)
    audio = np.tile(common.speech(seconds, rate), (batch, 1))
    do(audio[:, : int(2.5 * rate)])  # what TensorFlow takes for itself at its first call does not grow
    before = held("VmRSS")
    do(audio)
    most, start = held("VmHWM"), time.perf_counter()
    do(audio)
    return {"seconds": time.perf_counter() - start, "megabytes": most - before}


def held(what):
    """Memory of this process now (VmRSS) or at most (VmHWM), in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def again(name, seconds, batch):
    """`measure` in a process of its own; None where that dies, of memory for one."""
    command = [sys.executable, __file__, "--job", name, "--seconds", str(seconds), "--batch", str(batch)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = {"seconds": None, "megabytes": None} if done.returncode else json.loads(done.stdout.splitlines()[-1])
    print(
        f"{name}, {batch} x {seconds:g} s:",
        *(f"{key} {value:.4g}" for key, value in found.items() if value),
        flush=True,
    )
    return {"audio_seconds": seconds, "batch": batch, **found}


def draw(rows, path):
    """Seconds and megabytes by the seconds of audio, of one recording and of a batch, as PNG."""
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
    parser.add_argument("--job", help=argparse.SUPPRESS)  # in the process of one
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(measure(given.job, given.seconds, given.batch)))
        return
    long = [(name, seconds, 1) for name, lengths in OF_LENGTH.items() for seconds in lengths]
    many = [(name, 2.5, batch) for name in OF_BATCH for batch in PAIRS]
    rows = [{"job": job[0], "grows": "length", **again(*job)} for job in long]
    rows += [{"job": job[0], "grows": "batch", **again(*job)} for job in many]
    common.save("growth", {"rows": rows})
    draw(rows, common.RESULTS / "growth.png")


if __name__ == "__main__":
    main()
