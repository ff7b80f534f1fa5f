"""Base of the surrogates: networks that predict a metric of recordings, with or without a reference."""

import numpy as np
from keras import ops

from zoo.audio import dsp
from zoo.errors import InputError
from zoo.nn.model import WaveformMetric
from zoo.quality_net import ranges
from zoo.quality_net.inference import MIN_SECONDS, SILENCE, Scorer


class Surrogate(Scorer, WaveformMetric):
    """Waveform wrapper of a network that predicts a metric from magnitude spectra.

    The core gives Q; the metric is low + (high - low) Q, as in Q = (PESQ + 0.5) / 5 of Fu, Liao and Tsao 2019. A subclass
    defines `core_features`, and names its waveforms in `serving_inputs`.

    Attributes:
        core: functional keras.Model, [what `core_features` returns] -> Q (batch,); for fine-tuning on spectra.
        sample_rate: Hz.
        target_range: (worst, best), the metric's values at Q = 0 and Q = 1; of a metric of which lower is better the
            first is the higher. It belongs to the labels that the network learns: `set_target_range`, which is also
            what setting the attribute does.
        value_range: (lowest, highest) value that the metric can take, to which `score` clips; None where it is not
            known. It is not `target_range`: Q = (PESQ + 0.5) / 5 goes from -0.5 to 4.5, PESQ itself from 1.04 to 4.64.
        intervals: config of `zoo.quality_net.intervals.Intervals`, which are saved with it; None where it has none.
            Training takes them away.
    """

    def __init__(self, core, sample_rate, n_fft, hop_length, target_range, value_range, name):
        super().__init__(core, sample_rate, name)
        self.n_fft, self.hop_length, self._target_range = n_fft, hop_length, tuple(target_range)
        self.value_range = tuple(value_range) if value_range else None

    @property
    def target_range(self):
        return self._target_range

    @target_range.setter
    def target_range(self, worst_and_best):
        self.set_target_range(*worst_and_best)

    def set_target_range(self, worst, best):
        """Say what the labels of a fine-tuning are, before `fit`.

        The loss of a metric (`zoo.loss`) leads from the first value to the second, and its card has the range.

        Args:
            worst, best: the metric's values at Q = 0 and Q = 1: 1.0 and 5.0 for opinion scores, 100.0 and 0.0 for a
                word error rate in per cent. Labels must lie between them.

        Raises:
            InputError: the values are equal, or not finite.

        Example:
            >>> metric = zoo.load("quality-net-lite-pesq-wb-16k", trainable=True)
            >>> metric.set_target_range(1.0, 5.0)
            >>> metric.target_range
            (1.0, 5.0)
        """
        worst, best = float(worst), float(best)
        if not (np.isfinite([worst, best]).all() and worst != best):
            raise InputError(f"a range from {worst} to {best} is none; give the metric's worst and best value")
        self._target_range, self.value_range = (worst, best), (min(worst, best), max(worst, best))
        # Compiled steps hold the range that they were traced with.
        self.train_function = self.test_function = self.predict_function = None

    def fit(self, x=None, y=None, *arguments, **options):
        """Keras's `fit`; labels must lie in the metric's range, or at most a twentieth of it outside.

        They are checked in arrays before the training, in a tf.data.Dataset, a PyDataset and a generator as they come. On
        JAX a metric whose first batch is refused has lost its weights, as by any error there: load it again.

        Raises:
            InputError: labels outside it: as a loss, the metric would lead away from good sound.
        """
        low, high = self._label_range()
        if y is None:
            x = ranges.checked(x, low, high)
        else:
            ranges.check_labels(y, low, high)
        self.intervals = None  # those of other weights
        try:
            return super().fit(x, y, *arguments, **options)
        except Exception as error:
            if words := ranges.refusal(error):
                raise InputError(words) from None
            raise

    def train_on_batch(self, x, y=None, *arguments, **options):
        """Keras's `train_on_batch`; of the labels as for `fit`."""
        if y is not None:
            ranges.check_labels(y, *self._label_range())
        self.intervals = None  # those of other weights
        return super().train_on_batch(x, y, *arguments, **options)

    def _label_range(self):
        return sorted(self.value_range or self.target_range)

    def complete_card(self, card):
        """A card whose metric has this model's range and direction."""
        if "metric" not in card:
            return card
        worst, best = self.target_range
        facts = {"range": sorted(self.value_range or (worst, best)), "higher_is_better": best > worst}
        return {**card, "metric": {**card["metric"], **facts}}

    def call(self, inputs, training=False):
        return self.in_units(self.quality(inputs, training))

    def quality(self, inputs, training=False):
        """Q of waveforms: the metric on the scale where `target_range` is 0..1. Arguments as for a call."""
        return self.core(self.core_inputs(inputs), training=training)

    def serve(self, *waveforms_and_lengths):
        """Outputs of a served model, by name: `score`, as by `score` of at most 30 s, NaN there too."""
        waveforms_and_lengths = self.long_enough(*waveforms_and_lengths)
        return {"score": self.served_score(self.quality(waveforms_and_lengths), *waveforms_and_lengths)}

    def served_score(self, quality, *waveforms_and_lengths):
        """The score of Q, within the metric's possible values; NaN where `score` of the same waveforms is."""
        *waveforms, lengths = waveforms_and_lengths
        counted = dsp.sequence_mask(lengths, ops.shape(waveforms[0])[1])
        scorable = lengths >= self._fewest()
        for x in waveforms:
            peak = ops.max(ops.abs(x) * counted, axis=1)
            # A peak that is not finite compares as False.
            scorable = ops.logical_and(scorable, ops.logical_and(peak > SILENCE, peak < float("inf")))
        return ops.where(scorable, self.limited(self.in_units(quality)), float("nan"))

    def limited(self, scores):
        """Scores, a tensor, within the metric's possible values."""
        return ops.clip(scores, *self.value_range) if self.value_range else scores

    def long_enough(self, *waveforms_and_lengths):
        """The same with zeros to the fewest samples that the network needs, whether or not they count; a list."""
        *waveforms, lengths = waveforms_and_lengths
        batch, samples = ops.shape(waveforms[0])
        missing = ops.zeros((batch, ops.maximum(self._fewest() - samples, 0)))
        return [*(ops.concatenate([x, missing], axis=1) for x in waveforms), lengths]

    def _fewest(self):
        return int(np.ceil(MIN_SECONDS * self.sample_rate))

    def get_config(self):
        own = {"n_fft": self.n_fft, "hop_length": self.hop_length, "target_range": list(self.target_range)}
        own["value_range"] = list(self.value_range) if self.value_range else None
        own |= {"intervals": self.intervals} if self.intervals else {}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        intervals = config.pop("intervals", None)
        model = super().from_config(config)
        model.intervals = intervals
        return model
