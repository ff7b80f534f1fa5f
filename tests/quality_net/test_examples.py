"""Pairs depend on the seed alone; a build goes on where it stopped."""

import json

import numpy as np
import pytest
import soundfile

from tests.support.audio import voice
from zoo.audio import mix
from zoo.data.speech import Corpus
from zoo.errors import InputError
from zoo.quality_net import examples

RATE = examples.SAMPLE_RATE


@pytest.fixture(scope="module")
def corpus():
    speech = {f"talker {i}": [voice(5.0, seed=i)] for i in range(3)}
    noise = [mix.colored_noise(RATE, 0.0, np.random.default_rng(9))]
    return Corpus(speech, noise, [mix.decaying_room(0.3, 5.0, RATE, np.random.default_rng(8))])


def test_draws_are_the_seeds(corpus):
    first, again, other = (examples.draw(corpus, 2 * RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[1], again[1])
    assert np.abs(first[1] - other[1]).max() > 0


def test_every_kind_is_drawn_and_in_range(corpus):
    kinds = set()
    for seed in range(120):
        reference, degraded, facts = examples.draw(corpus, RATE, np.random.default_rng(seed))
        kinds.add(facts["kind"])
        assert reference.shape == degraded.shape == (RATE,)
        assert np.isfinite(degraded).all()
        assert max(np.abs(reference).max(), np.abs(degraded).max()) <= 0.9901
        if facts["kind"] == "noisy":
            assert -10 <= facts["snr_db"] <= 30
    assert {"noisy", "enhanced", "reverb", "codec", "clip", "clean"} <= kinds


def test_draws_without_variety_stay_what_they_are(corpus):
    pinned = {0: ("enhanced", 0.00838822), 3: ("noisy", 0.08495398), 4: ("clip", 0.09520746), 5: ("reverb", 0.02452245)}
    for seed, (kind, level) in pinned.items():
        _, degraded, facts = examples.draw(corpus, 2 * RATE, np.random.default_rng(seed))
        assert facts.keys() == {"kind", "snr_db"} and facts["kind"] == kind
        assert float(mix.rms(degraded)) == pytest.approx(level, rel=1e-5)


def test_each_variety_comes_and_keeps_length_and_range(corpus):
    simulated, drawn = tuple(corpus.rooms), set()
    kinds = set(examples.VARIETY) - {"ffmpeg-codecs"}
    for seed in range(110):
        both = [
            examples.draw(corpus, RATE // 2, np.random.default_rng(seed), sorted(kinds), simulated)
            for _ in range(1 + seed % 2)
        ]
        reference, degraded, facts = both[0]
        np.testing.assert_array_equal(degraded, both[-1][1])
        drawn |= set(facts["variety"])
        assert reference.shape == degraded.shape == (RATE // 2,) and reference.dtype == degraded.dtype == np.float32
        assert np.isfinite(degraded).all() and max(np.abs(reference).max(), np.abs(degraded).max()) <= 0.9901
        assert facts["kind"] != "clean" or np.corrcoef(reference, degraded)[0, 1] > 0.999
    assert drawn == kinds


def test_pairs_to_which_a_variety_does_not_come_are_those_without_it(corpus):
    untouched = 0
    for seed in range(30):
        plain, some, more = (
            examples.draw(corpus, RATE // 4, np.random.default_rng(seed), kinds, tuple(corpus.rooms))
            for kinds in ((), ("shift",), ("shift", "rooms", "mixed-noise"))
        )
        if not some[2]["variety"]:
            np.testing.assert_array_equal(some[1], plain[1])
        if some[2]["variety"] == more[2]["variety"]:
            np.testing.assert_array_equal(some[1], more[1])
            untouched += 1
    assert 10 < untouched < 30


def test_codecs_of_ffmpeg_come_where_they_are_named(corpus, monkeypatch):
    calls = []
    monkeypatch.setattr(examples.codecs, "code_by_ffmpeg", lambda speech, *_: calls.append(1) or speech)
    facts = [examples.draw(corpus, RATE // 4, np.random.default_rng(seed), ["ffmpeg-codecs"])[2] for seed in range(90)]
    assert len(calls) == sum(one["variety"] == ["ffmpeg-codecs"] for one in facts) > 0
    assert {one["kind"] for one in facts if one["variety"]} == {"codec"}


def test_shifts_are_at_most_50_ms(corpus, monkeypatch):
    shifts = []
    monkeypatch.setattr(examples.speed, "shift", lambda degraded, samples: shifts.append(samples) or degraded)
    for seed in range(90):
        examples.draw(corpus, RATE // 4, np.random.default_rng(seed), ["shift"])
    assert len(shifts) > 10 and min(shifts) < -300 and max(shifts) > 300 and np.abs(shifts).max() <= 800


@pytest.fixture
def data(tmp_path):
    """A data folder of the real one's shape, with two talkers, a noise and two rooms a split."""
    root = tmp_path / "data"
    rows = ["path,speaker_or_class,split"]
    for split in ("train", "test"):
        for i in range(2):
            rows.append(f"speech/{split}/{split}{i}.flac,{split} talker {i},{split}")
        rows.append(f"noise/{split}/hum.flac,hum {split},{split}")
    rows += ["rir/hall.flac,hall,", "rir/seminar_room_clap.flac,seminar room,"]
    root.mkdir()
    for i, row in enumerate(rows[1:]):
        path = root / row.split(",")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, voice(4.5, seed=i), RATE)
    (root / "MANIFEST.csv").write_text("\n".join(rows))
    return root


def test_build_is_resumable_and_repeatable(data, tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "CHUNK", 4)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        examples.build(data, "test", 7, folder, n_jobs=1)
    kept = (first / "test" / "chunk_0000.json").stat().st_mtime_ns
    (first / "test" / "chunk_0001.json").unlink()
    examples.build(data, "test", 7, first, n_jobs=1)
    assert (first / "test" / "chunk_0000.json").stat().st_mtime_ns == kept
    ours, theirs = (examples.Chunks(folder, "test", 7) for folder in (first, second))
    assert len(ours) == 8
    assert ours.facts == theirs.facts
    for a, b in zip(ours.audio, theirs.audio, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not list(first.rglob("*.part*"))
    assert json.loads((first / "test" / "chunk_0000.json").read_text())[0].keys() == {"kind", "snr_db"}


def test_pairs_of_other_lengths_say_theirs(data, tmp_path, monkeypatch):
    """Those beyond a clip's length are cut from several of one talker."""
    monkeypatch.setattr(examples, "CHUNK", 2)
    with open(data / "MANIFEST.csv", "a") as file:
        file.write("\nspeech/test/test0.flac,test talker 1,test")
    examples.build(data, "test", 4, tmp_path, n_jobs=1, seconds=(1.0, 8.0))
    chunks = examples.Chunks(tmp_path, "test", 4)
    assert [audio.shape for audio in chunks.audio] == [(2, 2, RATE), (2, 2, 8 * RATE)]
    assert [pair["seconds"] for pair in chunks.facts] == [1.0, 1.0, 8.0, 8.0]


def test_an_unknown_variety_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="no variety is called 'bable'"):
        examples.build(data, "test", 1, tmp_path, variety=("bable",))


def test_missing_examples_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match="build them first"):
        examples.Chunks(tmp_path, "train", 1)
