"""Mixtures and recordings to train, validate and test enhancers on."""

import numpy as np
import pytest

from tests.support.enhancement import RATE, voice
from zoo.audio import mix
from zoo.enhancement import examples
from zoo.errors import InputError


def test_mixtures_have_the_snr_asked_for(speech_clips, noise_clips):
    reference, noisy = examples.Mixtures(speech_clips, noise_clips, (3, 3)).draw(RATE, np.random.default_rng(0))
    assert 20 * np.log10(mix.rms(reference) / mix.rms(noisy - reference)) == pytest.approx(3, abs=0.01)
    assert 20 * np.log10(mix.rms(reference)) == pytest.approx(-26, abs=0.01)


def test_mixtures_without_variety_stay_what_they_are(source):
    _, noisy = source.draw(RATE, np.random.default_rng(0))
    assert float(np.abs(noisy).sum()) == pytest.approx(657.3115, rel=1e-5)


def test_a_share_of_the_mixtures_is_nearly_clean(speech_clips, noise_clips):
    source = examples.Mixtures(speech_clips, noise_clips, (0, 0), clean_share=0.5)
    snrs_db = []
    for seed in range(40):
        reference, noisy = source.draw(RATE, np.random.default_rng(seed))
        snrs_db.append(20 * np.log10(mix.rms(reference) / mix.rms(noisy - reference)))
    clean = [snr_db for snr_db in snrs_db if snr_db > 1]
    assert 10 < len(clean) < 30 and min(clean) > 29.9 and max(clean) < 60.1


BEFORE = ("babble", "mixed-noise", "coloured", "equaliser", "speed", "rooms")  # the mixture: they keep its SNR
AFTER = ("clipping", "packets", "codecs", "ffmpeg-codecs")


def mixtures(speech_clips, noise_clips, kinds, monkeypatch):
    room = mix.decaying_room(0.3, 5.0, RATE, np.random.default_rng(8))
    monkeypatch.setattr(examples.varied, "simulated_rooms", lambda kinds, split: (room,))
    return examples.Mixtures(speech_clips, noise_clips, (3, 3), [room], kinds)


@pytest.mark.parametrize("kind", BEFORE)
def test_variety_before_the_mixture_keeps_level_and_snr(speech_clips, noise_clips, kind, monkeypatch):
    plain = examples.Mixtures(speech_clips, noise_clips, (3, 3))
    varied, changed = mixtures(speech_clips, noise_clips, (kind,), monkeypatch), 0
    for seed in range(25):
        reference, noisy = varied.draw(RATE, np.random.default_rng(seed))
        assert reference.shape == noisy.shape == (RATE,) and reference.dtype == noisy.dtype == np.float32
        assert 20 * np.log10(mix.rms(reference) / mix.rms(noisy - reference)) == pytest.approx(3, abs=0.01)
        assert 20 * np.log10(mix.rms(reference)) == pytest.approx(-26, abs=0.01)
        np.testing.assert_array_equal(noisy, varied.draw(RATE, np.random.default_rng(seed))[1])
        changed += not np.array_equal(noisy, plain.draw(RATE, np.random.default_rng(seed))[1])
    assert changed > 0


def test_variety_after_the_mixture_leaves_the_reference_alone(speech_clips, noise_clips, monkeypatch):
    monkeypatch.setattr(examples.codecs, "code_by_ffmpeg", lambda noisy, *_: noisy + 1)
    varied = mixtures(speech_clips, noise_clips, AFTER, monkeypatch)
    channel = examples._through_channel
    calls = []
    monkeypatch.setattr(
        examples,
        "_through_channel",
        lambda noisy, rng, chance: calls.append((noisy, chance)) or channel(noisy, rng, chance),
    )
    drawn = set()
    for seed in range(250):
        _, noisy = varied.draw(RATE // 2, np.random.default_rng(seed))
        mixture, chance = calls[-1]
        assert len(chance.drawn) <= 1 and (chance.drawn or np.array_equal(noisy, mixture))
        # At 1 % of the packets none may be lost.
        assert chance.drawn in ([], ["packets"]) or not np.array_equal(noisy, mixture)
        assert noisy.shape == (RATE // 2,) and noisy.dtype == np.float32 and np.isfinite(noisy).all()
        drawn |= set(chance.drawn)
    assert drawn == set(AFTER) and set(BEFORE) | drawn == set(examples.VARIETY)


def test_an_unknown_variety_is_refused(speech_clips, noise_clips):
    with pytest.raises(InputError, match="no variety is called 'bable'"):
        examples.Mixtures(speech_clips, noise_clips, (3, 3), variety=("bable",))


def test_batches_are_those_of_seed_epoch_and_index(source):
    one, other = (examples.Batches(source, RATE, 2, 3, seed=5) for _ in range(2))
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0][0], one[1][0])
    other.shuffle(1)
    assert not np.array_equal(one[1][0], other[1][0])
    noisy, reference = one[0]
    assert noisy.shape == reference.shape == (2, RATE) and noisy.dtype == np.float32 and len(one) == 3


def test_recordings_are_cut_alike():
    reference = voice(3.0, seed=1)
    drawn = examples.Recordings([(reference, 0.5 * reference)]).draw(RATE, np.random.default_rng(0))
    np.testing.assert_allclose(drawn[1], 0.5 * drawn[0], rtol=1e-5)
    with pytest.raises(InputError, match="1000 s"):
        examples.Recordings([(reference, reference)]).draw(1000 * RATE, np.random.default_rng(0))


def test_validation_takes_turns_from_minus_10_to_10_db(validation):
    assert [example.snr_db for example in validation] == [-10, -5, 0, 5, 10]
    assert {len(example.noisy) for example in validation} == {RATE}


def test_the_test_set_has_whole_utterances_at_each_snr(speech_clips, noise_clips):
    made = examples.test_set(speech_clips, noise_clips, noises=2)
    assert len(made) == 6 * 2 * 5
    assert len({example.name for example in made}) == 6
    assert {len(example.reference) for example in made} == {4 * RATE, 5 * RATE}
    for example in made[:5]:
        noise = example.noisy - example.reference
        assert 20 * np.log10(mix.rms(example.reference) / mix.rms(noise)) == pytest.approx(example.snr_db, abs=0.05)
    with pytest.raises(InputError, match="recording of noise"):
        examples.test_set(speech_clips, [])
    with pytest.raises(InputError, match="utterance of 1 s"):
        examples.test_set({"talker": [np.ones(100, "float32")]}, noise_clips)
