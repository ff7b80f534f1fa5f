"""Short sounds and audio files in memory, for tests."""

import io

import numpy as np
import soundfile

from zoo.audio import mix

RATE = 16000


def wav(audio, rate=16000, **how):
    """A WAV file as bytes; 16 bits unless `subtype` says otherwise."""
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format="WAV", **how)
    return file.getvalue()


def tone(rate=RATE, seconds=0.5, frequency=440):
    """A sine at half of full scale, float32."""
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype("float32")


def voice(seconds=1.0, seed=0):
    """Speech-like sound at `RATE`, float32: noise with a spectrum that falls and a level that comes and goes."""
    audio = mix.colored_noise(int(seconds * RATE), 1.0, np.random.default_rng(seed))
    return (audio * (0.1 + np.sin(2 * np.pi * 3 * np.arange(len(audio)) / RATE) ** 2)).astype("float32")
