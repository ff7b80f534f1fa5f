"""Griffin-Lim: its transform is inverted, magnitudes come nearer in each round, momentum is faster."""

import numpy as np
import pytest

from zoo.audio import phase

N_FFT, HOP = 512, 64


@pytest.fixture
def magnitude():
    rng = np.random.default_rng(0)
    time = np.arange(8192) / 16000
    sound = np.sin(2 * np.pi * (300 + 2000 * time) * time) + 0.05 * rng.standard_normal(8192)
    return np.abs(phase.spectrum(sound.astype("float32"), N_FFT, HOP))


@pytest.mark.parametrize(("n_fft", "hop_length"), [(512, 64), (1024, 256)])
def test_the_transform_is_inverted(n_fft, hop_length):
    audio = np.random.default_rng(0).standard_normal(8192).astype("float32")
    back = phase.waveform(phase.spectrum(audio, n_fft, hop_length), n_fft, hop_length)
    assert back.shape == audio.shape and back.dtype == "float32"
    np.testing.assert_allclose(back[n_fft:-n_fft], audio[n_fft:-n_fft], atol=1e-5)


def test_each_round_comes_nearer(magnitude):
    output = []
    audio, convergence = phase.griffin_lim(
        magnitude, N_FFT, HOP, 30, np.random.default_rng(0), progress=lambda *at: output.append(at)
    )
    assert audio.shape == (8192,) and audio.dtype == "float32"
    assert (np.diff(convergence) < 1e-6).all() and convergence[-1] < 0.5 * convergence[0]
    assert output == list(enumerate(convergence))
    again, _ = phase.griffin_lim(magnitude, N_FFT, HOP, 30, np.random.default_rng(0))
    np.testing.assert_array_equal(again, audio)


def test_momentum_is_faster(magnitude):
    plain, fast = (
        phase.griffin_lim(magnitude, N_FFT, HOP, 60, np.random.default_rng(0), momentum)[1] for momentum in (0, 0.99)
    )
    assert fast[0] == plain[0] and fast[-1] < 0.9 * plain[-1]


def test_silence_stays_silent():
    audio, convergence = phase.griffin_lim(np.zeros((9, 257)), N_FFT, HOP, 2, np.random.default_rng(0))
    assert not audio.any() and convergence == [0, 0]
