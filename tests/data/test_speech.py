"""Reading and drawing of recordings: splits share nothing, stretches are loud enough and of the seed."""

import numpy as np
import pytest
import soundfile

from tests.support.audio import voice
from tests.support.harness import data_path
from zoo.audio import mix
from zoo.data.speech import SPLITS, TEST_SPLITS, draw_noise, draw_speech, read_corpus
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


@pytest.mark.slow
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
    rooms = {split: {room.tobytes() for room in corpus.rooms} for split, corpus in zip(SPLITS, splits, strict=True)}
    assert not (rooms["train"] | rooms["validation"]) & (rooms["test"] | rooms["test2"])


def test_seeds_of_the_splits_stay():
    assert SPLITS[:4] == ("train", "validation", "test", "test2") and set(TEST_SPLITS) < set(SPLITS)


@pytest.fixture
def tree(tmp_path):
    """A function of talkers of the training rows and of rooms that writes a data folder with them; gives the folder."""

    def write(talkers, rooms=("hall",)):
        rows = [f"speech/train/{talker}.flac,{talker},train" for talker in talkers]
        rows += [f"speech/{split}/{split}.flac,{split} talker,{split}" for split in TEST_SPLITS]
        rows += [f"noise/{name}.flac,{name},{split}" for name, split in NOISES.items()]
        rows += [f"rir/{room}.flac,{room}," for room in (*rooms, "seminar_room_clap")]
        for seed, row in enumerate(rows):
            path = tmp_path / row.split(",")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                soundfile.write(path, voice(0.1, seed=seed), RATE)
        (tmp_path / "MANIFEST.csv").write_text("\n".join(["path,speaker_or_class,split", *rows]))
        read_corpus.cache_clear()
        return tmp_path

    return write


NOISES = {"rain": "train", "baby_cry": "train", "wind": "test", "creek": "test2"}


def test_talkers_stay_in_their_split_when_others_are_added(tree):
    few = ["libri_103", "libri_1034", *(f"talker {i}" for i in range(40))]
    before = {split: set(read_corpus(tree(few), split).speech) for split in SPLITS}
    more = ["libri_1", "a new talker", *few, *(f"voice {i}" for i in range(40))]
    after = {split: set(read_corpus(tree(more), split).speech) for split in SPLITS}
    assert all(before[split] <= after[split] for split in SPLITS) and before["test"] == after["test"]
    assert "libri_103" in before["validation"] and {"libri_1034", "libri_1"} <= after["train"]
    assert 4 <= len(after["validation"]) <= 16


def test_the_second_test_has_talkers_and_noise_of_its_own_and_the_rooms_of_the_first(tree):
    data = tree(["libri_103", "libri_1034"], ("hall", "cellar"))
    first, second = (read_corpus(data, split) for split in TEST_SPLITS)
    assert list(first.speech) == ["test talker"] and list(second.speech) == ["test2 talker"]
    assert first.noise[0].tobytes() != second.noise[0].tobytes()
    assert len(first.rooms) == len(second.rooms) == 1 and len(read_corpus(data, "train").rooms) == 2
    np.testing.assert_array_equal(first.rooms[0], second.rooms[0])
