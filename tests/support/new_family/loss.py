"""The loss: a level that should be kept."""

import keras
from keras import ops

from zoo.losses.learned import FrozenMetricLoss


@keras.saving.register_keras_serializable(package="zoo")
class LevelLoss(FrozenMetricLoss):
    """Square of the level difference of each example."""

    def measure(self, reference, estimate, lengths):
        return ops.square(self.metric([reference, estimate, lengths]))
