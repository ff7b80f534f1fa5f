"""Losses that more than one family trains with."""

import keras
from keras import ops

from zoo.audio import dsp

_EPS = 1e-10


@keras.saving.register_keras_serializable(package="zoo")
class NegativeSISDR(keras.losses.Loss):
    """Minus the scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), both means removed.

    Args:
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,) in dB, -80 (perfect) to 80, lower is better;
        0 for a silent estimate; int32 (batch,) `lengths` in samples.

    Example:
        >>> wave = ops.sin(ops.arange(4000, dtype="float32"))[None]
        >>> round(float(NegativeSISDR()(wave, 0.5 * wave)))
        -80
    """

    def __init__(self, reduction="sum_over_batch_size", name="negative_si_sdr"):
        super().__init__(name=name, reduction=reduction)

    def call(self, reference, estimate, lengths=None):
        reference, estimate = (_centred(x, lengths) for x in (reference, estimate))
        share = ops.sum(reference * estimate, axis=1) / (ops.sum(ops.square(reference), axis=1) + _EPS)
        target = share[:, None] * reference
        energies = [ops.sum(ops.square(x), axis=1) for x in (target, estimate - target, estimate)]
        floor = 1e-8 * energies[2] + _EPS
        return 10.0 * (ops.log10(energies[1] + floor) - ops.log10(energies[0] + floor))


def _centred(waveform, lengths):
    """The waveform less its mean over the samples that count; zero after them."""
    waveform = ops.cast(waveform, "float32")
    if lengths is None:
        return waveform - ops.mean(waveform, axis=1, keepdims=True)
    mask = dsp.sequence_mask(lengths, ops.shape(waveform)[1])
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    return (waveform - ops.sum(waveform * mask, axis=1, keepdims=True) / count) * mask
