"""The paper's fixed mixtures: so many, at their SNRs, always the same."""

import numpy as np
import pytest

from zoo.audio import mix
from zoo.enhancement import fixed
from zoo.errors import InputError

RNG = np.random.default_rng(0)
SHORT = [RNG.normal(size=16000 + 10 * i).astype("float32") for i in range(3)]
NOISE = [RNG.normal(size=20000).astype("float32") for _ in range(2)]


def test_every_utterance_meets_every_noise_at_every_snr():
    source = fixed.FixedMixtures(SHORT, NOISE)
    assert len(source) == 3 * 2 * 5
    snrs, segments = [], []
    for number in range(len(source)):
        reference, noisy = source.mixture(number)
        noise = noisy - reference
        snrs.append(20 * np.log10(mix.rms(reference) / mix.rms(noise)))
        segments.append(noise / mix.rms(noise))
        assert 20 * np.log10(mix.rms(reference)) == pytest.approx(-26, abs=1e-3)
        assert np.array_equal(noisy, source.mixture(number)[1])
    np.testing.assert_allclose(snrs, np.tile([-8, -4, 0, 4, 8], 6), atol=1e-3)
    np.testing.assert_allclose(segments[0], segments[4], atol=1e-3)
    assert not np.allclose(segments[0], segments[5], atol=0.1)


def test_clips_are_segments_of_the_mixtures():
    source = fixed.FixedMixtures(SHORT[:1], NOISE[:1], snrs_db=(0,))
    reference, noisy = source.mixture(0)
    clip, noisy_clip = source.draw(4000, np.random.default_rng(1))
    start = int(np.flatnonzero(reference == clip[0])[0])
    assert np.array_equal(clip, reference[start : start + 4000])
    assert np.array_equal(noisy_clip, noisy[start : start + 4000])
    longer = source.draw(20000, np.random.default_rng(1))
    assert longer[0].shape == (20000,) and not longer[1][16000:].any()


def test_the_protocol_has_15000_training_and_2000_test_mixtures():
    speech = {f"talker {i}": SHORT[:1] * 31 + [np.zeros(16000, "float32"), SHORT[0][:100]] for i in range(10)}
    source = fixed.training_mixtures(speech, NOISE * 6)
    assert len(source) == 15000 and len(source.utterances) == 300 and len(source.noises) == 10
    examples = fixed.test_mixtures({"one": SHORT[:1] * 70, "two": SHORT[1:2] * 70}, NOISE * 3)
    assert len(examples) == 2000 and len({example.name for example in examples}) == 100
    assert {example.snr_db for example in examples} == {-6, 0, 6, 12, 18}
    with pytest.raises(InputError, match="300 utterances, and there are 31"):
        fixed.training_mixtures({"one": SHORT[:1] * 31}, NOISE * 6)
    with pytest.raises(InputError, match="10 recordings"):
        fixed.training_mixtures(speech, NOISE)
