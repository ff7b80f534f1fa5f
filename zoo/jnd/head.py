"""The head of a JND metric alone, fitted to listeners' answers on distances that do not change."""

import keras
import numpy as np

from zoo.backend import jit, predict
from zoo.jnd import rendered
from zoo.jnd.batches import Judged
from zoo.jnd.examples import as_float

_STARTS, _EPOCHS = 4, 40  # takes seconds; from some starts, no unit is ever active


def fit_head(metric: keras.Model, judged: Judged, validation: Judged, seed: int = 0) -> dict:
    """Train the head of a metric alone, on the distances of judged pairs, each in its first rendering.

    Of several starts the one with the lowest cross-entropy is kept.

    Args:
        metric: a JND metric; nothing but its head changes.
        judged, validation: answers to train on, and to compare with.
        seed: of the first weights and the order of the answers.

    Returns:
        {"cross_entropy": on the validation's answers, "answers": how many there are of each}, for a card.
    """
    distances = [_layer_distances(metric, part) for part in (judged, validation)]
    weights, losses = [], []
    for start in range(_STARTS):
        keras.utils.set_random_seed(_STARTS * seed + start)
        metric.head.set_weights(type(metric).from_config(metric.get_config()).head.get_weights())
        head = keras.Sequential([metric.head, _Different()])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        head.compile(keras.optimizers.Adam(3e-3), loss=loss, jit_compile=jit())
        history = head.fit(distances[0], judged.answers, batch_size=32, epochs=_EPOCHS, verbose=0).history
        losses.append(history["loss"][-1])
        weights.append(metric.head.get_weights())
    metric.head.set_weights(weights[int(np.argmin(losses))])
    cross_entropy = head.evaluate(distances[1], validation.answers, verbose=0)
    return {"cross_entropy": round(cross_entropy, 4), "answers": count_answers(judged, validation)}


def count_answers(judged: Judged, validation: Judged) -> dict[str, int]:
    """How many answers there are to train and to validate on, for a card."""
    return {"training": len(judged.judgments), "validation": len(validation.judgments)}


class _Different(keras.layers.Layer):
    """(batch, 2), scores of "same" and "different" -> (batch, 1), log-odds of "different"."""

    def call(self, answers):
        return answers[:, 1:] - answers[:, :1]


def _layer_distances(metric, judged):
    """float32 (judgments, layers)."""
    chunks = (np.array_split(as_float(chunk), 8) for chunk in judged.renderings[0])
    pairs = (rendered.at_rate(metric, *np.moveaxis(part, 1, 0)) for parts in chunks for part in parts if len(part))
    return np.concatenate([predict(metric.core, metric.core_inputs(pair)) for pair in pairs])
