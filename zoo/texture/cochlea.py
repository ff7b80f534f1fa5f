"""A differentiable model of the ear's first stages: cochlear bands, their envelopes, and filters of modulation.

After McDermott and Simoncelli 2011, "Sound Texture Perception via Statistics of the Auditory Periphery". All filters
have zero phase and act on the spectrum of the whole clip, so time is circular, as in the paper: the start follows the
end. Therefore no function here takes `lengths`: zeros after a clip would be part of the circle.
"""

import functools

import numpy as np
from keras import ops

from zoo.audio.dsp import Tensor
from zoo.errors import InputError

SAMPLE_RATE = 20_000  # Hz
ENVELOPE_RATE = 400  # Hz
STEP = SAMPLE_RATE // ENVELOPE_RATE  # samples from one value of an envelope to the next
BANDS = 30  # cosine bands; a low-pass and a high-pass filter are beyond them
MODULATIONS = np.geomspace(0.5, 200.0, 20)  # Hz, centres of the bands that measure modulation power
MODULATION_QUALITY = 2.0
OCTAVES = 100.0 / 2.0 ** np.arange(6, -1, -1)  # Hz, 1.5625..100, centres of the bands for correlations of modulation
OCTAVE_QUALITY = 2.0**0.5  # bands an octave wide, whose squares sum to one

_LOW_HZ, _HIGH_HZ = 20.0, 10_000.0
_COMPRESSION = 0.3
_EPS = 1e-10  # of squared magnitude, inside the root: bounds the gradient 100 dB below full scale


def cochlear_filters(samples: int) -> np.ndarray:
    """Responses of the cochlear bands at the bins of a clip's spectrum; their squares sum to one at every bin.

    Half cosines on the ERB-rate scale of Glasberg and Moore 1990, E(f) = 9.265 ln(1 + f / 228.8): band k of 1..30
    reaches from the centre of band k - 1 to that of k + 1; 32 points equally spaced from E(20 Hz) to E(10 kHz) are its
    centres and ends, hence the paper's centres of 52..8844 Hz. Band 0 is the low-pass filter that falls from 20 Hz,
    band 31 the high-pass filter that reaches one at 10 kHz.

    Args:
        samples: length of the clip at 20 kHz.

    Returns:
        float64 (32, samples // 2 + 1), in [0, 1].

    Example:
        >>> filters = cochlear_filters(20000)
        >>> bool(np.allclose((filters**2).sum(axis=0), 1.0, rtol=0, atol=1e-12))
        True
    """
    low, high, rate = (_erb_rate(f) for f in (_LOW_HZ, _HIGH_HZ, np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)))
    position = np.clip((rate - low) / (high - low), 0, 1) * (BANDS + 1)
    return np.cos(np.pi / 2 * np.clip(position - np.arange(BANDS + 2)[:, None], -1, 1))


def band_centers() -> np.ndarray:
    """Centres of the 32 cochlear bands in Hz, float64 (32,): the low-pass filter 20, the cosines, the high-pass 10,000.

    Example:
        >>> band_centers()[[1, 30]].round().astype(int).tolist()
        [52, 8844]
    """
    rates = np.linspace(_erb_rate(_LOW_HZ), _erb_rate(_HIGH_HZ), BANDS + 2)
    return 228.8455 * np.expm1(rates / 9.265)


def _erb_rate(frequency):
    return 9.265 * np.log1p(np.asarray(frequency) / 228.8455)


