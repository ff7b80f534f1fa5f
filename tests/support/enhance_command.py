"""Stand-ins of `zoo enhance`: an enhancer that multiplies by a gain, a tone, and the files that a command left."""

import numpy as np

RATE = 16000


class Scale:
    """An enhancer that multiplies by a gain, with the face of a real one."""

    sample_rate = RATE

    def __init__(self, gain):
        self.gain = gain

    def enhance(self, noisy, sample_rate, resample=False):
        assert noisy.ndim == 3 and (resample or sample_rate == self.sample_rate)
        return self.gain * noisy


def tone(samples=RATE // 2, channels=1):
    """A low tone that fades in and out, each channel weaker than the one before."""
    audio = 0.5 * np.hanning(samples) * np.sin(0.05 * np.arange(samples))
    return (audio[:, None] / np.arange(1, channels + 1)).astype("float32")


def files(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
