"""The answer that a distance predicts: a curve that rises with it, and its fit to listeners' answers."""

import keras
import numpy as np
import scipy.optimize
import scipy.special
from keras import ops

from zoo.jnd.model import JNDMetric

_EPS = 1e-8


class CalibratedJND(JNDMetric):
    """A JND metric whose head is `answer_head`; its distance is 1 at the threshold, once it is calibrated.

    The layers of its core that give distances have a method `scale_distances(factor)`.
    """

    def calibrate(self, distances, different):
        """Fit the unit of the distance and the curve of the answers to answers that training did not see.

        A network is surer of the answers that it has learned than it should be of others. Four numbers minimise the
        cross-entropy: the unit, s, a and b. The order of distances stays.

        Args:
            distances: of judged pairs, as `distance` gives them, (n,).
            different: 1 where the listener answered "different", else 0, (n,).

        Example:
            >>> distances = np.array([0.1, 0.5, 1.0, 2.0, 5.0, 0.2, 3.0, 0.8])
            >>> zoo.jnd.spectral.SpectralJND().calibrate(distances, different=np.array([0, 0, 1, 1, 1, 0, 1, 0]))
        """
        answer = self.head.get_layer("answer")
        start = np.concatenate([[0.0], *(np.ravel(ops.convert_to_numpy(w)) for w in (answer.slope, answer.lapses))])

        def cost(parameters):
            unit, slope, *lapses = parameters
            lowest, highest = 0.2 * scipy.special.expit(lapses)
            audible = scipy.special.expit(np.logaddexp(0, slope) * (np.log(distances + _EPS) + unit))
            probability = lowest + (1 - lowest - highest) * audible
            # A trace of a prior, so that answers without lapses have a fit.
            return -np.mean(np.log(np.where(different, probability, 1 - probability))) + 1e-5 * np.sum(
                np.square(parameters - start)
            )

        unit, slope, *lapses = scipy.optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 2000}).x
        answer.slope.assign(slope)
        answer.lapses.assign(lapses)
        for layer in self.core.layers:
            if hasattr(layer, "scale_distances"):
                layer.scale_distances(np.exp(unit))


def answer_head(n_layers: int) -> keras.Model:
    """The head of a `CalibratedJND`: float (batch, n_layers) distances -> (batch, 2), as `MonotoneAnswer`."""
    distances = keras.Input((n_layers,), name="distances")
    return keras.Model(distances, MonotoneAnswer(name="answer", dtype="float32")(distances), name="head")


@keras.saving.register_keras_serializable(package="zoo")
class MonotoneAnswer(keras.layers.Layer):
    """[log(1 - P), log P] with P = a + (1 - a - b) D^s / (1 + D^s), D the sum of the distances (batch, layers).

    a and b are the shares of answers that have nothing to do with the recordings, at most 0.2 each; s > 0.
    """

    def build(self, distances_shape):
        self.lapses = self.add_weight(shape=(2,), initializer=keras.initializers.Constant(-1.5), name="lapses")
        self.slope = self.add_weight(shape=(), initializer=keras.initializers.Constant(1.5), name="slope")

    def call(self, distances):
        lowest, highest = (0.2 * ops.sigmoid(self.lapses[i]) for i in range(2))
        steepness = ops.softplus(self.slope)
        audible = ops.sigmoid(steepness * ops.log(ops.sum(distances, axis=1) + _EPS))
        different = lowest + (1 - lowest - highest) * audible
        return ops.stack([ops.log(1 - different), ops.log(different)], axis=1)

    def compute_output_shape(self, distances_shape):
        return (distances_shape[0], 2)
