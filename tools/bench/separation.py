"""Time the separator beside the cores of Open-Unmix and Spleeter, built at their published sizes with random weights.

    python tools/bench/separation.py
    python tools/bench/separation.py --seconds 30 --threads 1

Each system runs in a process of its own, on stereo noise. Ours goes from waveform to waveforms; the others have only
their networks timed, from magnitudes to four masked magnitudes, without the transforms around them. Factors are
seconds of computing for a second of music. Memory is the process's peak beyond that of a loaded Keras. The first run,
which compiles, is not counted. The same code runs on JAX (KERAS_BACKEND=jax).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SOURCES = 4
RATE, N_FFT, HOP = 44100, 4096, 1024  # of Open-Unmix and Spleeter


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of stereo music (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="median of so many (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="of the backend; 0 takes all cores (default: 1)")
    parser.add_argument("--system", choices=SYSTEMS, help=argparse.SUPPRESS)  # in the process of one
    return parser.parse_args()


def chandna(seconds):
    """Ours: waveform to waveforms. Gives a function to time, and the parameters."""
    import numpy as np

    from zoo.separation.model import ChandnaSeparator

    model = ChandnaSeparator()
    song = 0.1 * np.random.default_rng(0).standard_normal((int(seconds * RATE), 2), dtype="float32")
    return lambda: model.separate(song, RATE), model.count_params()


def stream(seconds):
    """Ours, as sound comes: blocks of 1024 samples."""
    import numpy as np

    from zoo.separation.model import ChandnaSeparator
    from zoo.separation.stream import Stream

    model = ChandnaSeparator()
    song = 0.1 * np.random.default_rng(0).standard_normal((int(seconds * RATE), 2), dtype="float32")
    flow = Stream(model, channels=2)

    def run():
        for start in range(0, len(song), 1024):
            flow.push(song[start : start + 1024])
        flow.flush()

    return run, model.count_params()


def open_unmix(seconds):
    """Stoeter et al. 2019: one network a source, of dense layers, batch normalisation and three BLSTMs of 2 x 256."""
    import keras
    from keras import layers, ops

    bins, band, hidden = N_FFT // 2 + 1, 1487, 512  # 1487 bins are 16 kHz

    def network():
        mixture = keras.Input((None, 2 * bins))
        x = layers.BatchNormalization()(layers.Dense(hidden, use_bias=False)(mixture[:, :, : 2 * band]))
        x = skipped = layers.Activation("tanh")(x)
        for _ in range(3):
            x = layers.Bidirectional(layers.LSTM(hidden // 2, return_sequences=True))(x)
        x = layers.Dense(hidden, use_bias=False)(layers.Concatenate()([skipped, x]))
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
        x = layers.BatchNormalization()(layers.Dense(2 * bins, use_bias=False)(x))
        return keras.Model(mixture, ops.relu(x) * mixture)

    return _of_four(network, (1, round(seconds * RATE / HOP), 2 * bins))


def spleeter(seconds):
    """Hennequin et al. 2020: one U-Net a source, six strided convolutions down and up, on 512 frames of 1024 bins."""
    import keras
    from keras import layers

    def network():
        mixture = keras.Input((512, 1024, 2))
        x, kept = mixture, []
        for filters in (16, 32, 64, 128, 256, 512):
            x = layers.Conv2D(filters, 5, 2, padding="same")(x)
            kept.append(x)
            x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
        x = kept.pop()
        for i, filters in enumerate((256, 128, 64, 32, 16, 1)):
            x = layers.BatchNormalization()(layers.ReLU()(layers.Conv2DTranspose(filters, 5, 2, padding="same")(x)))
            x = layers.Dropout(0.5)(x) if i < 3 else x
            x = layers.Concatenate()([kept.pop(), x]) if kept else x
        mask = layers.Conv2D(2, 4, dilation_rate=2, padding="same", activation="sigmoid")(x)
        return keras.Model(mixture, mask * mixture)

    return _of_four(network, (-(-round(seconds * RATE / HOP) // 512), 512, 1024, 2))


def _of_four(network, shape):
    """A function that runs four networks on noise of a shape, and the parameters of all."""
    import numpy as np

    models = [network() for _ in range(SOURCES)]
    magnitude = np.abs(np.random.default_rng(0).standard_normal(shape, dtype="float32"))
    count = sum(model.count_params() for model in models)
    return lambda: [model.predict_on_batch(magnitude) for model in models], count


SYSTEMS = {"chandna": chandna, "chandna, streamed": stream, "open-unmix core": open_unmix, "spleeter core": spleeter}


def measure(given):
    """One system in this process, as JSON."""
    import keras

    if given.threads and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(given.threads)
        tf.config.threading.set_inter_op_parallelism_threads(given.threads)
    keras.ops.zeros(1)
    loaded = _peak()
    run, parameters = SYSTEMS[given.system](given.seconds)
    run()
    spent = []
    for _ in range(given.repeats):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    factor = statistics.median(spent) / given.seconds
    print(json.dumps({"factor": factor, "memory": _peak() - loaded, "parameters": parameters}))


def _peak():
    """Most memory that this process has held, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main():
    given = arguments()
    if given.system:
        return measure(given)
    from zoo import provenance
    from zoo.commands import tables

    rows = []
    for name in SYSTEMS:
        done = subprocess.run(
            [sys.executable, *sys.argv, "--system", name], stdout=subprocess.PIPE, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        rows.append([name, f"{found['factor']:.4f}", f"{found['memory']:.0f}", f"{found['parameters']:,}"])
    threads = f"{given.threads} thread" if given.threads == 1 else f"{given.threads or 'all'} threads"
    print(f"{given.seconds:g} s of stereo, {threads}, on {provenance.machine()}, median of {given.repeats}")
    print(tables.table(["system", "real-time factor", "memory (MB)", "parameters"], rows))


if __name__ == "__main__":
    main()
