"""What a JND network learns from: answers, the order of rungs, and teachers' scores."""

import keras
import numpy as np
from keras import ops

from zoo.jnd import music, severity
from zoo.jnd.batches import TEACHERS

_MOST_MISSED = (*severity.MOST_MISSED, music.MOST_MISSED)  # of `TEACHERS`
_SPREADS = (*severity.SPREADS, music.SPREAD)
_TINY = 1e-4  # added to a distance inside its logarithm
_MARGIN, _SHARPNESS = 0.05, 5.0  # of the ladders' hinge on the logarithm of the distance


class Objective(keras.Model):
    """A metric and its loss on the targets of `Batches`: cross-entropy of answers, a hinge on rungs (of a shard), and
    squared errors of the teachers' scores, each in its standard deviations.

    A teacher's score falls short of its best by m / (1 + (u / D)^v), m the most it can and u, v > 0 learned with the
    metric: D has one order for all of them.

    Args:
        metric: a `zoo.jnd.model.JNDMetric`.
        rungs: pairs of a shard whose order is known: its last 2 `rungs` rows are the mild ones and the severe ones.
        teaching: weight of the teachers; 0 for none.

    Call:
        pair: (reference, degraded), float (batch, samples) each.
        Returns float32 (batch, 2): log-odds of the answer "different", and the distance.

    Example:
        >>> from zoo.jnd.spectral import SpectralJND
        >>> model = Objective(SpectralJND(channels=(4,)), rungs=0, teaching=0)
        >>> tuple(model((np.ones((2, 4096)), np.ones((2, 4096)))).shape)
        (2, 2)
    """

    def __init__(self, metric, rungs, teaching):
        super().__init__(name="training")
        self.metric, self.rungs, self.teaching, self.mean = metric, rungs, teaching, _Mean(name="mean")
        if teaching:
            self.scales = self.add_weight(shape=(2, len(TEACHERS)), initializer=_start_of_scales, name="scales")

    def call(self, pair, training=False):
        distances = self.metric.layer_distances(pair, training)
        answers = self.metric.head(distances, training=training)
        return ops.stack([answers[:, 1] - answers[:, 0], ops.sum(distances, axis=1)], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        (logit, distance), answer = ops.unstack(y_pred, axis=1), y[:, 0]
        answered = ops.cast(answer >= 0, "float32")
        entropy = ops.softplus(logit) - ops.maximum(answer, 0.0) * logit
        loss = entropy * answered / ops.mean(answered)
        if training and self.rungs:
            logarithm = ops.log(ops.maximum(distance, 0.0) + _TINY)
            mild, severe = logarithm[-2 * self.rungs : -self.rungs], logarithm[-self.rungs :]
            loss = loss + ops.mean(ops.softplus(_SHARPNESS * (mild - severe + _MARGIN))) / _SHARPNESS
        if training and self.teaching:
            loss = loss + self.teaching * self._errors(distance, y[:, 1:])
        return self.mean(answer, loss)

    def _errors(self, distance, missed):
        """Squared errors of the scores, (batch,); their mean is that over the scores that there are."""
        unit, slope = self.scales[0], ops.softplus(self.scales[1])
        logarithm = ops.log(ops.maximum(distance, 0.0) + _TINY)[:, None]
        predicted = ops.convert_to_tensor(_MOST_MISSED) * ops.sigmoid(slope * (logarithm - unit))
        known = ops.cast(missed >= 0, "float32")
        errors = (predicted - missed) / ops.convert_to_tensor(_SPREADS)
        return ops.sum(known * ops.square(errors), axis=1) / ops.maximum(ops.mean(ops.sum(known, 1)), _TINY)


def _start_of_scales(shape, dtype=None):
    """Logarithm of u = 8, and v = 1.3 before softplus."""
    return ops.convert_to_tensor(np.stack([np.full(shape[1], np.log(8.0)), np.full(shape[1], 0.98)]), dtype)


class _Mean(keras.losses.Loss):
    """Of what each row contributes; Keras divides it by the replicas of a distribution."""

    def call(self, y_true, y_pred):
        return y_pred
