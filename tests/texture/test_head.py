"""The class head on embeddings: it learns independent classes, and serves the VGGish score."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.texture import scores
from zoo.texture.head import head_accuracy, train_head


def data(count, seed):
    """Embeddings of 128 numbers, and three classes that do not exclude each other."""
    embeddings = np.random.default_rng(seed).standard_normal((count, 128)).astype("float32")
    return embeddings, (embeddings[:, :3] > 0).astype("float32")


def test_each_class_is_a_regression_of_its_own():
    """Against NumPy: gradient descent on the mean cross-entropy of all classes."""
    (embeddings, labels), weights = data(64, 0), np.zeros((129, 3))
    head = train_head(embeddings, labels, steps=3, batch_size=8, seed=5)
    rng = np.random.default_rng(5)
    for _ in range(3):
        drawn = rng.integers(64, size=8)
        inputs = np.concatenate([embeddings[drawn], np.ones((8, 1))], axis=1)
        chances = 1 / (1 + np.exp(-inputs @ weights))
        weights -= 0.1 * inputs.T @ (chances - labels[drawn]) / (8 * 3)
    kernel, bias = (np.asarray(x) for x in head.get_weights())
    np.testing.assert_allclose(np.concatenate([kernel, bias[None]]), weights, atol=1e-5)


def test_a_head_on_a_stand_in_of_vggish_gives_the_score():
    head = train_head(*data(500, 0), steps=400, learning_rate=1.0)
    facts = head_accuracy(head, *data(200, 1))
    assert facts["accuracy"] > 0.8 and facts["cross_entropy"] < 0.6

    def embed(patches):
        return patches.reshape(len(patches), -1)[:, :128]

    noise = 0.1 * np.random.default_rng(2).standard_normal((2, 16000))
    classifier = scores.VGGish(embed, head)
    divergence = scores.class_score(noise[0], 0.1 * noise[1], 16000, classifier)
    assert divergence[0] > 0 == scores.class_score(noise[0], noise[0], 16000, classifier)[0]
    assert scores.vggish_score(divergence) == pytest.approx(np.exp(divergence[0]))


def test_what_cannot_be_trained_on_is_refused():
    embeddings, labels = data(8, 0)
    for bad, message in (((embeddings, labels[:4]), "give (examples, size)"), ((embeddings, 2 * labels), "0 and 1")):
        with pytest.raises(InputError) as error:
            train_head(*bad, steps=1)
        assert message in str(error.value)
    with pytest.raises(InputError, match="NaN or infinity"):
        train_head(np.nan * embeddings, labels, steps=1)
