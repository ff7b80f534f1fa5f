"""The perturbations of Manocha et al. 2020 by their physical values, and loudness normalisation.

All process mono clips, (samples,), at 22,050 Hz where nothing else is said, keep length and alignment, and keep digital
silence silent.
"""

from collections.abc import Sequence

import numpy as np
import scipy.signal

from zoo.audio import codecs, phase
from zoo.audio.mix import mix_at_snr
from zoo.errors import InputError

SAMPLE_RATE = 22050
LOUDNESS = -16.0  # LUFS of every clip
SLOWEST_MP3, FASTEST_MP3 = 8.0, 160.0  # kb/s, of MPEG-2 layer III at 22,050 Hz
_MU = 255  # of the companding curve, as in ITU-T G.711
_SPLITS = (500.0, 1000.0)  # Hz, between the equaliser's bands
_GAP = int(0.01 * SAMPLE_RATE)  # a dropout: 10 ms
_N_FFT, _HOP = 1024, 256
_SHORTEST = 0.4  # seconds: one block of BS.1770's gated loudness


def add_noise(speech: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise to speech at a signal-to-noise ratio.

    Args:
        speech, noise: float (samples,) of the same length, at any level.
        snr_db: ratio of mean powers in dB, pauses included.

    Returns:
        float32 (samples,); the speech keeps its level.

    Example:
        >>> bool(np.allclose(add_noise(np.ones(2), np.array([1.0, -1.0]), 20.0), [1.1, 0.9]))
        True
    """
    return mix_at_snr(speech, noise, snr_db)


def mp3(speech: np.ndarray, kbps: float) -> np.ndarray:
    """Encode as MP3 (LAME, average bit rate) and decode.

    Any bit rate is possible: LAME chooses a standard one for each frame; in clips of a few seconds the average is a little
    higher. libsndfile contains LAME, and removes the codec's delay.

    Args:
        speech: float (samples,).
        kbps: bit rate in kb/s, clamped to 8..160, the range of the format at 22,050 Hz.

    Returns:
        float32 (samples,), clipped to [-1, 1].

    Example:
        >>> mp3(np.zeros(22050, "float32"), 64.0).shape
        (22050,)
    """
    options = {"bitrate_mode": "AVERAGE", "compression_level": codecs.compression_level(kbps, SLOWEST_MP3, FASTEST_MP3)}
    decoded, _ = codecs.encode_and_decode(speech, SAMPLE_RATE, "MP3", "MPEG_LAYER_III", **options)
    out = np.zeros(len(speech), "float32")
    out[: len(decoded)] = np.clip(decoded[: len(out)], -1, 1)
    return out


def mu_law(speech: np.ndarray, bits: float) -> np.ndarray:
    """Quantise on the mu-law curve, y = sign(x) ln(1 + 255 |x|) / ln 256, at 2**bits levels.

    The levels lie in the middle of the quantisation cells (mid-rise), but 0 stays 0. The curve is that of G.711 for any
    number of bits, so 8 bits are telephone speech; if mu grew with the bits, the curve for 60 bits would be extreme.

    Args:
        speech: float (samples,), clipped to [-1, 1].
        bits: at least 1, not necessarily an integer; from 16 on the change is inaudible.

    Returns:
        float32 (samples,).

    Raises:
        InputError: fewer bits than 1.

    Example:
        >>> [round(float(x), 4) for x in mu_law(np.array([-0.9, -0.1, 0.0, 0.1]), 1)]
        [-0.0588, -0.0588, 0.0, 0.0588]
    """
    if not bits >= 1:
        raise InputError(f"mu-law at {bits} bits has no levels; give 1 bit or more")
    half = 2.0**bits / 2  # cells on each side of 0
    curve = np.log1p(_MU * np.minimum(np.abs(speech, dtype=np.float64), 1)) / np.log1p(_MU)
    level = np.minimum((np.minimum(np.floor(curve * half), np.ceil(half) - 1) + 0.5) / half, 1)
    return (np.sign(speech) * np.expm1(level * np.log1p(_MU)) / _MU).astype("float32")


def equalise(speech: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """Cut or boost three bands, split at 500 and 1000 Hz, by a gain of 10**-(strength / 100) each: -20 to 20 dB.

    Butterworth low-passes of 4th order, forwards and backwards (no delay, -6 dB at the split). The bands add up to the
    clip, so three equal strengths are a plain gain.

    Args:
        speech: float (samples,), 17 samples or more.
        strengths: three, of the low, middle and high band: 0..100 cuts, below 0 boosts.

    Returns:
        float32 (samples,).

    Raises:
        InputError: not three strengths, or a shorter clip.

    Example:
        >>> bool(np.allclose(equalise(np.ones(99), (100, 0, 0)), 0.1, atol=1e-3))  # constant: all in the low band
        True
    """
    gains = 10.0 ** -(np.asarray(strengths, "float64") / 100)
    if gains.shape != (3,) or len(speech) < 17:
        raise InputError(f"equalising {len(speech)} samples by {strengths}; give 17 samples or more, three strengths")
    lows = [
        scipy.signal.sosfiltfilt(scipy.signal.butter(4, edge, fs=SAMPLE_RATE, output="sos"), speech) for edge in _SPLITS
    ]
    bands = lows[0], lows[1] - lows[0], speech - lows[1]
    return sum(gain * band for gain, band in zip(gains, bands, strict=True)).astype("float32")


def pops(speech: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Set random samples to the clip's maximum and, every second one, to its minimum.

    With the same state of the generator, the pops of a smaller fraction are among those of a larger one.

    Args:
        speech: float (samples,).
        fraction: of the samples, 0..1.
        rng: NumPy generator of the positions.

    Returns:
        float32 (samples,).

    Example:
        >>> clip = np.linspace(-1, 1, 1000, dtype="float32")
        >>> int(np.sum(pops(clip, 0.1, np.random.default_rng(0)) != clip))
        100
    """
    places = rng.permutation(len(speech))[: round(fraction * len(speech))]
    out = np.array(speech, "float32")
    out[places[::2]], out[places[1::2]] = np.max(speech), np.min(speech)
    return out


def dropouts(speech: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Set random gaps of 10 ms to zero; the last one is shorter, so that the fraction is exact to a sample.

    Gaps lie on a grid, so they do not overlap. With the same state of the generator, the gaps of a smaller fraction are
    among those of a larger one. The paper states the fraction only; the length of 10 ms is our choice.

    Args:
        speech: float (samples,).
        fraction: of the samples, 0..1.
        rng: NumPy generator of the positions.

    Returns:
        float32 (samples,).

    Example:
        >>> int(np.sum(dropouts(np.ones(22050), 0.2, np.random.default_rng(0)) == 0))
        4410
    """
    out = np.array(speech, "float32")
    # The grid is circular and starts at random, so that its shorter last cell may be anywhere.
    start, cells = rng.integers(len(out)), rng.permutation(-(-len(out) // _GAP))
    lost = (cells[:, None] * _GAP + np.arange(_GAP)).ravel()
    lost = lost[lost < len(out)][: round(fraction * len(out))]
    out[(lost + start) % len(out)] = 0.0
    return out


def griffin_lim(speech: np.ndarray, iterations: int, rng: np.random.Generator) -> np.ndarray:
    """Replace the phases by those of Griffin and Lim's iteration (1984), which keeps the short-time magnitudes.

    Periodic Hann window of 1024 samples, hop 256, zeros before the start and after the end.

    Args:
        speech: float (samples,).
        iterations: rounds of inverse and forward transform before the last inverse; more is better.
        rng: NumPy generator of the first phases.

    Returns:
        float32 (samples,).

    Example:
        >>> bool(griffin_lim(np.zeros(5000, "float32"), 3, np.random.default_rng(0)).any())
        False
    """
    tail = -len(speech) % _HOP + _N_FFT
    padded = np.pad(np.asarray(speech, "float32"), (_N_FFT, tail))
    magnitude = np.abs(phase.spectrum(padded, _N_FFT, _HOP))
    audio, _ = phase.griffin_lim(magnitude, _N_FFT, _HOP, iterations, rng)
    return audio[_N_FFT : _N_FFT + len(speech)]


def loudness_normalise(audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Scale audio to -16 LUFS (ITU-R BS.1770-4, gated), then clip it to [-1, 1], as a 16-bit file would.

    Args:
        audio: float (samples,) or (samples, channels), at least 0.4 s.
        sample_rate: in Hz.

    Returns:
        float32, of the same shape; audio below -70 LUFS, which the gate takes for silence, is not scaled.

    Raises:
        InputError: a shorter clip, or pyloudnorm is not installed.

    Example:
        >>> tone = np.sin(np.arange(22050))
        >>> bool(np.allclose(loudness_normalise(0.01 * tone), loudness_normalise(0.1 * tone), atol=1e-6))
        True
    """
    try:
        import pyloudnorm
    except ImportError as error:
        raise InputError('loudness needs pyloudnorm: pip install "audio-zoo[jnd]"') from error
    if len(audio) < _SHORTEST * sample_rate:
        raise InputError(f"{len(audio) / sample_rate:g} s is too short for its loudness; give {_SHORTEST:g} s or more")
    with np.errstate(divide="ignore"):  # -inf for silence
        loudness = pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(audio, "float64"))
    gain = 10 ** ((LOUDNESS - loudness) / 20) if np.isfinite(loudness) else 1.0
    return np.clip(gain * np.asarray(audio), -1, 1).astype("float32")
