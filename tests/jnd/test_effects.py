"""The perturbations: exact where mathematics is, aligned, of the same length, silent on silence."""

import sys

import numpy as np
import pytest
import scipy.signal

from zoo.audio import mix
from zoo.errors import InputError
from zoo.jnd import effects
from zoo.jnd.effects import SAMPLE_RATE


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def clip():
    """Pink noise in syllables, with pauses: 1 s."""
    noise = mix.colored_noise(SAMPLE_RATE, 1.0, rng())
    return effects.loudness_normalise(
        noise * np.maximum(np.sin(2 * np.pi * 3 * np.arange(SAMPLE_RATE) / SAMPLE_RATE), 0)
    )


EFFECTS = {
    "mp3": lambda clip: effects.mp3(clip, 33.3),
    "mu-law": lambda clip: effects.mu_law(clip, 4.5),
    "eq": lambda clip: effects.equalise(clip, (10, 50, 90)),
    "pops": lambda clip: effects.pops(clip, 0.01, rng()),
    "griffin-lim": lambda clip: effects.griffin_lim(clip, 3, rng()),
    "dropouts": lambda clip: effects.dropouts(clip, 0.1, rng()),
    "loudness": effects.loudness_normalise,
}


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("samples", [SAMPLE_RATE, 11111])
def test_length_type_and_silence(name, samples, clip):
    before = clip[:samples].copy()
    out = EFFECTS[name](clip[:samples])
    assert out.shape == (samples,) and out.dtype == np.float32 and np.isfinite(out).all()
    np.testing.assert_array_equal(out, EFFECTS[name](clip[:samples]))
    np.testing.assert_array_equal(clip[:samples], before)
    assert not EFFECTS[name](np.zeros(samples, "float32")).any()


def error_db(out, clip):
    return 20 * np.log10(mix.rms(out - clip) / mix.rms(clip))


@pytest.mark.parametrize("kbps", [8, 20.5, 48, 100, 160])
def test_mp3_is_aligned(kbps, clip):
    correlation = scipy.signal.correlate(effects.mp3(clip, kbps), clip)
    assert np.argmax(correlation) == len(clip) - 1
    assert correlation[len(clip) - 1] > 0.7 * np.sum(clip**2)


def test_mp3_improves_with_the_rate_and_ends_at_the_formats_rates(clip):
    errors = [error_db(effects.mp3(clip, kbps), clip) for kbps in (8, 12, 24, 33, 64)]
    assert (np.diff(errors) < 0).all()
    np.testing.assert_array_equal(effects.mp3(clip, 1), effects.mp3(clip, 8))
    np.testing.assert_array_equal(effects.mp3(clip, 300), effects.mp3(clip, 160))


def test_mu_law_has_its_levels():
    ramp = np.linspace(-1, 1, 20001)
    levels = np.unique(effects.mu_law(ramp, 3))
    assert len(levels) == 2**3 + 1  # and 0 itself
    positive = levels[levels > 0]
    np.testing.assert_allclose(np.log1p(255 * positive) / np.log(256), [0.125, 0.375, 0.625, 0.875], rtol=1e-5)
    assert len(np.unique(effects.mu_law(ramp, 3.5))) == 2 * 6 + 1
    assert np.abs(effects.mu_law(3 * ramp, 3.5)).max() <= 1


def test_mu_law_error_halves_with_each_bit(clip):
    errors = [error_db(effects.mu_law(clip, bits), clip) for bits in (6, 7, 8, 16, 60)]
    np.testing.assert_allclose(np.diff(errors)[:2], -6.02, atol=0.5)
    assert errors[3] < -75 and errors[4] < -130
    with pytest.raises(InputError, match="1 bit"):
        effects.mu_law(clip, 0.5)


def test_equaliser_bands_add_up(clip):
    np.testing.assert_allclose(effects.equalise(clip, (0, 0, 0)), clip, atol=1e-6)
    np.testing.assert_allclose(effects.equalise(clip, (100, 100, 100)), 0.1 * clip, atol=1e-6)
    with pytest.raises(InputError, match="three"):
        effects.equalise(clip, (1, 2))


@pytest.mark.parametrize(("frequency", "gain"), [(100, 0.1), (707, 10**-0.5), (4000, 1.0), (500, 0.208)])
def test_equaliser_gains(frequency, gain):
    tone = np.sin(2 * np.pi * frequency * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    out = effects.equalise(tone, (100, 50, 0))[5000:-5000]
    assert mix.rms(out) / mix.rms(tone) == pytest.approx(gain, rel=0.12)


def test_pops_are_counted_and_nested():
    clip = rng().standard_normal(SAMPLE_RATE).astype("float32")
    few, many = effects.pops(clip, 0.001, rng()), effects.pops(clip, 0.1, rng())
    changed = many != clip
    assert np.sum(changed) == pytest.approx(0.1 * len(clip), abs=2)
    assert np.sum(many[changed] == clip.max()) == pytest.approx(0.05 * len(clip), abs=2)
    assert np.sum(many[changed] == clip.min()) == pytest.approx(0.05 * len(clip), abs=2)
    assert np.sum(few != clip) == 22 and changed[few != clip].all()


@pytest.mark.parametrize("fraction", [0.0, 1e-4, 0.2, 1.0])
def test_dropouts_are_short_stretches_that_add_up(fraction):
    out = effects.dropouts(np.ones(SAMPLE_RATE, "float32"), fraction, rng())
    assert np.sum(out == 0) == round(fraction * SAMPLE_RATE)
    if fraction == 0.2:
        edges = np.sum(np.abs(np.diff(out)))
        assert 15 < edges / 2 <= 0.2 / 0.01 + 1


def test_griffin_lim_keeps_magnitudes_and_improves_with_iterations(clip):
    def magnitude(audio):
        return np.abs(scipy.signal.stft(audio, nperseg=1024, noverlap=768)[2])

    outs = [effects.griffin_lim(clip, iterations, rng()) for iterations in (0, 1, 10, 40)]
    distances = [np.linalg.norm(magnitude(out) - magnitude(clip)) / np.linalg.norm(magnitude(clip)) for out in outs]
    assert (np.diff(distances) < 0).all() and distances[-1] < 0.25
    assert error_db(outs[-1], clip) > -3  # the phases are others


def test_loudness(clip):
    import pyloudnorm

    meter = pyloudnorm.Meter(SAMPLE_RATE)
    tone = np.sin(2 * np.pi * 997 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    assert meter.integrated_loudness(effects.loudness_normalise(0.01 * tone)) == pytest.approx(-16, abs=0.01)
    spiky = clip.copy()
    spiky[100] = 30.0
    assert np.abs(effects.loudness_normalise(spiky)).max() == 1
    with pytest.raises(InputError, match="too short"):
        effects.loudness_normalise(clip[:8000])


def test_without_pyloudnorm_it_says_what_to_install(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyloudnorm", None)
    with pytest.raises(InputError, match="audio-zoo\\[jnd\\]"):
        effects.loudness_normalise(clip)


def test_noise_has_its_ratio(clip):
    noise = mix.colored_noise(len(clip), 0.0, rng())
    assert error_db(effects.add_noise(clip, noise, 12.3), clip) == pytest.approx(-12.3, abs=0.01)
