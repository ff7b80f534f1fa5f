"""Size and latency of exported checkpoints on this machine; writes them to the cards.

    python tools/export_all.py models/
    python tools/bench/serving.py models/

Each export runs in a process of its own that imports TensorFlow only: `serving_default` on one recording of 2.5 s of
noise, or one spectrogram of 250 frames; an export for XLA likewise. In bfloat16 the Keras model is timed as one compiled
function, and its output for a voice in noise is compared with that in float32. The first five calls are not counted;
for XLA, which compiles in the first, the time of that one is reported too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SECONDS, FRAMES = 2.5, 250


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", metavar="DIR", help="folder of NAME/VERSION/, as tools/export_all.py writes it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these checkpoints")
    parser.add_argument("--repeats", type=int, default=50, help="median of so many calls (default: 50)")
    # In the process of one measurement: the rate of a SavedModel, or a checkpoint's name instead of DIR.
    parser.add_argument("--rate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bfloat16", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def newest(folder: Path) -> Path:
    """The highest version in a model's folder."""
    return max(folder.glob("*/saved_model.pb"), key=lambda path: int(path.parent.name)).parent


def timed(call: Callable, repeats: int) -> list[float]:
    """Milliseconds of a call: the median, the 95th percentile, and the first one."""
    import numpy as np

    milliseconds = []
    for _ in range(5 + repeats):
        start = time.perf_counter()
        call()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    figures = [*np.percentile(milliseconds[5:], (50, 95)), milliseconds[0]]
    return [round(float(figure), 2) for figure in figures]


def measure(saved: Path, rate: int, repeats: int) -> list[float]:
    """`timed` of a SavedModel."""
    import numpy as np
    import tensorflow as tf

    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    rng, inputs = np.random.default_rng(0), {}
    for name, spec in serve.structured_input_signature[1].items():
        shape = (1, FRAMES, spec.shape[2]) if spec.shape.rank == 3 else (1, int(SECONDS * rate))
        inputs[name] = tf.constant(0.1 * rng.standard_normal(shape), tf.float32)
    return timed(lambda: serve(**inputs), repeats)


def measure_bfloat16(name: str, repeats: int) -> list[float]:
    """`timed` of a checkpoint in bfloat16, and the largest difference to float32, relative to the largest value."""
    import keras
    import numpy as np
    import tensorflow as tf

    import zoo
    from zoo.checkpoint import golden

    noise, outputs = np.random.default_rng(0), []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        model = zoo.load(name)
        serve = tf.function(lambda *inputs, model=model: model.serve(*inputs))
        voices = golden.voices_in_noise(model.sample_rate, (5, 20))[-len(model.serving_inputs) :]
        lengths = np.full(2, voices[0].shape[1], "int32")
        outputs.append({key: x.numpy() for key, x in serve(*map(tf.constant, (*voices, lengths))).items()})
    difference = max(np.abs(x - outputs[1][key]).max() / np.abs(x).max() for key, x in outputs[0].items())
    shape = (1, int(SECONDS * model.sample_rate))
    inputs = [tf.constant(0.1 * noise.standard_normal(shape), tf.float32) for _ in model.serving_inputs]
    lengths = tf.constant([shape[1]])
    return [*timed(lambda: serve(*inputs, lengths), repeats), float(f"{difference:.2g}")]


def measure_apart(*arguments: object) -> list[float]:
    """Result of this script in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main():
    options = parse_arguments()
    folder, repeats = Path(options.directory), ["--repeats", options.repeats]
    if options.bfloat16:
        print(json.dumps(measure_bfloat16(options.directory, options.repeats)))
        return
    if options.rate:
        print(json.dumps(measure(folder, options.rate, options.repeats)))
        return
    from zoo.checkpoint import provenance, registry
    from zoo.checkpoint.card import write_card

    command, commit = " ".join(["python", *sys.argv]), provenance.commit()
    for name in options.names or registry.names():
        saved, card = newest(folder / name), registry.info(name)
        megabytes = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file()) / 1e6
        *plain, _ = measure_apart(saved, "--rate", card["sample_rate"], *repeats)
        with tempfile.TemporaryDirectory() as place:
            export = [sys.executable, "-m", "zoo", "export", name, place, "--xla"]
            subprocess.run(export, capture_output=True, check=True)
            xla = measure_apart(f"{place}/1", "--rate", card["sample_rate"], *repeats)
        served = {"command": command, "commit": commit, "machine": provenance.machine(), "n": options.repeats}
        served |= {"megabytes": round(megabytes, 2), "milliseconds": plain}
        served["xla"] = dict(zip(("milliseconds", "first_milliseconds"), (xla[:2], xla[2]), strict=True))
        if card["architecture"] != "RandomConvEnsemble":  # which stays float32
            *low, _, difference = measure_apart(name, "--bfloat16", *repeats)
            served["bfloat16"] = {"milliseconds": low, "difference": difference}
        write_card(registry.root() / name, card | {"served": served})
        others = "  ".join(
            f"{key} {served[key]['milliseconds'][0]:.1f} ms" for key in ("xla", "bfloat16") if key in served
        )
        print(f"{name}: {megabytes:.1f} MB, {plain[0]:.1f} ms, 95 % below {plain[1]:.1f} ms  {others}", flush=True)


if __name__ == "__main__":
    main()
