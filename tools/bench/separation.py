"""How long the separator takes, beside the cores of Open-Unmix and Spleeter; into results/separation.json.

    taskset -c 0 .venv-peers/bin/python tools/bench/separation.py

Networks are timed from magnitudes to four masked magnitudes, the others' at their published sizes with random weights:
Open-Unmix's own in PyTorch, Spleeter's U-Net, which needs an old TensorFlow, built here in Keras. Ours sees each frame
in two segments, as when it separates; its whole way, from waveform to waveforms with the transforms and the
cross-fades, is set beside the others' networks too. The sound is stereo noise. Calls take turns; at each, the last of
two or more counts.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers, ops

import zoo
from tools.bench import common, peers
from zoo import backend
from zoo.separation.stream import Stream

NAME, RATE, N_FFT, HOP = "chandna-4stem-44k", 44100, 4096, 1024  # the last two of Open-Unmix and Spleeter
BLOCK = 1024  # samples at a time, streamed


def spleeter():
    """Hennequin et al. 2020: one U-Net a source, six strided convolutions down and up, on 512 frames of 1024 bins."""

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
        model = keras.Model(mixture, mask * mixture)
        model.jit_compile = backend.jit()  # XLA's convolutions are slow on a CPU
        return model

    networks = [network() for _ in range(4)]
    return lambda magnitude: [model.predict_on_batch(magnitude) for model in networks]


def network(model):
    """Of a separator: magnitudes (segments, frames, bins) -> masked magnitudes (segments, sources, frames, bins)."""
    magnitude = keras.Input((model.frames, model.n_fft // 2 + 1))
    masked = keras.Model(magnitude, model.core(magnitude) * ops.expand_dims(magnitude, 1))
    masked.jit_compile = backend.jit()  # as its separator
    return masked.predict_on_batch


def stream(model, song):
    """Separate a song block by block, as it would come."""
    flow = Stream(model, channels=2)
    for start in range(0, len(song), BLOCK):
        flow.push(song[start : start + BLOCK])
    flow.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of stereo music (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    given = parser.parse_args()
    rng, model = np.random.default_rng(0), zoo.load(NAME)
    song = 0.1 * rng.standard_normal((int(given.seconds * RATE), 2), dtype="float32")
    frames = round(given.seconds * RATE / HOP)
    wide = np.abs(rng.standard_normal((frames, 2, N_FFT // 2 + 1), dtype="float32"))
    narrow = np.abs(rng.standard_normal((-(-frames // 512), 512, 1024, 2), dtype="float32"))
    segments = 2 * -(-round(given.seconds * RATE / model.hop_length) // model.step)  # of two channels
    cut = np.abs(rng.standard_normal((segments, model.frames, model.n_fft // 2 + 1), dtype="float32"))
    unmix, unet, core = peers.open_unmix(), spleeter(), network(model)
    alone, streamed = f"{NAME}'s network", f"{NAME}, streamed"
    calls = {
        alone: lambda: core(cut),
        NAME: lambda: model.separate(song, RATE),
        streamed: lambda: stream(model, song),
        "Open-Unmix's networks": lambda: unmix(wide),
        "Spleeter's networks": lambda: unet(narrow),
    }
    took = common.in_turns(calls, given.repeats)
    took["the music itself"] = np.full(given.repeats, given.seconds)
    job = f"separate {given.seconds:g} s of stereo"
    networks = [name for name in calls if name.endswith("networks")]
    results = [common.compare(f"{job}, networks alone", took, alone, peer, 1 / 5) for peer in networks]
    results += [common.compare(job, took, NAME, peer, None) for peer in networks]
    results.append(common.compare(job, took, streamed, "the music itself", 0.1))
    common.write("separation", results)


if __name__ == "__main__":
    main()
