"""Time of the separator, compared with the networks of Open-Unmix and Spleeter; writes results/separation.json.

    taskset -c 0 .venv-peers/bin/python tools/bench/separation.py

Networks are timed from magnitudes to four masked magnitudes, the others' at their published sizes with random weights:
Open-Unmix's in PyTorch; Spleeter's U-Net, which needs an old TensorFlow, built here in Keras. Ours processes each frame
in two segments, as when it separates; the complete separation, from waveform to waveforms with transforms and
cross-fades, is compared with the others' networks too. The sound is stereo noise. Calls are timed in turns, each after a
warm-up.
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

NAME, RATE, N_FFT, HOP = "chandna-4stem-44k", 44100, 4096, 1024  # transform of Open-Unmix and Spleeter
BLOCK = 1024  # samples, for streaming


def spleeter():
    """Spleeter (Hennequin et al. 2020): one U-Net for each source, six convolutions down and up, 512 frames, 1024 bins."""

    def network():
        mixture = keras.Input((512, 1024, 2))
        x, skips = mixture, []
        for filters in (16, 32, 64, 128, 256, 512):
            x = layers.Conv2D(filters, 5, 2, padding="same")(x)
            skips.append(x)
            x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
        x = skips.pop()
        for i, filters in enumerate((256, 128, 64, 32, 16, 1)):
            x = layers.BatchNormalization()(layers.ReLU()(layers.Conv2DTranspose(filters, 5, 2, padding="same")(x)))
            x = layers.Dropout(0.5)(x) if i < 3 else x
            x = layers.Concatenate()([skips.pop(), x]) if skips else x
        mask = layers.Conv2D(2, 4, dilation_rate=2, padding="same", activation="sigmoid")(x)
        model = keras.Model(mixture, mask * mixture)
        model.jit_compile = backend.jit()  # XLA's convolutions are slow on a CPU
        return model

    networks = [network() for _ in range(4)]
    return lambda magnitude: [model.predict_on_batch(magnitude) for model in networks]


def network(model):
    """Network of a separator: magnitudes (segments, frames, bins) -> masked ones (segments, sources, frames, bins)."""
    magnitude = keras.Input((model.frames, model.n_fft // 2 + 1))
    masked = keras.Model(magnitude, model.core(magnitude) * ops.expand_dims(magnitude, 1))
    masked.jit_compile = backend.jit()  # as its separator
    return masked.predict_on_batch


def stream(model, song):
    """Separate a song block by block."""
    separation = Stream(model, channels=2)
    for start in range(0, len(song), BLOCK):
        separation.push(song[start : start + BLOCK])
    separation.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of stereo music (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    rng, model = np.random.default_rng(0), zoo.load(NAME)
    song = 0.1 * rng.standard_normal((int(options.seconds * RATE), 2), dtype="float32")
    frames = round(options.seconds * RATE / HOP)
    stereo_magnitudes = np.abs(rng.standard_normal((frames, 2, N_FFT // 2 + 1), dtype="float32"))
    patches = np.abs(rng.standard_normal((-(-frames // 512), 512, 1024, 2), dtype="float32"))
    segments = 2 * -(-round(options.seconds * RATE / model.hop_length) // model.step)  # of two channels
    magnitudes = np.abs(rng.standard_normal((segments, model.frames, model.n_fft // 2 + 1), dtype="float32"))
    unmix, unet, core = peers.open_unmix(), spleeter(), network(model)
    alone, streamed = f"{NAME}'s network", f"{NAME}, streamed"
    calls = {
        alone: lambda: core(magnitudes),
        NAME: lambda: model.separate(song, RATE),
        streamed: lambda: stream(model, song),
        "Open-Unmix's networks": lambda: unmix(stereo_magnitudes),
        "Spleeter's networks": lambda: unet(patches),
    }
    times = common.in_turns(calls, options.repeats)
    times["the music itself"] = np.full(options.repeats, options.seconds)
    job = f"separate {options.seconds:g} s of stereo"
    networks = [name for name in calls if name.endswith("networks")]
    results = [common.compare(f"{job}, networks alone", times, alone, peer, 1 / 5) for peer in networks]
    results += [common.compare(job, times, NAME, peer, None) for peer in networks]
    results.append(common.compare(job, times, streamed, "the music itself", 0.1))
    common.write("separation", results)


if __name__ == "__main__":
    main()
