"""Size and latency of exported checkpoints, as a server on this machine would have them; on their cards.

    python tools/export_all.py models/
    python tools/bench/serving.py models/

Each runs in a process of its own that imports TensorFlow alone: `serving_default` on one recording of 2.5 s of noise, or
one spectrogram of 250 frames. The first five calls are not counted.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SECONDS, FRAMES = 2.5, 250


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", metavar="DIR", help="holds NAME/VERSION/, as tools/export_all.py makes it")
    parser.add_argument("--repeats", type=int, default=50, help="median of so many calls (default: 50)")
    parser.add_argument("--rate", type=int, help=argparse.SUPPRESS)  # in the process of one
    return parser.parse_args()


def newest(folder):
    """The highest version in a model's folder."""
    return max(folder.glob("*/saved_model.pb"), key=lambda path: int(path.parent.name)).parent


def measure(saved, rate, repeats):
    """Milliseconds of a call: the median and the 95th percentile."""
    import numpy as np
    import tensorflow as tf

    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    rng, fed = np.random.default_rng(0), {}
    for name, spec in serve.structured_input_signature[1].items():
        shape = (1, FRAMES, spec.shape[2]) if spec.shape.rank == 3 else (1, int(SECONDS * rate))
        fed[name] = tf.constant(0.1 * rng.standard_normal(shape), tf.float32)
    took = []
    for _ in range(5 + repeats):
        start = time.perf_counter()
        serve(**fed)
        took.append(1e3 * (time.perf_counter() - start))
    return [float(np.percentile(took[5:], percent)) for percent in (50, 95)]


def main():
    given = arguments()
    folder = Path(given.directory)
    if given.rate:
        print(json.dumps(measure(folder, given.rate, given.repeats)))
        return
    from zoo import preset, provenance, registry

    command, commit = " ".join(["python", *sys.argv]), provenance.commit()
    for name in registry.names():
        saved, card = newest(folder / name), registry.info(name)
        megabytes = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file()) / 1e6
        again = [sys.executable, __file__, str(saved), "--rate", str(card["sample_rate"]), "--repeats", str(given.repeats)]
        done = subprocess.run(again, capture_output=True, text=True, check=True)
        median, late = json.loads(done.stdout.splitlines()[-1])
        served = {"command": command, "commit": commit, "machine": provenance.machine(), "n": given.repeats}
        served |= {"megabytes": round(megabytes, 2), "milliseconds": [round(median, 2), round(late, 2)]}
        preset.write_card(registry.root() / name, card | {"served": served})
        print(f"{name}: {megabytes:.1f} MB, {median:.1f} ms, 95 % below {late:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
