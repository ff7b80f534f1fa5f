"""The losses of texture synthesis, each a `keras.losses.Loss` of its own: on log spectrograms, or on waveforms.

Antognini, Hoffman and Weiss 2019, section 2. Each compares what the random networks see of a target and an estimate; a
synthesis keeps `targets` of its one target, and any training may use the loss as it is.
"""

import keras
from keras import ops

from zoo import backend
from zoo.audio import tensors
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.nn.layers import overlapping_blocks
from zoo.texture import spectrum, terms
from zoo.texture.model import RandomConvEnsemble

LAGS = (0.2, 2.0)  # seconds
FRAME_RATE = spectrum.SAMPLE_RATE / spectrum.HOP_LENGTH  # Hz
_WHOLE = 32768  # frames, 131 s: features of longer clips are not held all at once,
_BLOCK = 4096  # but those of so many frames


class TextureLoss(keras.losses.Loss):
    """Base of the losses: features of both clips, which a subclass compares.

    Args:
        ensemble: a `RandomConvEnsemble`, a source string as for `zoo.load`, or None for the paper's. Only a string
            or None can be saved with a compiled model.
        waveform: whether a call takes waveforms rather than log spectrograms.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (target, estimate) -> scalar (reduced); float (batch, frames, bins) of
        `zoo.texture.spectrum.log_spectrogram`, or with `waveform` float (batch, samples) in [-1, 1] at 16 kHz.
        `loss.call(target, estimate, lengths)` -> (batch,), 0 and up, lower is better, with int (batch,) frames or
        samples that count of both; NaN for a clip that is too short. How many frames or samples there are must be
        known when a step is compiled.

    Raises:
        InputError: another rank, an unknown number of frames or samples, fewer than the widest kernel needs, or a loss
            made from a model is saved.
    """

    def __init__(self, ensemble=None, waveform=False, reduction="sum_over_batch_size", name=None):
        super().__init__(name=name, reduction=reduction)
        self.source = ensemble if ensemble is None or isinstance(ensemble, str) else ""
        if isinstance(ensemble, str):
            ensemble = preset.load(ensemble)
        self.ensemble = ensemble or RandomConvEnsemble()
        self.waveform = waveform

    @backend.plain_torch
    def call(self, target, estimate, lengths=None):
        if self.waveform:
            target, estimate = tensors.without_channel(target), tensors.without_channel(estimate)
        for name, x in (("the target", target), ("the estimate", estimate)):
            if self.waveform:  # each by itself: clips may differ in length
                tensors.check_waveforms({name: x}, lengths)
            else:
                tensors.check_shapes({name: x}, "(batch, frames, bins)", 3)
            if x.shape[1] is None:
                raise InputError("clips have no known length: batch them at one, and set the shape of the dataset")
        if lengths is None:
            return self.between(target, estimate)
        lengths = ops.cast(lengths, "int32")
        counts = self.ensemble.frames_of(spectrum.frame_count(lengths) if self.waveform else lengths)
        loss = self.between(target, estimate, lengths, [ops.maximum(count, 1) for count in counts])
        enough = [count >= fewest for count, fewest in zip(counts, self.fewest(), strict=True)]
        return ops.where(ops.all(ops.stack(enough), axis=0), loss, float("nan"))

    def between(self, target, estimate, lengths=None, counts=None):
        """The loss (batch,) between clips as they are.

        Args:
            target, estimate, lengths: as for `call`, which has checked them.
            counts: list of int (batch,), the frames of each bank that `lengths` leaves; None with no lengths.
        """
        theirs, ours = (self.features(x, lengths) for x in (target, estimate))
        return self.compare(self.targets(theirs, counts), ours, counts)

    def features(self, clips, lengths=None):
        """The ensemble's features of clips, as for a call: a list of float (batch, frames, filters)."""
        return self.ensemble(spectrum.log_spectrogram(clips, lengths) if self.waveform else clips)

    def fewest(self):
        """Frames of each bank that a clip must have, a list of integers."""
        return [1] * len(self.ensemble.widths)

    def targets(self, features, counts=None):
        """What `compare` needs of the target's features: a list of tensors."""
        raise NotImplementedError

    def compare(self, targets, features, counts=None):
        """The loss (batch,) of features, by the target's `targets`."""
        raise NotImplementedError

    def get_config(self):
        if self.source == "":
            raise InputError("a loss made from a model cannot be saved: make it from a source string, or from none")
        return {**super().get_config(), "ensemble": self.source, "waveform": self.waveform}


