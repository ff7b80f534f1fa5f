"""Degradations to train a metric of speech quality on: channels, codecs, lost packets, and errors of enhancers.

Each takes float32 speech (samples,) and a NumPy generator that draws its strength, and returns the same shape,
aligned in time with its input. Enhancement-like ones also take the noise. NumPy, SciPy and libsndfile only.
"""

import io

import numpy as np
import scipy.ndimage
import scipy.signal
import soundfile

_EPS = 1e-10


# --- channels -------------------------------------------------------------------------------------------------


def band_limit(speech, sample_rate, rng):
    """Low-pass, high-pass or telephone band by a Butterworth filter without delay (forward-backward)."""
    low = float(np.exp(rng.uniform(np.log(80), np.log(800))))
    high = float(np.exp(rng.uniform(np.log(1500), np.log(0.47 * sample_rate))))
    band, edges = [("lowpass", high), ("highpass", low), ("bandpass", [low, high])][rng.integers(3)]
    sections = scipy.signal.butter(int(rng.integers(2, 7)), edges, band, fs=sample_rate, output="sos")
    return scipy.signal.sosfiltfilt(sections, speech).astype("float32")


def tilt(speech, sample_rate, rng):
    """A smooth random equaliser: up to 12 dB in each of 8 bands."""
    gains_db = rng.uniform(-1, 1, 8) * rng.uniform(2, 12)
    spectrum = np.fft.rfft(speech)
    place = np.linspace(0, 7, len(spectrum))
    return np.fft.irfft(spectrum * 10 ** (np.interp(place, np.arange(8), gains_db) / 20), len(speech)).astype("float32")


def clip(speech, sample_rate, rng):
    """Hard or soft clipping at a quantile of the absolute waveform."""
    limit = max(np.quantile(np.abs(speech), rng.uniform(0.5, 0.995)), 1e-4)
    if rng.random() < 0.5:
        return np.clip(speech, -limit, limit).astype("float32")
    return (limit * np.tanh(speech / limit)).astype("float32")


def lose_packets(speech, sample_rate, rng):
    """Drop packets of 10..40 ms, 1..20 % of them in bursts; each lost one is silent or repeats the one before."""
    size = int(rng.uniform(0.01, 0.04) * sample_rate)
    out = speech.copy()
    repeat, rate, burst = rng.random() < 0.5, rng.uniform(0.01, 0.2), rng.uniform(0.0, 0.6)
    lost = False
    for start in range(size, len(speech) - size, size):
        lost = rng.random() < (burst if lost else rate)
        if lost:
            out[start : start + size] = out[start - size : start] if repeat else 0.0
    return out


def quantize(speech, sample_rate, rng):
    """Uniform quantisation to 4..10 bits of the clip's own range."""
    step = np.max(np.abs(speech)) / 2 ** rng.uniform(3, 9) + _EPS
    return (np.round(speech / step) * step).astype("float32")


# --- codecs ---------------------------------------------------------------------------------------------------

_CODECS = [  # container, subtype, rate (None: the speech's own)
    ("MP3", "MPEG_LAYER_III", None), ("OGG", "VORBIS", None), ("OGG", "OPUS", None), ("OGG", "OPUS", 8000),
    ("WAV", "GSM610", 8000), ("WAV", "ULAW", 8000), ("WAV", "ULAW", None), ("WAV", "IMA_ADPCM", None),
    ("WAV", "IMA_ADPCM", 8000),
]  # fmt: skip


def codec(speech, sample_rate, rng):
    """Encode and decode through one of libsndfile's lossy codecs, at a random quality, with its delay taken out."""
    container, subtype, rate = _CODECS[rng.integers(len(_CODECS))]
    rate = rate or sample_rate
    signal = speech if rate == sample_rate else scipy.signal.resample_poly(speech, rate, sample_rate)
    level = {"compression_level": float(rng.uniform(0.0, 1.0))} if container in ("MP3", "OGG") else {}
    if container == "MP3":
        level["bitrate_mode"] = "CONSTANT"
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(signal, -1, 1), rate, format=container, subtype=subtype, **level)
    buffer.seek(0)
    decoded, decoded_rate = soundfile.read(buffer, dtype="float32")
    if decoded_rate != sample_rate:
        decoded = scipy.signal.resample_poly(decoded, sample_rate, decoded_rate)
    return align(decoded, speech)


