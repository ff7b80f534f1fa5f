"""Degradations beyond the paper's, by their physical values: what codecs, networks and enhancers do to speech.

All process mono clips, (samples,), at 22,050 Hz, and keep length and alignment. `zoo.jnd.severity` orders them.
"""

import warnings
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import scipy.signal

from zoo.audio import codecs, io, mix, phase
from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE

_WIDEBAND = 16000  # Hz, at which codecs and vocoders of speech work
OPUS_KBPS = (6.0, 256.0)  # ends of libsndfile's scale, of each channel
_PACKET = 0.02  # seconds of a packet
_N_FFT, _HOP = 512, 128
_TILE = (4, 6)  # frames and bins, 23 ms and 260 Hz at 22,050 Hz, that a hole takes out
_FLOOR = 0.05  # least gain of spectral subtraction
_EPS = 1e-12


def mnru(speech: np.ndarray, q_db: float, rng: np.random.Generator) -> np.ndarray:
    """Modulated noise (MNRU, ITU-T P.810, wideband form): y = x (1 + 10^(-Q / 20) n), n white Gaussian of power 1.

    Args:
        speech: float (samples,).
        q_db: ratio of speech to modulated noise in dB.
        rng: NumPy generator of n.

    Returns:
        float32 (samples,).

    Example:
        >>> noisy = mnru(np.ones(100000), 20.0, np.random.default_rng(0))
        >>> round(float(np.std(noisy)), 2)
        0.1
    """
    return (speech * (1 + 10 ** (-q_db / 20) * rng.standard_normal(len(speech)))).astype("float32")


def opus(speech: np.ndarray, kbps: float) -> np.ndarray:
    """Encode as Opus at 16 kHz (libsndfile's encoder, variable bit rate) and decode.

    Args:
        speech: float (samples,).
        kbps: asked for in kb/s, 6..256; at the lowest, libsndfile gives about 8.

    Returns:
        float32 (samples,).

    Example:
        >>> opus(np.zeros(22050, "float32"), 12.0).shape
        (22050,)
    """
    return _coded(speech, "OGG", "OPUS", compression_level=codecs.compression_level(kbps, *OPUS_KBPS))


def adpcm(speech: np.ndarray, kbps: int) -> np.ndarray:
    """Encode as NMS ADPCM at 16 kHz and decode.

    Args:
        speech: float (samples,).
        kbps: 32, 24 or 16 of the format at 8 kHz, which are 4, 3 or 2 bits a sample.

    Returns:
        float32 (samples,).

    Example:
        >>> adpcm(np.zeros(22050, "float32"), 16).shape
        (22050,)
    """
    return _coded(speech, "WAV", f"NMS_ADPCM_{kbps}")


def _coded(speech, *codec, **options):
    """Speech through a codec of libsndfile at 16 kHz."""
    return at_wideband(speech, lambda wideband: codecs.encode_and_decode(wideband, _WIDEBAND, *codec, **options)[0])


