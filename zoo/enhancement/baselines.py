"""Classical enhancers that the networks are compared with: Scalart's Wiener filter, OM-LSA, spectral gating. No learning.

All hold the whole recording in memory. They model the noise and not the speech, so they work at any common rate.
"""

from functools import partial

import numpy as np
import scipy.signal

from zoo.audio.checks import as_batch, as_floats, whole_rate
from zoo.enhancement.omlsa import FRAME_SECONDS, OVERLAPS, gains
from zoo.errors import InputError

_FRAME_SECONDS = 0.02
_NOISE_FRAMES = 6  # frame lengths at the start that hold noise alone: 120 ms
_SMOOTHING = 0.98  # of the a-priori SNR and of the noise's spectrum
_SPEECH = 0.15  # mean log likelihood ratio of a bin above which a frame is speech
_FLOOR = 1e-12  # least power of a bin's noise, -140 dB re full scale: what follows digital silence is not divided by 0
_DITHER = 1e-10


def wiener(noisy: np.ndarray, sample_rate: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """Wiener filter on a decision-directed a-priori SNR (Scalart and Filho 1996).

    Frames of 20 ms, half overlapping, periodic Hamming window, no scaling; the canonical dual window puts them
    together, so gains of 1 give the recording back. In each bin and frame, with the a-posteriori SNR
    gamma = |X|^2 / noise:
    xi = 0.98 (G_before^2 gamma_before) + 0.02 max(gamma - 1, 0), G = xi / (1 + xi), noisy phase. The first 120 ms (6
    frame lengths) are taken for noise, so a recording that begins with speech loses some of it; then a frame whose
    mean of gamma xi / (1 + xi) - log(1 + xi) over the bins is below 0.15 updates it, noise = 0.98 noise + 0.02 |X|^2.
    Frames of digital silence are left out of both. The paper leaves the noise's estimate open: this one and its
    figures are those of Loizou's "Speech Enhancement" (2007), whose gain is the square root of the one here.

    Args:
        noisy: speech in noise, float `(samples,)` or `(batch, samples)` in [-1, 1].
        sample_rate: Hz, any.
        lengths: integers `(batch,)`, samples of each recording before padding; None where nothing is padded.

    Returns:
        float32 of the shape of `noisy`, aligned with it; zero at and after `lengths`. It may peak beyond 1.

    Raises:
        InputError: other shapes, no samples, a rate not above 0, or NaN or infinity in what counts.

    Example:
        >>> silence = np.zeros(16000, "float32")
        >>> bool(np.array_equal(wiener(silence, 16000), silence))
        True
    """
    return _each(partial(_wiener, sample_rate=sample_rate), noisy, sample_rate, lengths)


def omlsa(noisy: np.ndarray, sample_rate: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """OM-LSA with the noise by MCRA (Cohen and Berdugo 2001), a baseline of Manocha et al. 2020.

    Frames of 32 ms, a quarter of it apart, Hamming window; gains of `zoo.enhancement.omlsa.gains`, noisy phase; the
    canonical dual window puts frames together. The constants are those of the paper for 16 kHz, at other rates too.

    Args:
        noisy, sample_rate, lengths: as for `wiener`.

    Returns:
        float32 of the shape of `noisy`, aligned with it; zero at and after `lengths`. It may peak beyond 1.

    Raises:
        InputError: as for `wiener`.

    Example:
        >>> silence = np.zeros(16000, "float32")
        >>> bool(np.array_equal(omlsa(silence, 16000), silence))
        True
    """
    return _each(partial(_omlsa, sample_rate=sample_rate), noisy, sample_rate, lengths)


def spectral_gating(noisy: np.ndarray, sample_rate: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """Spectral gating for noise that changes, by the package noisereduce (Sainburg 2019) with its own settings.

    Frames of 1024 samples, hop 256, periodic Hann window. A bin's gain is a sigmoid of how far its magnitude is above
    its mean over about 2 s around it, smoothed over 500 Hz and 50 ms. Noise at -200 dB re full scale, the same in each
    call, is added first: in digital silence the package's ratio would be 0 / 0.

    Args:
        noisy, lengths: as for `wiener`.
        sample_rate: Hz, 5120 to 256000.

    Returns:
        float32 of the shape of `noisy`, aligned with it; zero at and after `lengths`.

    Raises:
        InputError: as for `wiener`, for another rate, or where noisereduce is not installed.

    Example:
        >>> enhanced = spectral_gating(noisy, 16000)  # needs noisereduce  # doctest: +SKIP
    """
    try:
        from noisereduce import reduce_noise
    except ImportError as error:
        raise InputError('spectral gating needs noisereduce: pip install "audio-zoo[baselines]"') from error
    return _each(partial(_gate, sample_rate=sample_rate, reduce_noise=reduce_noise), noisy, sample_rate, lengths)


def _each(enhance, noisy, sample_rate, lengths):
    """`enhance`, a function of one recording, on each recording of a batch up to its length."""
    noisy = as_floats(noisy)
    if not noisy.size:
        raise InputError(f"audio has shape {noisy.shape}, no samples; give a recording")
    whole_rate(sample_rate)
    rows, lengths = as_batch(noisy, lengths=lengths)
    enhanced = np.zeros(rows.shape, "float32")
    for out, row, n in zip(enhanced, rows, lengths, strict=True):
        if not np.isfinite(row[:n]).all():
            raise InputError("the audio holds NaN or infinity; repair it")
        if n:
            out[:n] = enhance(row[:n].astype("float64"))
    return enhanced.reshape(noisy.shape)


def _wiener(recording, sample_rate):
    hop = max(round(_FRAME_SECONDS / 2 * sample_rate), 1)
    transform = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hamming", 2 * hop, fftbins=True), hop, sample_rate)
    padded = np.pad(recording, (0, max(2 * hop - len(recording), 0)))
    spectrum = transform.stft(padded)
    power = np.square(np.abs(spectrum)).T
    # A frame that reaches past an end holds zeros, and so less noise: it is left out of the estimate.
    first, last = transform.lower_border_end[1], transform.upper_border_begin(len(padded))[1]
    whole = power[first - transform.p_min : last - transform.p_min]
    start = whole[whole.any(axis=1)][: 2 * _NOISE_FRAMES - 1]
    noise = start.mean(axis=0) if len(start) else np.zeros(power.shape[1])
    return transform.istft(spectrum * _gains(power, noise).T, k1=len(padded))[: len(recording)]


def _omlsa(recording, sample_rate):
    hop = max(round(FRAME_SECONDS / OVERLAPS * sample_rate), 1)
    window = scipy.signal.get_window("hamming", OVERLAPS * hop, fftbins=True)
    transform = scipy.signal.ShortTimeFFT(window, hop, sample_rate)
    padded = np.pad(recording, (0, max(len(window) - len(recording), 0)))
    spectrum = transform.stft(padded)
    # Full scale is a magnitude of 1, whatever the length of the window.
    power = np.square(np.abs(spectrum.T) / window.sum())
    # A frame that reaches past an end holds zeros: the noise would begin too low. It has the gain of the nearest whole one.
    first, last = transform.lower_border_end[1], transform.upper_border_begin(len(padded))[1]
    places = np.clip(np.arange(len(power)) + transform.p_min, first, max(last - 1, first)) - first
    whole = power[first - transform.p_min :][: max(last - first, 1)]
    return transform.istft(spectrum * gains(whole)[places].T, k1=len(padded))[: len(recording)]


def _gains(power, noise):
    """Wiener gains 0..1 of the power of each (frame, bin), from the noise's power in each bin at the start."""
    gains, before = np.empty_like(power), 1.0  # G^2 gamma of the frame before
    noise = np.maximum(noise, _FLOOR)
    for gain, observed in zip(gains, power, strict=True):
        posterior = observed / noise
        prior = _SMOOTHING * before + (1 - _SMOOTHING) * np.maximum(posterior - 1, 0)
        gain[:] = prior / (1 + prior)
        before = gain**2 * posterior
        # A frame of digital silence tells nothing of the noise.
        if observed.any() and np.mean(posterior * gain - np.log1p(prior)) < _SPEECH:
            noise = np.maximum(_SMOOTHING * noise + (1 - _SMOOTHING) * observed, _FLOOR)
    return gains


def _gate(recording, sample_rate, reduce_noise):
    dither = _DITHER * np.random.default_rng(0).standard_normal(len(recording))
    try:
        return reduce_noise(recording + dither, sample_rate)
    except ValueError as error:
        raise InputError(f"spectral gating takes 5120 to 256000 Hz, not {sample_rate} Hz; resample it") from error