def align(signal, reference, max_lag=4000):
    """Shift `signal` by the lag (at most `max_lag` samples) where it correlates best, to the reference's length."""
    correlation = scipy.signal.correlate(signal, reference, method="fft")
    lags = scipy.signal.correlation_lags(len(signal), len(reference))
    near = np.abs(lags) <= max_lag
    lag = int(lags[near][np.argmax(correlation[near])])
    shifted = signal[lag:] if lag > 0 else np.concatenate([np.zeros(-lag, "float32"), signal])
    out = np.zeros(len(reference), "float32")
    count = min(len(shifted), len(reference))
    out[:count] = shifted[:count]
    return out


# --- errors of enhancers ----------------------------------------------------------------------------------------


def enhance_like(speech, noise, sample_rate, rng):
    """Noisy speech after an imperfect enhancer: a ratio mask with errors, spectral subtraction or a Wiener filter.

    The gains imitate real enhancers: masks that are blurred (a network trained on squared error), noisy, too aggressive
    or too timid, floors from 0 to 0.3, and part of the noisy signal mixed back in.
    """
    n_fft = int(rng.choice([256, 512, 512, 1024]))
    window, hop = scipy.signal.get_window("hann", n_fft), n_fft // int(rng.choice([2, 4]))
    transform = scipy.signal.ShortTimeFFT(window, hop, fs=sample_rate)
    noisy = transform.stft(speech + noise)
    power_speech, power_noise = np.abs(transform.stft(speech)) ** 2, np.abs(transform.stft(noise)) ** 2
    method = rng.choice(["mask", "subtraction", "wiener"], p=[0.6, 0.15, 0.25])
    if method == "mask":
        gain = _imperfect_mask(power_speech, power_noise, rng)
    else:
        noise_psd = _rough_noise_psd(power_noise, rng)
        rule = _subtraction_gain if method == "subtraction" else _wiener_gain
        gain = rule(np.abs(noisy) ** 2, noise_psd, rng)
    gain = np.maximum(gain, rng.choice([0.0, 0.01, 0.05, 0.1, 0.3]))
    mixed_back = rng.uniform(0.0, 0.5) if rng.random() < 0.3 else 0.0
    enhanced = transform.istft(noisy * ((1 - mixed_back) * gain + mixed_back), k1=len(speech))
    return enhanced.astype("float32")


def _imperfect_mask(power_speech, power_noise, rng):
    """The ideal ratio mask to a random power, blurred, with smooth log-normal errors and random bias."""
    mask = (power_speech / (power_speech + power_noise + _EPS)) ** rng.uniform(0.3, 1.5)
    if rng.random() < 0.7:
        mask = scipy.ndimage.gaussian_filter(mask, (rng.uniform(0, 6), rng.uniform(0, 4)))
    if rng.random() < 0.7:
        errors = rng.standard_normal(mask.shape)
        errors = scipy.ndimage.gaussian_filter(errors, (rng.uniform(0, 4), rng.uniform(0, 3)))
        mask = mask * np.exp(rng.uniform(0.05, 1.2) * errors / (errors.std() + _EPS))
    if rng.random() < 0.3:  # bands the enhancer gets wrong altogether
        band = np.exp(rng.uniform(0.2, 1.5) * scipy.ndimage.gaussian_filter1d(rng.standard_normal(len(mask)), 8) * 4)
        mask = mask * band[:, None]
    if rng.random() < 0.3:
        mask = mask + rng.uniform(0.0, 0.4)
    return np.clip(mask, 0.0, rng.choice([1.0, 1.0, 2.0]))


def _rough_noise_psd(power_noise, rng):
    """A noise estimate as good as real ones: slow averages of the true noise, off by a few dB."""
    psd = scipy.ndimage.uniform_filter1d(power_noise, int(rng.integers(20, 200)), axis=1, mode="nearest")
    return psd * 10 ** (rng.normal(0, 3) / 10) + _EPS


def _subtraction_gain(power_noisy, noise_psd, rng):
    """Power spectral subtraction with over-subtraction 1..4: leaves musical noise."""
    return np.sqrt(np.maximum(1 - rng.uniform(1, 4) * noise_psd / (power_noisy + _EPS), 0.0))


def _wiener_gain(power_noisy, noise_psd, rng):
    """Wiener gain xi / (1 + xi), decision-directed a-priori SNR (Scalart 1996) with smoothing 0.8..0.99."""
    smoothing = rng.uniform(0.8, 0.99)
    posterior = np.minimum(power_noisy / noise_psd, 1e4)
    gain, previous = np.empty_like(posterior), np.maximum(posterior[:, 0] - 1, 0)
    for frame in range(posterior.shape[1]):
        prior = smoothing * previous + (1 - smoothing) * np.maximum(posterior[:, frame] - 1, 0)
        gain[:, frame] = prior / (1 + prior)
        previous = gain[:, frame] ** 2 * posterior[:, frame]
    return gain
