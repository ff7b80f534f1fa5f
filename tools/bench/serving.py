"""Size and latency of exported checkpoints, as a server on this machine would have them; on their cards.

    python tools/export_all.py models/
    python tools/bench/serving.py models/

Each runs in a process of its own that imports TensorFlow alone: `serving_default` on one recording of 2.5 s of noise, or
one spectrogram of 250 frames; so does an export of it that XLA compiles. In bfloat16 it is the Keras model as one
compiled function, and what it gives of a voice in noise is set beside what it gives in float32. The first five calls are
not counted, but for XLA, which compiles in the first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SECONDS, FRAMES = 2.5, 250


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", metavar="DIR", help="holds NAME/VERSION/, as tools/export_all.py makes it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these checkpoints")
    parser.add_argument("--repeats", type=int, default=50, help="median of so many calls (default: 50)")
    # In the process of one: a SavedModel of this rate, or a checkpoint's name instead of DIR.
    parser.add_argument("--rate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bfloat16", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def newest(folder):
    """The highest version in a model's folder."""
    return max(folder.glob("*/saved_model.pb"), key=lambda path: int(path.parent.name)).parent


def timed(call, repeats):
    """Milliseconds of a call: the median, the 95th percentile, and the first one."""
    import numpy as np

    took = []
    for _ in range(5 + repeats):
        start = time.perf_counter()
        call()
        took.append(1e3 * (time.perf_counter() - start))
    found = [*np.percentile(took[5:], (50, 95)), took[0]]
    return [round(float(milliseconds), 2) for milliseconds in found]


def measure(saved, rate, repeats):
    """`timed` of a SavedModel."""
    import numpy as np
    import tensorflow as tf

    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    rng, fed = np.random.default_rng(0), {}
    for name, spec in serve.structured_input_signature[1].items():
        shape = (1, FRAMES, spec.shape[2]) if spec.shape.rank == 3 else (1, int(SECONDS * rate))
        fed[name] = tf.constant(0.1 * rng.standard_normal(shape), tf.float32)
    return timed(lambda: serve(**fed), repeats)


def measure_bfloat16(name, repeats):
    """`timed` of a checkpoint in bfloat16, and the largest difference to float32, relative to the largest value."""
    import keras
    import numpy as np
    import tensorflow as tf

    import zoo
    from zoo.checkpoint import golden

    noise, found = np.random.default_rng(0), []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        model = zoo.load(name)
        serve = tf.function(lambda *inputs, model=model: model.serve(*inputs))
        voices = golden.voices_in_noise(model.sample_rate, (5, 20))[-len(model.serving_inputs) :]
        lengths = np.full(2, voices[0].shape[1], "int32")
        found.append({key: x.numpy() for key, x in serve(*map(tf.constant, (*voices, lengths))).items()})
    difference = max(np.abs(x - found[1][key]).max() / np.abs(x).max() for key, x in found[0].items())
    shape = (1, int(SECONDS * model.sample_rate))
    inputs = [tf.constant(0.1 * noise.standard_normal(shape), tf.float32) for _ in model.serving_inputs]
    lengths = tf.constant([shape[1]])
    return [*timed(lambda: serve(*inputs, lengths), repeats), float(f"{difference:.2g}")]


def again(*more):
    """What this script prints in a process of its own."""
    command = [sys.executable, __file__, *map(str, more)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main():
    given = arguments()
    folder, repeats = Path(given.directory), ["--repeats", given.repeats]
    if given.bfloat16:
        print(json.dumps(measure_bfloat16(given.directory, given.repeats)))
        return
    if given.rate:
        print(json.dumps(measure(folder, given.rate, given.repeats)))
        return
    from zoo.checkpoint import preset, provenance, registry

    command, commit = " ".join(["python", *sys.argv]), provenance.commit()
    for name in given.names or registry.names():
        saved, card = newest(folder / name), registry.info(name)
        megabytes = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file()) / 1e6
        *plain, _ = again(saved, "--rate", card["sample_rate"], *repeats)
        with tempfile.TemporaryDirectory() as place:
            export = [sys.executable, "-m", "zoo", "export", name, place, "--xla"]
            subprocess.run(export, capture_output=True, check=True)
            xla = again(f"{place}/1", "--rate", card["sample_rate"], *repeats)
        served = {"command": command, "commit": commit, "machine": provenance.machine(), "n": given.repeats}
        served |= {"megabytes": round(megabytes, 2), "milliseconds": plain}
        served["xla"] = dict(zip(("milliseconds", "first_milliseconds"), (xla[:2], xla[2]), strict=True))
        if card["architecture"] != "RandomConvEnsemble":  # which stays float32
            *low, _, difference = again(name, "--bfloat16", *repeats)
            served["bfloat16"] = {"milliseconds": low, "difference": difference}
        preset.write_card(registry.root() / name, card | {"served": served})
        told = "  ".join(
            f"{key} {served[key]['milliseconds'][0]:.1f} ms" for key in ("xla", "bfloat16") if key in served
        )
        print(f"{name}: {megabytes:.1f} MB, {plain[0]:.1f} ms, 95 % below {plain[1]:.1f} ms  {told}", flush=True)


if __name__ == "__main__":
    main()
