"""Speech-like clips, noise, mixtures of them, and a small Quality-Net that knows nothing."""

import keras
import numpy as np
import pytest

from tests.support.enhancement import RATE, voice
from zoo.audio import mix
from zoo.checkpoint import preset
from zoo.enhancement import examples
from zoo.quality_net.model import QualityNetLite


@pytest.fixture(scope="module")
def speech_clips():
    return {f"talker {i}": [voice(4.0, seed=i), voice(5.0, seed=10 + i)] for i in range(3)}


@pytest.fixture(scope="module")
def noise_clips():
    return [mix.colored_noise(3 * RATE, exponent, np.random.default_rng(9)) for exponent in (0.0, 1.0)]


@pytest.fixture(scope="module")
def source(speech_clips, noise_clips):
    return examples.Mixtures(speech_clips, noise_clips, (-8, 8))


@pytest.fixture(scope="module")
def validation(speech_clips, noise_clips):
    return examples.validation_set(speech_clips, noise_clips, 5, seconds=1.0)


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory):
    """A small Quality-Net that knows nothing, as a source string."""
    directory = tmp_path_factory.mktemp("surrogate") / "lite"
    keras.utils.set_random_seed(0)
    preset.save(QualityNetLite(bands=8), directory)
    return f"{directory}/"