def at_wideband(speech: np.ndarray, process: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Speech after a process at 16 kHz, which also takes out what is above 8 kHz.

    Args:
        speech: float (samples,) at 22,050 Hz.
        process: float32 (samples,) at 16 kHz in [-1, 1] -> the same, perhaps of another length.

    Returns:
        float32 (samples,).

    Example:
        >>> at_wideband(np.zeros(22050), lambda wideband: wideband[:-100]).shape
        (22050,)
    """
    wideband = np.clip(io.resample(np.asarray(speech, "float32"), SAMPLE_RATE, _WIDEBAND), -1, 1)
    audio = io.resample(np.asarray(process(wideband), "float32"), _WIDEBAND, SAMPLE_RATE)[: len(speech)]
    return np.pad(audio, (0, len(speech) - len(audio)))


def clip_peaks(speech: np.ndarray, share: float) -> np.ndarray:
    """Clip a share of the samples at one level on both sides.

    Example:
        >>> clip_peaks(np.array([-1.0, 0.5, 0.2, 0.1]), 0.25).tolist()
        [-0.625, 0.5, 0.20000000298023224, 0.10000000149011612]
    """
    level = np.quantile(np.abs(speech), 1 - share)
    return np.clip(speech, -level, level).astype("float32")


def low_pass(speech: np.ndarray, cutoff: float, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Take out what is above a frequency in Hz: Butterworth of order 8, forwards and backwards.

    Example:
        >>> tone = np.sin(2 * np.pi * 5000 / SAMPLE_RATE * np.arange(4000))
        >>> bool(np.abs(low_pass(tone, 2000.0)[500:-500]).max() < 1e-3)
        True
    """
    return scipy.signal.sosfiltfilt(
        scipy.signal.butter(8, cutoff, fs=sample_rate, output="sos"), np.asarray(speech, "float64")
    ).astype("float32")


def lose_packets(
    speech: np.ndarray, share: float, rng: np.random.Generator, sample_rate: int = SAMPLE_RATE
) -> np.ndarray:
    """Replace packets of 20 ms by the packet before them, fading by 6 dB each, as simple receivers do.

    With the same state of the generator, the packets that a smaller share loses are among those of a larger one.

    Args:
        speech: float (samples,).
        share: of the packets that are lost, 0..1.
        rng: NumPy generator of which.
        sample_rate: in Hz.

    Returns:
        float32 (samples,).

    Example:
        >>> lose_packets(np.ones(22050), 1.0, np.random.default_rng(0))[[0, 441, 882]].tolist()
        [0.0, 0.0, 0.0]
    """
    out = np.array(speech, "float32")
    size = int(_PACKET * sample_rate)
    packets = -(-len(out) // size)
    for i in np.sort(rng.permutation(packets)[: round(share * packets)]):
        start = i * size
        packet = out[start : start + size]
        packet[:] = 0.5 * out[start - size : start][: len(packet)] if i else 0.0
    return out


def punch_holes(speech: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Take out tiles of the spectrogram, as harsh enhancers and masks do: 23 ms x 260 Hz, or half as long and twice as
    high at 44.1 kHz.

    With the same state of the generator, the tiles of a smaller share are among those of a larger one.

    Args:
        speech: float (samples,).
        share: of the tiles, 0..1.
        rng: NumPy generator of which.

    Returns:
        float32 (samples,).

    Example:
        >>> bool(np.abs(punch_holes(np.ones(22050), 1.0, np.random.default_rng(0))).max() < 1e-6)
        True
    """

    def gains(spectrum):
        rank = rng.random([-(-size // tile) for size, tile in zip(spectrum.shape, _TILE, strict=True)])
        passed = np.repeat(np.repeat(rank >= share, _TILE[0], axis=0), _TILE[1], axis=1)
        return passed[: spectrum.shape[0], : spectrum.shape[1]]

    return _filtered(speech, gains)


def denoise_harshly(speech: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise, and take most of it out again by spectral subtraction, which leaves musical noise.

    The gain of each bin is 1 - 2 |N| / |Y|, at least 0.05, |N| the mean magnitude of the noise in the bin.

    Args:
        speech, noise: float (samples,).
        snr_db: before the subtraction, in dB.

    Returns:
        float32 (samples,).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> speech, noise = np.sin(0.1 * np.arange(22050)), rng.normal(size=22050)
        >>> bool(np.std(denoise_harshly(speech, noise, 0.0) - speech) < np.std(speech))
        True
    """
    noisy = mix.mix_at_snr(speech, noise, snr_db)
    level = np.abs(phase.spectrum(_padded(noisy - speech), _N_FFT, _HOP)).mean(axis=0)
    return _filtered(noisy, lambda spectrum: np.maximum(1 - 2 * level / (np.abs(spectrum) + _EPS), _FLOOR))


def _filtered(audio, gains):
    """Audio whose short-time spectrum is multiplied by what `gains` makes of it."""
    spectrum = phase.spectrum(_padded(audio), _N_FFT, _HOP)
    return phase.waveform(spectrum * gains(spectrum), _N_FFT, _HOP)[_N_FFT : _N_FFT + len(audio)].astype("float32")


def _padded(audio):
    return np.pad(np.asarray(audio, "float32"), (_N_FFT, -len(audio) % _HOP + _N_FFT))


def vocode(speech: np.ndarray, dimensions: int) -> np.ndarray:
    """Resynthesise speech by WORLD (Morise et al. 2016) at 16 kHz from pitch and a coarse spectral envelope.

    Args:
        speech: float (samples,).
        dimensions: of the envelope in each frame of 5 ms; fewer are coarser.

    Returns:
        float32 (samples,).

    Raises:
        InputError: pyworld is not installed.

    Example:
        >>> vocode(np.random.default_rng(0).normal(size=22050) / 10, 16).shape  # needs pyworld  # doctest: +SKIP
        (22050,)
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of setuptools, which pyworld asks for its own version
            import pyworld
    except ImportError as error:
        raise InputError('vocoded speech needs pyworld: pip install "audio-zoo[severity]"') from error

    def resynthesise(wideband):
        wideband = wideband.astype("float64")
        pitch, times = pyworld.harvest(wideband, _WIDEBAND)
        envelope = pyworld.cheaptrick(wideband, pitch, times, _WIDEBAND)
        aperiodicity = pyworld.d4c(wideband, pitch, times, _WIDEBAND)
        coarse = pyworld.code_spectral_envelope(envelope, _WIDEBAND, dimensions)
        envelope = pyworld.decode_spectral_envelope(coarse, _WIDEBAND, 2 * (envelope.shape[1] - 1))
        return pyworld.synthesize(pitch, envelope, aperiodicity, _WIDEBAND)

    return at_wideband(speech, resynthesise)


def disperse(speech: np.ndarray, milliseconds: float, rng: np.random.Generator) -> np.ndarray:
    """Change the phases by a random all-pass: group delays that vary slowly with frequency, at most `milliseconds`.

    Magnitudes stay, so that little of it is heard; waveforms differ in every sample.

    Args:
        speech: float (samples,).
        milliseconds: greatest group delay, either way.
        rng: NumPy generator.

    Returns:
        float32 (samples,).

    Example:
        >>> speech = np.random.default_rng(0).normal(size=22050)
        >>> other = disperse(speech, 2.0, np.random.default_rng(1))
        >>> bool(abs(np.std(other) - np.std(speech)) < 0.02), bool(np.std(other - speech) > 0.5)
        (True, True)
    """
    padded = np.pad(np.asarray(speech, "float64"), SAMPLE_RATE // 10)
    spectrum = np.fft.rfft(padded)
    smooth = scipy.ndimage.gaussian_filter1d(rng.standard_normal(len(spectrum)), 300 * len(padded) / SAMPLE_RATE)
    delay = milliseconds / 1000 * smooth / np.abs(smooth).max()
    angle = -2 * np.pi * np.cumsum(delay) * SAMPLE_RATE / len(padded)
    changed = np.fft.irfft(spectrum * np.exp(1j * angle), len(padded))
    return changed[SAMPLE_RATE // 10 :][: len(speech)].astype("float32")


def drift(speech: np.ndarray, ratio: float) -> np.ndarray:
    """Play speech faster by a ratio such as 1.001, as between two clocks; zeros follow where it ends early.

    Example:
        >>> bool(drift(np.arange(1000.0), 1.001)[500] == 500.5)
        True
    """
    return np.interp(np.arange(len(speech)) * ratio, np.arange(len(speech)), speech, right=0.0).astype("float32")