@keras.saving.register_keras_serializable(package="zoo")
class GramLoss(TextureLoss):
    """Squared difference of Gram matrices, relative to the target's, equation (3): timbre, and nothing of longer times.

    G_kmn = 1 / T sum_t F_ktm F_ktn of each bank k; sum (G - G~)^2 / sum G~^2 over all banks. Clips may differ in length.
    The features of clips of more than 131 s are made by blocks, and again for the gradient: compiled, an hour takes
    1.3 GB (`tools/bench/growth.py`).

    Args and call: as for `TextureLoss`.

    Example:
        >>> x = np.random.rand(1, 100, 257).astype("float32")
        >>> float(GramLoss()(x, x))
        0.0
    """

    def __init__(self, ensemble=None, waveform=False, reduction="sum_over_batch_size", name="gram_loss"):
        super().__init__(ensemble, waveform, reduction, name)

    def targets(self, features, counts=None):
        return terms.gram(features, counts)

    def compare(self, targets, features, counts=None):
        return terms.relative_error(targets, terms.gram(features, counts))

    def between(self, target, estimate, lengths=None, counts=None):
        return terms.relative_error(*(self._grams(x, lengths, counts) for x in (target, estimate)))

    def _grams(self, clips, lengths, counts):
        """`terms.gram` of clips. By blocks the counts alone tell lengths: they count whole frames within them."""
        frames = spectrum.frame_count(clips.shape[1]) if self.waveform else clips.shape[1]
        if frames <= _WHOLE:
            return terms.gram(self.features(clips, lengths), counts)
        ensemble = self.ensemble
        last = ensemble.strides[-1]
        # Blocks overlap by less than a hop, in samples too.
        least = ensemble.fewest_frames + spectrum.N_FFT // spectrum.HOP_LENGTH
        hop = -(-max(_BLOCK, least) // last) * last
        size, unit = hop + ensemble.fewest_frames, 1  # of a block, and a frame, in what `clips` have
        if self.waveform:
            size, unit = spectrum.samples_in(size), spectrum.HOP_LENGTH
        bank_frames = ensemble.frames_of(frames)
        most = max(count * stride for count, stride in zip(bank_frames, ensemble.strides, strict=True))
        blocks = overlapping_blocks(clips, size, hop * unit, most * unit)
        counts = [ops.full((1,), count, "int32") for count in bank_frames] if counts is None else counts
        return terms.gram_by_blocks(self.features, ops.swapaxes(blocks, 0, 1), ensemble, hop, counts)


@keras.saving.register_keras_serializable(package="zoo")
class AutocorrelationLoss(TextureLoss):
    """Squared difference of the filters' autocorrelations, relative to the target's, equation (5): rhythm.

    sum (A - A~)^2 / sum A~^2 over banks, filters and lags. By default A is a mean over the frames that overlap at the
    lag, so clips may differ in length; the paper's, equation (4), is `circular`. A target shorter than twice the longest
    lag is compared to half its length: a circular autocorrelation is the same beyond.

    Args:
        ensemble, waveform, reduction, name: as for `TextureLoss`.
        lags: (shortest, longest), seconds.
        circular: whether time goes round, as equation (4) is printed; clips must then be of one length.

    Call:
        As for `TextureLoss`.

    Raises:
        InputError: also a clip of less than twice the shortest lag, or with `circular` clips of two lengths.

    Example:
        >>> x = np.random.rand(1, 300, 257).astype("float32")
        >>> float(AutocorrelationLoss()(x, x))
        0.0
    """

    def __init__(
        self,
        ensemble=None,
        waveform=False,
        lags=LAGS,
        circular=False,
        reduction="sum_over_batch_size",
        name="autocorrelation_loss",
    ):
        super().__init__(ensemble, waveform, reduction, name)
        self.lags, self.circular = tuple(lags), circular
        self._autocorrelation = terms.circular_autocorrelation if circular else terms.autocorrelation

    def between(self, target, estimate, lengths=None, counts=None):
        if self.circular:
            check_equal(target, estimate)
        return super().between(target, estimate, lengths, counts)

    def targets(self, features, counts=None):
        frames = [x.shape[1] for x in features]
        return self._autocorrelation(features, self._in_frames(frames), counts)

    def compare(self, targets, features, counts=None):
        lags = [(first, first + x.shape[2] - 1) for (first, _), x in zip(self._in_frames(None), targets, strict=True)]
        if any(last >= x.shape[1] for (_, last), x in zip(lags, features, strict=True)):
            raise InputError("the estimate is shorter than the longest lag of the target; make it longer")
        return terms.relative_error(targets, self._autocorrelation(features, lags, counts))

    def fewest(self):
        return [2 * first for first, _ in self._in_frames(None)]

    def _in_frames(self, frames):
        """(first, last) lag of each bank, for banks of so many frames; None for any."""
        lags = []
        for i, stride in enumerate(self.ensemble.strides):
            first, last = (round(lag * FRAME_RATE / stride) for lag in self.lags)
            if frames is not None:
                last = min(last, frames[i] // 2)
                if last < first:
                    least = 2 * self.lags[0] + self.ensemble.fewest_frames / FRAME_RATE
                    raise InputError(f"a clip is too short for a lag of {self.lags[0]:g} s; give {least:.2f} s or more")
            lags.append((first, last))
        return lags

    def get_config(self):
        return {**super().get_config(), "lags": list(self.lags), "circular": self.circular}


@keras.saving.register_keras_serializable(package="zoo")
class DiversityLoss(TextureLoss):
    """How nearly the estimate copies the target at the shift where it does so most, equation (7).

    max over s of sum F~^2 / sum_t,m (F_tm - F~_(t + s)m)^2: the target goes round. 1 / 2 or so for strangers, up to 1e6
    for a copy. All shifts cost one transform of each filter, so by default all are looked at; the paper looks at some
    (`ShiftSchedule`).

    Args and call: as for `TextureLoss`.

    Example:
        >>> x = np.random.rand(1, 100, 257).astype("float32")
        >>> bool(DiversityLoss()(x, np.roll(x, 7, axis=1)) > 10 * DiversityLoss()(x, x[:, ::-1]))
        True
    """

    def __init__(self, ensemble=None, waveform=False, reduction="sum_over_batch_size", name="diversity_loss"):
        super().__init__(ensemble, waveform, reduction, name)

    def targets(self, features, counts=None):
        return features

    def compare(self, targets, features, counts=None):
        return self.worst(targets, features, counts)[0]

    def by_shift(self, targets, features):
        """The ratio at every shift, (batch, shifts), a shift one frame of the spectrogram."""
        return terms.copying(*_squared_distance(self.ensemble, targets, features, None))

    def worst(self, targets, features, counts=None, allowed=None):
        """The loss (batch,), and the shift int (batch,) that it is taken at, of those that `allowed` (shifts,) marks."""
        return terms.diversity(*_squared_distance(self.ensemble, targets, features, counts), allowed)


@keras.saving.register_keras_serializable(package="zoo")
class SendikLoss(TextureLoss):
    """The diversity term of Sendik and Cohen-Or 2017, equation (6) as printed: -sum_k,t,m (F_tm - F~_tm)^2.

    The paper argues against it: it has no lower bound, so it can outweigh all else, and a copy that starts a little
    later costs nothing. Equation (7) is `DiversityLoss`.

    Args and call: as for `TextureLoss`, but the loss is 0 (a copy) and below, and both clips are of one length.

    Raises:
        InputError: also clips of two lengths.

    Example:
        >>> x, loss = np.random.rand(1, 100, 257).astype("float32"), SendikLoss(RandomConvEnsemble((2,), filters=8))
        >>> float(loss(x, x)), bool(loss(x, x[:, ::-1]) < -10)
        (-0.0, True)
    """

    def __init__(self, ensemble=None, waveform=False, reduction="sum_over_batch_size", name="sendik_loss"):
        super().__init__(ensemble, waveform, reduction, name)

    def targets(self, features, counts=None):
        return features

    def compare(self, targets, features, counts=None):
        check_equal(targets[0], features[0])
        return -terms.unshifted_distance(targets, features, counts)

    def inverse_by_shift(self, targets, features):
        """Figure 1: 1 / sum (F_tm - F~_(t + s)m)^2 at every shift s of the target, (batch, shifts), going round."""
        distances, energies = _squared_distance(self.ensemble, targets, features, None)
        return terms.copying(distances, energies) / energies


@keras.saving.register_keras_serializable(package="zoo")
class UnshiftedDiversityLoss(TextureLoss):
    """`DiversityLoss` at no shift (ours): sum F~^2 / sum_t,m (F_tm - F~_tm)^2, the frames of the target taken round.

    The inverse of equation (6), negative and relative to the target, so that it is bounded.

    Args and call: as for `TextureLoss`.

    Example:
        >>> x = np.random.rand(1, 100, 257).astype("float32")
        >>> bool(UnshiftedDiversityLoss(RandomConvEnsemble((2,), filters=8))(x, x) > 1e5)
        True
    """

    def __init__(self, ensemble=None, waveform=False, reduction="sum_over_batch_size", name="unshifted_diversity_loss"):
        super().__init__(ensemble, waveform, reduction, name)

    def targets(self, features, counts=None):
        return features

    def compare(self, targets, features, counts=None):
        distances, energies = _squared_distance(self.ensemble, targets, features, counts)
        return terms.diversity(distances[:, :1], energies[:, :1])[0]


def _squared_distance(ensemble, targets, features, counts):
    lost = ensemble.widths[0] - 1  # frames of the spectrogram that its first bank does not give
    shifts = targets[0].shape[1] + lost
    rounds = shifts if counts is None else ops.cast(counts[0], "int32") + lost
    return terms.squared_distance(targets, features, rounds, shifts, ensemble.strides, counts)


def check_equal(target, estimate):
    """Refuse clips of two lengths, (batch, frames or samples, ...) each.

    Raises:
        InputError: other lengths.
    """
    if target.shape[1] != estimate.shape[1]:
        raise InputError(
            f"the target has {target.shape[1]} frames or samples, the estimate {estimate.shape[1]}: give clips of one "
            "length, which the equation as printed is of"
        )
