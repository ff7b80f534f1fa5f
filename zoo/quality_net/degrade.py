"""Errors of enhancers, imitated, to train a metric of speech quality on; channels and codecs are in `zoo.audio`."""

import numpy as np
import scipy.ndimage
import scipy.signal

_EPS = 1e-10


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
