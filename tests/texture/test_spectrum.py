"""The log spectrogram by its definition, counts of frames and samples, and audio of the length that is needed."""

import numpy as np
import pytest
from keras import ops

from zoo.texture import spectrum


def test_samples_after_the_length_do_not_count():
    audio = np.random.default_rng(0).uniform(-1, 1, (1, 1000)).astype("float32")
    silenced = np.where(np.arange(1000) < 700, audio, 0).astype("float32")
    masked, expected = spectrum.log_spectrogram(audio, np.array([700])), spectrum.log_spectrogram(silenced)
    np.testing.assert_array_equal(ops.convert_to_numpy(masked), ops.convert_to_numpy(expected))


@pytest.mark.parametrize("samples", [512, 575, 576, 16000, 16001])
def test_frames_and_samples_correspond(samples):
    frames = spectrum.frame_count(samples)
    assert spectrum.samples_in(frames) <= samples < spectrum.samples_in(frames + 1)
    needed = spectrum.frames_for(samples)
    audio, _ = spectrum.audio_of(np.zeros((needed, spectrum.BINS)), samples, 0, np.random.default_rng(0))
    assert audio.shape == (samples,)
    # Both ends, 448 samples each, fade; one frame less would leave too few between them.
    assert spectrum.samples_in(needed) - 2 * 448 >= samples > spectrum.samples_in(needed - 1) - 2 * 448


def test_the_spectrogram_is_its_definition():
    audio = np.random.default_rng(0).standard_normal(4000)
    window = np.sin(np.pi * np.arange(512) / 512) ** 2
    frames = np.lib.stride_tricks.sliding_window_view(audio, 512)[::64]
    computed = np.asarray(spectrum.log_spectrogram(audio[None]))[0]
    np.testing.assert_allclose(computed, np.log1p(np.abs(np.fft.rfft(frames * window))), atol=1e-6)
    assert len(computed) == spectrum.frame_count(4000)


def test_audio_has_the_length_that_is_needed():
    for samples in (512, 1000, 4096):
        frames = spectrum.frames_for(samples)
        audio, convergence = spectrum.audio_of(np.ones((frames, 257)), samples, 3, np.random.default_rng(0))
        assert audio.shape == (samples,) and len(convergence) == 3
    ends = audio[:100], audio[-100:]
    assert all(0.5 < np.std(end) / np.std(audio) < 2 for end in ends)
