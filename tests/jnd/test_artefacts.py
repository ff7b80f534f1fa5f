"""Degradations by value: length and alignment stay, and a more severe value does more."""

import numpy as np
import pytest

from zoo.jnd import artefacts
from zoo.jnd.effects import SAMPLE_RATE

CLIP = (0.2 * np.sin(0.3 * np.arange(20000)) * np.sin(0.001 * np.arange(20000)) ** 2).astype("float32")
RNG = np.random.default_rng
NOISE = RNG(7).standard_normal(len(CLIP))
CHANGES = {  # {name: (function of a clip, mild value, severe value)}
    "mnru": (lambda x, v: artefacts.mnru(x, v, RNG(0)), 30, 10),
    "opus": (artefacts.opus, 40.0, 6.0),
    "adpcm": (artefacts.adpcm, 32, 16),
    "clipping": (artefacts.clip_peaks, 0.01, 0.4),
    "low-pass": (artefacts.low_pass, 5000.0, 800.0),
    "packet loss": (lambda x, v: artefacts.lose_packets(x, v, RNG(0)), 0.05, 0.4),
    "holes": (lambda x, v: artefacts.punch_holes(x, v, RNG(0)), 0.02, 0.5),
    "denoised": (lambda x, v: artefacts.denoise_harshly(x, NOISE, v), 30, 0),
    "disperse": (lambda x, v: artefacts.disperse(x, v, RNG(0)), 0.01, 2.0),
    "drift": (artefacts.drift, 1.0001, 1.001),
}


@pytest.mark.parametrize("name", CHANGES)
def test_length_and_type_stay_and_more_does_more(name):
    change, mild, severe = CHANGES[name]
    changed = [change(CLIP, value) for value in (mild, severe)]
    assert all(x.shape == CLIP.shape and x.dtype == np.float32 and np.isfinite(x).all() for x in changed)
    small, large = (np.std(x - CLIP) for x in changed)
    assert 0 < small < large
    np.testing.assert_array_equal(change(CLIP, severe), changed[1])


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "denoised"])
def test_silence_stays_silent(name):
    change, _, severe = CHANGES[name]
    np.testing.assert_allclose(change(np.zeros(20000, "float32"), severe), 0.0, atol=2e-3)


@pytest.mark.parametrize("name", ["opus", "adpcm", "holes", "low-pass", "disperse"])
def test_nothing_is_delayed(name):
    change, mild, _ = CHANGES[name]
    speech = (RNG(1).standard_normal(20000) * np.repeat(RNG(2).uniform(0, 0.3, 20), 1000)).astype("float32")
    speech = artefacts.low_pass(speech, 3000.0)
    lags = np.arange(-200, 201)
    changed = change(speech, mild)
    products = [np.dot(speech[300:-300], changed[300 + lag : len(changed) - 300 + lag]) for lag in lags]
    assert abs(lags[int(np.argmax(products))]) <= 1


def test_mnru_is_a_ratio_of_speech_to_modulated_noise():
    noise = artefacts.mnru(CLIP, 15.0, RNG(0)) - CLIP
    assert 10 * np.log10(np.mean(CLIP**2) / np.mean(noise**2)) == pytest.approx(15.0, abs=0.3)
    assert not noise[CLIP == 0].any()


def test_lost_packets_repeat_the_one_before_and_fade():
    ramp = np.arange(1.0, 5 * 441 + 1)
    for seed in range(20):
        out = artefacts.lose_packets(ramp, 0.4, RNG(seed)).reshape(5, 441)
        lost = [i for i in range(5) if not np.array_equal(out[i], ramp.reshape(5, 441)[i])]
        assert len(lost) == 2
        for i in lost:
            np.testing.assert_array_equal(out[i], 0.5 * out[i - 1] if i else np.zeros(441))


def test_a_dispersed_recording_keeps_its_magnitudes():
    clip = np.pad(RNG(0).standard_normal(8000), 4000)
    changed = artefacts.disperse(clip, 2.0, RNG(1))
    np.testing.assert_allclose(np.abs(np.fft.rfft(changed))[::50], np.abs(np.fft.rfft(clip))[::50], rtol=0.1, atol=3.0)


def test_vocoded_speech_is_alike_in_level():
    pytest.importorskip("pyworld")
    voice = np.sign(np.sin(2 * np.pi * 150 / SAMPLE_RATE * np.arange(20000))) * np.sin(3e-4 * np.arange(20000)) * 0.1
    changed = artefacts.vocode(voice, 40)
    assert changed.shape == voice.shape
    assert np.std(changed) == pytest.approx(np.std(voice), rel=0.5)