def modulation_filters(
    frames: int, centers: np.ndarray = MODULATIONS, quality: float = MODULATION_QUALITY
) -> np.ndarray:
    """Responses of constant-Q filters at the bins of an envelope's spectrum.

    Half cosines on log frequency, cos(pi / 2 log2(f / centre) / w) for |log2(f / centre)| < w, with w octaves such that
    the bandwidth at -3 dB is centre / Q: w = 2 asinh(1 / (2 Q)) / ln 2, 0.71 for Q = 2 and 1 for Q = sqrt(2).

    A departure from the paper: the squared response at a bin is the mean over the width of the bin. In a clip of a few
    seconds the lowest bands have one or two bins; with the response at their centres alone, the measured power would
    depend on the length of the clip.

    Args:
        frames: length of the envelope at 400 Hz.
        centers: (bands,) Hz.
        quality: Q, centre / bandwidth.

    Returns:
        float64 (bands, frames // 2 + 1), in [0, 1]; 0 at 0 Hz, because the mean of an envelope is no modulation.

    Example:
        >>> modulation_filters(1200).shape
        (20, 601)
    """
    parts = 32
    within = (np.arange(parts) + 0.5) / parts - 0.5
    frequency = (np.arange(1, frames // 2 + 1)[:, None] + within) * ENVELOPE_RATE / frames
    width = 2 * np.arcsinh(0.5 / quality) / np.log(2)
    octaves = np.log2(frequency / np.asarray(centers)[:, None, None])
    squared = np.square(np.cos(np.pi / 2 * np.clip(octaves / width, -1, 1))).mean(axis=-1)
    return np.pad(np.sqrt(squared), ((0, 0), (1, 0)))


def cochleagram(waveform: Tensor) -> tuple[Tensor, Tensor]:
    """Subbands of a waveform, and their compressed envelopes.

    subband_k = F^-1[H_k F[x]], H_k from `cochlear_filters`; envelope_k = |subband_k + i Hilbert(subband_k)|^0.3, then
    low-pass filtered (ideally, at 200 Hz) and sampled at 400 Hz. Circular in time. 1e-10 is added to the squared
    magnitude, so that silence has a finite gradient; its envelope is 0.032.

    Args:
        waveform: float (batch, samples) in [-1, 1] at 20 kHz, of a static number of samples, 50 or more. The last
            samples % 50 are ignored.

    Returns:
        (subbands, envelopes): (batch, 32, samples // 50 * 50) and (batch, 32, samples // 50), of the waveform's type.

    Raises:
        InputError: another shape.

    Example:
        >>> subbands, envelopes = cochleagram(np.zeros((1, 40000), "float32"))
        >>> tuple(subbands.shape), tuple(envelopes.shape)
        ((1, 32, 40000), (1, 32, 800))
    """
    if len(waveform.shape) != 2 or waveform.shape[1] is None or waveform.shape[1] < STEP:
        raise InputError(
            f"the waveform has the shape {tuple(waveform.shape)}; give (batch, samples), {STEP} samples or more, "
            "their number known in advance: the filters act on the whole clip"
        )
    frames = waveform.shape[1] // STEP
    samples = frames * STEP
    spectrum = [part[:, None] for part in ops.rfft(ops.convert_to_tensor(waveform)[:, :samples])]
    subbands, quadrature = analytic(spectrum, _cochlear_filters(samples), samples)
    envelopes = ops.power(ops.square(subbands) + ops.square(quadrature) + _EPS, _COMPRESSION / 2)
    # With an even number of frames the last bin is at 200 Hz; half of it is an alias, so it is left out.
    bins = (frames + 1) // 2
    low_pass = [part[..., :bins] / STEP for part in ops.rfft(envelopes)]
    low_pass = [ops.pad(part, ((0, 0), (0, 0), (0, frames // 2 + 1 - bins))) for part in low_pass]
    return subbands, ops.irfft(tuple(low_pass), frames)


def analytic(spectrum: tuple[Tensor, Tensor], filters: np.ndarray, samples: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of the analytic signals of filtered real ones.

    Args:
        spectrum: real and imaginary part, as of `keras.ops.rfft`, each (..., bins).
        filters: NumPy (filters, bins), zero-phase responses; they broadcast against the spectrum.
        samples: length of the result.

    Returns:
        The filtered signal and its Hilbert transform, (..., samples) each.

    Example:
        >>> spectrum = ops.rfft(np.cos(np.arange(8, dtype="float32") * np.pi / 2))
        >>> bool(np.allclose(analytic(spectrum, np.ones((1, 5)), 8)[1], np.sin(np.arange(8) * np.pi / 2), atol=1e-6))
        True
    """
    # The spectrum of a real signal is real at 0 Hz and at the Nyquist frequency, so -i X is left out there.
    rotated = filters * ((np.arange(filters.shape[-1]) > 0) & (np.arange(filters.shape[-1]) < samples / 2))
    filters, rotated = (ops.convert_to_tensor(h, spectrum[0].dtype) for h in (filters, rotated))
    real, imaginary = spectrum
    signal = ops.irfft((real * filters, imaginary * filters), samples)
    return signal, ops.irfft((imaginary * rotated, -real * rotated), samples)


_cochlear_filters = functools.lru_cache(maxsize=4)(cochlear_filters)
