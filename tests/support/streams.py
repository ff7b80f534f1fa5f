"""Stand-ins of streams: a causal enhancer without a network, one with a small one, and recordings as bytes."""

import struct

import numpy as np

from zoo.enhancement.inference import StreamingEnhancing

RATE = 16000


class Gain(StreamingEnhancing):
    """A causal enhancer that multiplies by a gain, and remembers nothing but what a window needs."""

    sample_rate, n_fft, hop_length, context, core_state_size = RATE, 512, 256, 0, 1

    def __init__(self, gain=0.5):
        self.gain = np.float32(gain)

    def enhance_batch(self, noisy, lengths):
        return self.gain * noisy

    def run_core(self, parts, states):
        return self.gain * parts, states


def save_causal(directory):
    """Save a small causal network with weights of no meaning, on both runtimes; gives its name for commands."""
    from zoo.checkpoint import network, preset
    from zoo.enhancement.quasi_recurrent import QuasiRecurrentEnhancer

    model, rng = QuasiRecurrentEnhancer(channels=4, first_channels=2, blocks=1), np.random.default_rng(0)
    for variable in model.trainable_variables:  # untrained, it would give what comes in
        variable.assign(variable + rng.normal(0, 0.1, variable.shape).astype("float32"))
    preset.save(model, directory)
    network.write(model, directory)
    return f"{directory}/"


def noise(samples, channels=1, seed=0):
    """float32 (samples, channels) with a level that changes."""
    rng = np.random.default_rng(seed)
    level = 0.02 + 0.1 * np.sin(np.arange(samples) / 2000)[:, None] ** 2
    return (level * rng.standard_normal((samples, channels))).astype("float32")


def as_s16(audio):
    """Bytes of samples of 16 bits."""
    return np.round(audio * 32767).astype("<i2").tobytes()


def wav(content, size=None, channels=1, rate=RATE, before=b"", tag=1, bits=16):
    """Bytes of a WAV of such bytes of samples, whose header counts `size` of them; `before` are chunks before them."""
    frame = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate, rate * frame, frame, bits)
    size = len(content) if size is None else size
    return (
        b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVE" + before + form + struct.pack("<4sI", b"data", size) + content
    )
