"""Spectrograms for pages: their levels, sizes and colours."""

import io as memory
import sys

import numpy as np
import pytest
from PIL import Image

from zoo.audio import pictures
from zoo.errors import InputError

SINE = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)


@pytest.mark.parametrize("n_fft", [512, 2048])
def test_a_full_scale_sine_is_0_db(n_fft):
    level = pictures.level_db(SINE, n_fft)[:, 5:-5]
    np.testing.assert_allclose(level[n_fft // 16], 0, atol=0.01)
    assert np.all(level[n_fft // 8 :] < -50)


def test_fewer_bins_and_frames_have_the_mean_power():
    level = 20 * np.random.default_rng(0).standard_normal((100, 50))
    small = pictures.shrunk(level, 10, 25)
    assert small.shape == (10, 25)
    assert small[3, 4] == pytest.approx(10 * np.log10(np.mean(10 ** (level[30:40, 8:10] / 10))))
    np.testing.assert_allclose(pictures.shrunk(level, 200, 200), level)


def test_the_picture_has_high_frequencies_above_and_loud_ones_bright():
    level = np.full((8, 5), -80.0)
    level[0] = 0
    image = np.array(Image.open(memory.BytesIO(pictures.spectrogram(level, 0))).convert("L"), int)
    assert image.shape == (8, 5) and image[-1].min() > 200 and image[:-1].max() < 20


def test_the_key_has_both_ends():
    assert pictures.top_db([np.array([[-41.0]]), np.array([[-90.0]])]) == -40
    assert "-120 dB" in pictures.key(-40) and "-40 dB re full scale" in pictures.key(-40)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"audio-zoo\[plots\]"):
        pictures.key(0)
