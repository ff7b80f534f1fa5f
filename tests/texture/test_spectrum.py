"""The log spectrogram by its definition, counts of frames and samples, and audio of the length that is needed."""

import numpy as np
import pytest
from keras import ops

from zoo.texture import spectrum


def test_the_spectrogram_is_its_definition():
    audio = np.random.default_rng(0).uniform(-1, 1, 1000).astype("float32")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = [np.fft.rfft(window * audio[start : start + 512]) for start in range(0, 489, 64)]
    computed = ops.convert_to_numpy(spectrum.log_spectrogram(audio[None]))[0]
    np.testing.assert_allclose(computed, np.log1p(np.abs(frames)), atol=1e-4)


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
