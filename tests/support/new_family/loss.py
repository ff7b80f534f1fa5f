"""The loss: a level that should be kept."""

import keras
from keras import ops

from zoo.losses.learned import LearnedLoss


@keras.saving.register_keras_serializable(package="zoo")
class LevelLoss(LearnedLoss):
    """Square of the level difference of each example."""

    def __init__(self, metric, sample_rate=None, reduction="sum_over_batch_size", name="level_loss"):
        super().__init__(metric, sample_rate, reduction, name)

    def measure(self, reference, estimate, lengths):
        return ops.square(self.metric([reference, estimate, lengths]))
