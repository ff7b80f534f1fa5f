"""The model: a weighted difference of two levels."""

import keras
import numpy as np
from keras import layers, ops

from zoo.nn.model import PairMetric


@keras.saving.register_keras_serializable(package="zoo")
class LevelMetric(PairMetric):
    """Predicts how much louder a recording is than its reference, in dB, float32 (batch,)."""

    def __init__(self, sample_rate=16000, name="level_metric"):
        levels = keras.Input((2,), name="levels")
        core = keras.Model(levels, layers.Reshape(())(layers.Dense(1)(levels)), name="core")
        super().__init__(core, sample_rate, name)

    def core_features(self, reference, degraded, lengths):
        count = ops.cast(ops.maximum(lengths, 1), "float32")
        powers = [ops.sum(ops.square(x), axis=1) / count for x in (reference, degraded)]
        return ops.stack([ops.log10(power + 1e-10) for power in powers], axis=1)

    def call(self, inputs, training=False):
        return self.core(self.core_inputs(inputs), training=training)

    def serve(self, reference, degraded, lengths):
        """Outputs of a served model."""
        return {"score": self([reference, degraded, lengths])}

    def score(self, reference, degraded, sample_rate, lengths=None, resample=False):
        """Level of recordings above their references in dB, float32 (batch,)."""
        pair = self.prepare(reference, degraded, sample_rate=sample_rate, lengths=lengths, resample=resample)
        return self.predict_on_batch(list(pair))

    def get_config(self):
        return {"sample_rate": self.sample_rate, "name": self.name}


def noise_pairs(count, seed):
    """References, recordings and how much louder they are: float32 (count, 8000) twice, and (count,) dB."""
    rng = np.random.default_rng(seed)
    gains = rng.uniform(-20, 20, count).astype("float32")
    levels = 0.05 * 10 ** (rng.uniform(-10, 10, (count, 1)) / 20)
    reference = (levels * rng.standard_normal((count, 8000))).astype("float32")
    return reference, reference * 10 ** (gains[:, None] / 20), gains
