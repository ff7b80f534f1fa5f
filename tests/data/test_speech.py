"""Reading and drawing of recordings: splits share nothing, stretches are loud enough and of the seed."""

import numpy as np
import pytest

from tests.support.harness import data_path
from zoo.audio import mix
from zoo.data.speech import SPLITS, draw_noise, draw_speech, read_corpus
from zoo.errors import InputError

RATE = 16000


def rng():
    return np.random.default_rng(0)


def test_missing_data_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="ZOO_DATA"):
        read_corpus(tmp_path, "train")


def test_speech_comes_from_the_loud_part_at_the_level_asked_for():
    clip = np.concatenate([np.zeros(4 * RATE, "float32"), mix.colored_noise(RATE, 1.0, rng())])
    stretch = draw_speech({"talker": [clip]}, RATE // 2, (-26, -26), rng())
    assert mix.rms(stretch) == pytest.approx(10 ** (-26 / 20), rel=1e-4)
    np.testing.assert_array_equal(stretch, draw_speech({"talker": [clip]}, RATE // 2, (-26, -26), rng()))


def test_speech_that_is_too_short_says_so():
    with pytest.raises(InputError, match="longer recordings"):
        draw_speech({"talker": [np.ones(100, "float32")]}, 200, (-26, -26), rng())


def test_noise_is_looped_and_hardly_ever_silent():
    bark = np.concatenate([np.ones(1000, "float32"), np.zeros(9000, "float32")])
    drawn = [draw_noise([bark], 800, np.random.default_rng(seed)) for seed in range(50)]
    assert np.mean([mix.rms(noise) > 0.05 for noise in drawn]) > 0.5
    assert draw_noise([bark], 30000, rng()).shape == (30000,)
    both = [bark, np.roll(0.1 * bark, 5000)]
    known = [mix.rms(recording) for recording in both]
    for seed in range(20):
        one, other = (draw_noise(both, 800, np.random.default_rng(seed), rms) for rms in (None, known))
        np.testing.assert_array_equal(one, other)


def test_no_talker_noise_or_room_is_in_two_splits():
    data = data_path("MANIFEST.csv").parent
    splits = [read_corpus(data, split) for split in SPLITS]
    for corpus in splits:
        assert min(len(corpus.speech), len(corpus.noise), len(corpus.rooms)) > 1
    for i, one in enumerate(splits):
        for other in splits[i + 1 :]:
            assert not one.speech.keys() & other.speech.keys()
            noises = {noise.tobytes() for noise in one.noise}
            assert not noises & {noise.tobytes() for noise in other.noise}
    rooms = [{room.tobytes() for room in corpus.rooms} for corpus in splits]
    assert not (rooms[0] | rooms[1]) & rooms[2]
