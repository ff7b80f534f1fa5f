"""Enhancers of training pairs: imitated, or checkpoints, whose output the pairs hold."""

import keras
import numpy as np
import pytest

from tests.support.audio import voice
from zoo.audio import mix
from zoo.checkpoint import preset
from zoo.data.speech import Corpus
from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.quality_net import examples
from zoo.quality_net.degrade import enhance_like
from zoo.quality_net.enhancers import fingerprint, load_enhancers
from zoo.quality_net.model import QualityNetLite

RATE = examples.SAMPLE_RATE


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small enhancer's checkpoint, and the enhancer."""
    keras.utils.set_random_seed(3)
    model, folder = DNNEnhancer(units=8), tmp_path_factory.mktemp("enhancer") / "small"
    preset.save(model, folder)
    return f"{folder}/", model


def test_a_checkpoint_enhances_the_noisy_speech(checkpoint):
    source, model = checkpoint
    speech, noise = voice(1.0, seed=1), 0.02 * np.random.default_rng(2).standard_normal(RATE).astype("float32")
    imitated, real = load_enhancers(("simulated", source))
    assert imitated is enhance_like
    enhanced = real(speech, noise, RATE, np.random.default_rng(0))
    np.testing.assert_allclose(enhanced, model.enhance(speech + noise, RATE), atol=1e-6)


def test_noisy_speech_beyond_full_scale_is_enhanced_at_its_level(checkpoint):
    """Noise at -10 dB goes over full scale before a pair is brought there."""
    source, model = checkpoint
    speech = voice(1.0, seed=1)
    noise = np.random.default_rng(2).standard_normal(RATE).astype("float32")
    enhanced = load_enhancers((source,))[0](speech, 4 * noise, RATE, np.random.default_rng(0))
    level = np.abs(speech + 4 * noise).max()
    assert level > 10
    np.testing.assert_allclose(enhanced, level * model.enhance((speech + 4 * noise) / level, RATE), rtol=1e-5)


def test_enhanced_pairs_are_of_each_enhancer_as_often_and_the_others_stay():
    corpus = Corpus({"one": [voice(3.0, seed=1)]}, [mix.colored_noise(RATE, 0.0, np.random.default_rng(9))], [])
    calls = {"half": 0, "quarter": 0}

    def scaled(name, gain):
        def enhance(speech, noise, sample_rate, rng):
            calls[name] += 1
            return gain * (speech + noise)

        return enhance

    enhancers, kinds = [scaled("half", 0.5), scaled("quarter", 0.25)], []
    for seed in range(100):
        _, plain, _ = examples.draw(corpus, RATE // 4, np.random.default_rng(seed))
        _, other, facts = examples.draw(corpus, RATE // 4, np.random.default_rng(seed), enhancers=enhancers)
        kinds.append(facts["kind"])
        assert facts["kind"] == "enhanced" or np.array_equal(plain, other)
    assert sum(calls.values()) == kinds.count("enhanced") and min(calls.values()) >= 10


def test_pairs_of_other_weights_have_another_name(checkpoint):
    names = [fingerprint(names) for names in (["simulated"], [checkpoint[0]], ["simulated", checkpoint[0]])]
    assert names[0] == "" and len(set(names)) == 3


def test_what_does_not_enhance_is_refused(tmp_path):
    preset.save(QualityNetLite(bands=8), tmp_path / "metric")
    with pytest.raises(InputError, match="does not enhance speech at 16000 Hz: give a checkpoint of an enhancer"):
        load_enhancers((f"{tmp_path}/metric/",))
    with pytest.raises(InputError, match="name the enhancers"):
        load_enhancers(())
