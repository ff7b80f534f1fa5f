"""The head that the paper puts on VGGish: a logistic regression for each class, on embeddings that a user brings.

Antognini et al. 2019, footnote 3: 527 regressions on AudioSet's embeddings, since its classes do not exclude each other,
100,000 steps at a learning rate of 0.1.
"""

import keras
import numpy as np
from keras import ops

from zoo.backend import jit
from zoo.errors import InputError


def train_head(
    embeddings: np.ndarray,
    labels: np.ndarray,
    steps: int = 100_000,
    learning_rate: float = 0.1,
    batch_size: int = 128,
    seed: int = 0,
) -> keras.Model:
    """Train a head for `zoo.texture.scores.VGGish`.

    Plain gradient descent on the mean cross-entropy of all classes, from weights of 0; the paper names no optimiser and
    no batch size.

    Args:
        embeddings: float (examples, size), as the model gives them, before or after the authors' PCA.
        labels: (examples, classes), 1 where an example has the class and 0 where it has not.
        steps: batches.
        learning_rate: of each.
        batch_size: examples in a batch, drawn evenly.
        seed: of what is drawn.

    Returns:
        keras.Model, float (batch, size) -> probabilities (batch, classes), each for itself.

    Raises:
        InputError: no examples, other shapes, values that are not finite, or labels other than 0 and 1.

    Example:
        >>> embeddings = np.random.default_rng(0).standard_normal((200, 8))
        >>> head = train_head(embeddings, embeddings[:, :2] > 0, steps=300)
        >>> bool(head_accuracy(head, embeddings, embeddings[:, :2] > 0)["accuracy"] > 0.9)
        True
    """
    embeddings, labels = _checked(embeddings, labels)
    head = keras.Sequential(
        [
            keras.Input((embeddings.shape[1],)),
            keras.layers.Dense(labels.shape[1], "sigmoid", kernel_initializer="zeros", name="regressions"),
        ],
        name="class_head",
    )
    head.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", jit_compile=jit())
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        drawn = rng.integers(len(embeddings), size=batch_size)
        head.train_on_batch(embeddings[drawn], labels[drawn])
    return head


def head_accuracy(head: keras.Model, embeddings: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How well a head does on examples that it was not trained on.

    Args:
        head: of `train_head`.
        embeddings, labels: as there.

    Returns:
        {"accuracy": share of all answers, 0..1, that are on the right side of one half (the paper: 0.9942), and
        "cross_entropy": mean over answers, in nats (the paper: 0.0584)}. Where most classes are rare, one who always says
        no is right nearly always too.

    Raises:
        InputError: as for `train_head`.

    Example:
        >>> head = train_head(np.eye(4), np.eye(4), steps=1)
        >>> sorted(head_accuracy(head, np.eye(4), np.eye(4)))
        ['accuracy', 'cross_entropy']
    """
    embeddings, labels = _checked(embeddings, labels)
    chances = np.clip(ops.convert_to_numpy(head(embeddings)).astype("float64"), 1e-7, 1 - 1e-7)
    entropy = -np.mean(labels * np.log(chances) + (1 - labels) * np.log1p(-chances))
    return {"accuracy": float(np.mean((chances > 0.5) == (labels > 0.5))), "cross_entropy": float(entropy)}


def _checked(embeddings, labels):
    """float32 arrays, checked."""
    embeddings, labels = np.asarray(embeddings, "float32"), np.asarray(labels, "float32")
    if embeddings.ndim != 2 or labels.ndim != 2 or len(embeddings) != len(labels) or not len(labels):
        raise InputError(
            f"embeddings {embeddings.shape} and labels {labels.shape}: give (examples, size) and (examples, classes)"
        )
    if not np.isfinite(embeddings).all():
        raise InputError("the embeddings hold NaN or infinity; leave those examples out")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("the labels hold other values than 0 and 1; give 1 where an example has the class")
    return embeddings, labels
