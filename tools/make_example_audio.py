"""Write the bundled speech recordings: synthetic talkers and seeded noise, no recording of a person.

    python tools/make_example_audio.py            writes zoo/data/audio/
    python tools/make_example_audio.py --check    writes them to a temporary folder and compares

Needs the program `espeak-ng` (the bundled files are from 1.51; another version sounds different).
All files are 16 kHz, mono, 16-bit FLAC, of equal length and aligned to the sample:

    speech_reference.flac   one talker
    speech_degraded.flac    the talker in pink noise and babble of six other talkers, 5 dB SNR
    speech_mild.flac        the same noise at 30 dB SNR
    speech_enhanced.flac    the degraded file after spectral gating: less noise, some damage to the speech
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

import zoo
from zoo.audio import io, mix

SAMPLE_RATE = 16000
SEED = 2019
TALKER = ("en-us", 45, 165, "A small boat drifts along the quiet river at dawn.")
BABBLE = [
    ("en-gb", 35, 180, "Seven old clocks were ticking in the hall, each of them late by a different hour."),
    ("en-us+f3", 60, 170, "Please bring the yellow basket and the better half of yesterday's bread."),
    ("en-gb-scotland", 50, 175, "Rain had fallen since the morning, so the market closed before the bells."),
    ("en-us+f5", 70, 190, "She painted the kitchen door twice because the first blue was far too loud."),
    ("en-gb-x-rp+m3", 30, 160, "He counts the trains at night and writes their numbers in a narrow book."),
    ("en-029+f2", 55, 185, "Nothing grows on the northern slope except grass, thistle and patience."),
]
PEAK = 0.9  # of the loudest file; all have the same gain, so that they differ in the noise alone
LARGEST_STEP = 2 / 32768  # two 16-bit steps, the rounding error of another build of the resampler


def speak(voice: str, pitch: int, speed: int, text: str) -> np.ndarray:
    """A sentence in a voice, float32 (samples,), without silence at both ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), text]
        subprocess.run(command, check=True)
        audio, _ = io.read(path, SAMPLE_RATE, resample=True)
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    return audio[loud[0] : loud[-1] + 1]


def babble(samples: int) -> np.ndarray:
    """The other talkers together, each at the same level, float (samples,)."""
    talkers = [speak(*talker) for talker in BABBLE]
    return sum(np.resize(talker / mix.rms(talker), samples) for talker in talkers)


def spectral_gate(noisy: np.ndarray) -> np.ndarray:
    """The noisy audio with twice the median magnitude subtracted from each bin, which lowers it by 20 dB at most."""
    _, _, spectrum = signal.stft(noisy, SAMPLE_RATE, "hann", nperseg=512, noverlap=384)
    magnitude = np.abs(spectrum)
    noise = 2 * np.median(magnitude, axis=-1, keepdims=True)
    gain = np.maximum(1 - noise / np.maximum(magnitude, 1e-8), 0.1)
    _, enhanced = signal.istft(gain * spectrum, SAMPLE_RATE, "hann", nperseg=512, noverlap=384)
    return enhanced[: len(noisy)]


def make(folder: Path | str) -> None:
    """Write the four files into a folder."""
    rng = np.random.default_rng(SEED)
    pause = np.zeros(int(0.15 * SAMPLE_RATE))  # so that the noise starts before and ends after the speech
    speech = np.concatenate([pause, speak(*TALKER), pause])
    pink = mix.colored_noise(len(speech), 1, rng)
    noise = mix.mix_at_snr(babble(len(speech)), pink, 0)
    degraded = mix.mix_at_snr(speech, noise, 5)
    files = {
        "speech_reference": speech,
        "speech_degraded": degraded,
        "speech_mild": mix.mix_at_snr(speech, noise, 30),
        "speech_enhanced": spectral_gate(degraded),
    }
    gain = PEAK / max(np.abs(audio).max() for audio in files.values())
    for name, audio in files.items():
        soundfile.write(Path(folder) / f"{name}.flac", gain * audio, SAMPLE_RATE, subtype="PCM_16")


def check(folder: Path | str) -> list[str]:
    """Write the files elsewhere and describe each difference in one line."""
    differences = []
    with tempfile.TemporaryDirectory() as fresh:
        make(fresh)
        for path in sorted(Path(fresh).glob("*.flac")):
            new = io.read(path)[0]
            old = io.read(Path(folder) / path.name)[0]
            if len(old) != len(new):
                differences.append(f"{path.name}: {len(old)} samples, {len(new)} when written again")
            elif np.abs(old - new).max() > LARGEST_STEP:
                differences.append(f"{path.name}: differs by up to {np.abs(old - new).max():.4f}")
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("make_example_audio: the program espeak-ng is missing; install it: apt-get install espeak-ng")
    folder = Path(zoo.__file__).resolve().parent / "data" / "audio"
    if not options.check:
        make(folder)
        return
    differences = check(folder)
    sys.exit("\n".join(differences) or None)


if __name__ == "__main__":
    main()
