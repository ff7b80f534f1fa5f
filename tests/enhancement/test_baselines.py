"""Classical enhancers: exact without a gain, sane on odd input, better than nothing in steady noise."""

import sys

import numpy as np
import pytest
import soundfile

from tests.support.harness import data_path
from zoo.audio import mix
from zoo.enhancement import baselines
from zoo.errors import InputError
from zoo.metrics import speech

RATE = 16000


@pytest.fixture(params=[baselines.wiener, baselines.spectral_gating])
def enhance(request):
    if request.param is baselines.spectral_gating:
        pytest.importorskip("noisereduce")
    return request.param


def talk_in_noise(seconds=2.0, snr_db=5.0, rate=RATE):
    """Reference and noisy: bursts of tones after 0.3 s of noise alone, in white noise."""
    rng = np.random.default_rng(0)
    time = np.arange(int(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 12))
    reference = (0.1 * voice * (np.sin(2 * np.pi * 1.5 * time) > 0) * (time > 0.3)).astype("float32")
    return reference, mix.mix_at_snr(reference, mix.colored_noise(len(time), 0.0, rng), snr_db)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("samples", [1, 100, 320, 12345])
def test_wiener_with_gains_of_one_gives_the_recording_back(monkeypatch, rate, samples):
    monkeypatch.setattr(baselines, "_gains", lambda power, noise: np.ones_like(power))
    recording = np.random.default_rng(0).uniform(-1, 1, samples).astype("float32")
    np.testing.assert_allclose(baselines.wiener(recording, rate), recording, atol=1e-5)


def test_wiener_gains_follow_the_snr():
    power = np.tile([1.0, 101.0], (200, 1))
    gains = baselines._gains(power, np.ones(2))
    assert gains[-1, 0] < 0.05  # a bin of noise alone
    assert 0.98 < gains[-1, 1] < 1.0  # xi / (1 + xi) at 20 dB is 0.990


def test_wiener_follows_noise_that_changes_in_pauses():
    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal(8 * RATE).astype("float32")
    noise[4 * RATE :] *= 1.4
    enhanced = baselines.wiener(noise, RATE)
    assert mix.rms(enhanced[7 * RATE :]) < 0.2 * mix.rms(noise[7 * RATE :])


def test_wiener_finds_noise_behind_leading_zeros():
    noisy = np.concatenate([np.zeros(RATE, "float32"), talk_in_noise()[1]])
    assert mix.rms(baselines.wiener(noisy, RATE)[RATE : RATE + 4000]) < 0.4 * mix.rms(noisy[RATE : RATE + 4000])


def test_noise_goes_and_speech_stays(enhance):
    reference, noisy = talk_in_noise()
    enhanced = enhance(noisy, RATE)
    assert mix.rms(enhanced[:4000]) < 0.5 * mix.rms(noisy[:4000])
    assert np.corrcoef(enhanced, reference)[0, 1] > 0.8


def test_wiener_raises_pesq_and_si_sdr_of_speech_that_begins_after_the_noise():
    clip, _ = soundfile.read(min(data_path("speech", "test").rglob("*.flac")), dtype="float32")
    reference = np.pad(clip[: 10 * RATE], (RATE // 5, 0))
    noisy = mix.mix_at_snr(reference, mix.colored_noise(len(reference), 0.0, np.random.default_rng(0)), 6.0)
    enhanced = baselines.wiener(noisy, RATE)
    for metric, gain in (("pesq-wb", 0.1), ("si-sdr", 2.0)):
        before, after = (speech.score_pair(metric, reference, audio, RATE) for audio in (noisy, enhanced))
        assert after > before + gain, metric


def test_batches_are_their_recordings_up_to_their_lengths(enhance):
    _, noisy = talk_in_noise(1.0)
    batch = np.stack([noisy, noisy[::-1]])
    lengths = np.array([9000, len(noisy)])
    enhanced = enhance(batch, RATE, lengths)
    assert enhanced.shape == batch.shape and enhanced.dtype == np.float32
    np.testing.assert_array_equal(enhanced[0, :9000], enhance(noisy[:9000], RATE))
    np.testing.assert_array_equal(enhanced[1], enhance(batch[1], RATE))
    assert not enhanced[0, 9000:].any()


@pytest.mark.parametrize("rate", [8000, 96000])
def test_odd_recordings_give_sane_ones(enhance, rate):
    rng = np.random.default_rng(0)
    half = rng.uniform(-1, 1, rate // 2).astype("float32")
    odd = {
        "silence": np.zeros(rate, "float32"),
        "one sample": np.ones(1, "float32"),
        "10 ms": half[: rate // 100],
        "full scale": np.sign(rng.uniform(-1, 1, rate)).astype("float32"),
        "constant": np.full(rate, 0.5, "float32"),
        "silence, noise, silence": np.concatenate([0 * half, half, 0 * half]),
    }
    for name, recording in odd.items():
        enhanced = enhance(recording, rate)
        assert enhanced.shape == recording.shape and enhanced.dtype == np.float32, name
        assert np.isfinite(enhanced).all() and np.abs(enhanced).max() < 2, name
    assert np.abs(enhance(odd["silence"], rate)).max() < 1e-9


@pytest.mark.parametrize(
    ("noisy", "rate", "lengths", "message"),
    [
        (np.full(400, np.nan), RATE, None, "NaN or infinity"),
        (np.array([np.inf, 0.0]), RATE, None, "NaN or infinity"),
        (np.zeros(0), RATE, None, "shape \\(0,\\)"),
        (np.zeros(400, "int16"), RATE, None, "give float"),
        (np.zeros((2, 3, 400)), RATE, None, "give \\(samples,\\)"),
        (np.zeros((400, 2)), 0, None, "the sample rate is 0"),
        (np.zeros((2, 400)), RATE, [1, 401], "0..400"),
    ],
)
def test_input_that_cannot_be_used(enhance, noisy, rate, lengths, message):
    with pytest.raises(InputError, match=message):
        enhance(noisy, rate, lengths)


def test_what_lies_after_the_length_is_not_looked_at(enhance):
    noisy = np.concatenate([talk_in_noise(0.5)[1], np.full(100, np.nan, "float32")])
    assert np.isfinite(enhance(noisy, RATE, [RATE // 2])).all()


def test_spectral_gating_refuses_a_rate_that_the_package_cannot_take():
    pytest.importorskip("noisereduce")
    with pytest.raises(InputError, match="not 4000 Hz; resample it"):
        baselines.spectral_gating(np.zeros(400), 4000)


def test_spectral_gating_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "noisereduce", None)
    with pytest.raises(InputError, match=r"audio-zoo\[baselines\]"):
        baselines.spectral_gating(np.zeros(400), RATE)
