"""Callbacks for `fit` of any enhancer: true scores of validation recordings, and the refresh."""

import keras
import numpy as np
from joblib import Parallel, delayed

from zoo.data.speech import SAMPLE_RATE
from zoo.errors import InputError
from zoo.metrics import speech

SCORES = ("pesq-wb", "stoi", "si-sdr")


class TrueScores(keras.callbacks.Callback):
    """Adds true PESQ, STOI and SI-SDR of enhanced validation recordings to the log at the end of each epoch.

    The log gets `pesq-wb`, `stoi` (higher is better) and `si-sdr` (dB), means over the recordings that have a score;
    `n_failed`, scores that are missing; `predicted`, the PESQ that a surrogate predicts; and `epochs`, their number.

    Args:
        enhancer: the enhancer in training.
        examples: list of `zoo.enhancement.examples.Example`, of one length.
        surrogate: a Quality-Net, or None for no `predicted`.
        n_jobs: processes for the true scores (joblib's counting).

    Example:
        >>> scores = TrueScores(enhancer, validation, n_jobs=1)  # needs recordings  # doctest: +SKIP
        >>> enhancer.fit(batches, callbacks=[scores])  # needs recordings  # doctest: +SKIP
    """

    def __init__(self, enhancer, examples, surrogate=None, n_jobs=-1):
        super().__init__()
        self.enhancer, self.surrogate, self.n_jobs = enhancer, surrogate, n_jobs
        self.reference, self.noisy = (
            np.stack([getattr(example, name) for example in examples]) for name in ("reference", "noisy")
        )

    def measure(self):
        """The scores now, {name: mean}."""
        enhanced = self.enhancer.enhance(self.noisy, SAMPLE_RATE, batch_size=32)
        scores = {name: true_scores(name, self.reference, enhanced, self.n_jobs) for name in SCORES}
        means = {name: float(np.nanmean(values)) for name, values in scores.items()}
        means["n_failed"] = int(sum(np.isnan(values).sum() for values in scores.values()))
        if self.surrogate is not None:
            # Not clipped: how far a surrogate that is fooled goes beyond what PESQ can be is what the log is for.
            predicted = self.surrogate.score(self.reference, enhanced, SAMPLE_RATE, clip=False)
            means["predicted"] = float(np.nanmean(predicted))
        return means

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.measure(), epochs=epoch + 1)


class Refresh(keras.callbacks.Callback):
    """Alternating refresh: before each epoch the surrogate learns the true PESQ of the enhancer's present output.

    New mixtures are enhanced and labelled over all cores, and a quarter of them is labelled unenhanced too. A trainable
    copy of the surrogate (Adam, squared error) takes some steps on batches of which half come from this round and half
    from the last 60 rounds, each 0.97 times as likely as the next; its weights go into the frozen surrogate that the
    loss uses. Without it the surrogate is soon fooled, because it was not trained on such output. A round of 96 mixtures
    of 2.5 s takes 20 MB, in memory and on disk.

    Args:
        enhancer: the enhancer in training.
        teacher: the frozen surrogate of the loss.
        student: a trainable copy of it, compiled, with frozen statistics (`freeze_statistics`) and a built optimizer.
        batches: `zoo.enhancement.examples.Batches`; a batch is the new mixtures of a round.
        folder: a `pathlib.Path` for the rounds and the student, to resume from.
        steps: of the student in a round.
        n_jobs: processes for the labels.

    Raises:
        InputError: no output of the enhancer has a PESQ.
    """

    BATCH_SIZE = 32
    REPLAYED = 60  # earlier rounds
    DECAY = 0.97  # of their probability, from round to round

    def __init__(self, enhancer, teacher, student, batches, folder, steps, n_jobs=-1):
        super().__init__()
        self.enhancer, self.teacher, self.student, self.batches = enhancer, teacher, student, batches
        self.folder, self.steps, self.n_jobs = folder, steps, n_jobs
        self.rounds = {}  # epoch -> reference, degraded int16 (pairs, samples), scores

    def on_epoch_begin(self, epoch, logs=None):
        if epoch and not self.rounds:
            self.student.load_weights(self._student_file(epoch - 1))  # resumed after an interruption
        replayed = range(max(0, epoch - self.REPLAYED), epoch)
        self.rounds = {i: self.rounds[i] if i in self.rounds else self._stored(i) for i in replayed}
        self.rounds[epoch] = self._label(epoch)
        rng = np.random.default_rng([self.batches.seed, epoch])
        for layer in self.student.core.layers:
            if isinstance(layer, keras.layers.Dropout):  # its state is not among the weights
                layer.seed_generator.state.assign([self.batches.seed, epoch])
        for _ in range(self.steps):
            reference, degraded, scores = self._draw(epoch, rng)
            self.student.train_on_batch((reference, degraded), scores)
        self.teacher.set_weights(self.student.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        # The epoch's number ties it to Keras's own backup, which may be of the epoch before if this one is cut short.
        self.student.save_weights(self._student_file(epoch))
        for old in (self._student_file(epoch - 2), self._round_file(epoch - self.REPLAYED - 1)):
            old.unlink(missing_ok=True)

    def clear(self):
        """Delete the files to resume from."""
        for file in [*self.folder.glob("round_*.npz"), *self.folder.glob("student_*.weights.h5")]:
            file.unlink()

    def _student_file(self, epoch):
        return self.folder / f"student_{epoch:04d}.weights.h5"

    def _round_file(self, epoch):
        return self.folder / f"round_{epoch:04d}.npz"

    def _label(self, epoch):
        """Enhance a round's mixtures, at a peak of 1 at most, and score them and a quarter of the noisy ones; stored."""
        self.batches.shuffle(epoch)
        noisy, reference = self.batches[0]
        # A slam at a low SNR peaks far above 1; labels and the networks do not depend on the level.
        peaks = np.maximum(np.abs(noisy).max(axis=1, keepdims=True), 1.0)
        noisy, reference = noisy / peaks, reference / peaks
        quarter = len(noisy) // 4
        enhanced = self.enhancer.enhance(noisy, SAMPLE_RATE, batch_size=32)
        reference = _as_int16(np.concatenate([reference, reference[:quarter]]))
        degraded = _as_int16(np.concatenate([enhanced, noisy[:quarter]]))
        scores = true_scores("pesq-wb", _as_float(reference), _as_float(degraded), self.n_jobs)
        scored = np.isfinite(scores)
        labelled = reference[scored], degraded[scored], scores[scored].astype("float32")
        if not scored.any():
            raise InputError("no output of the enhancer has a PESQ: lower the learning rate")
        np.savez(self._round_file(epoch), *labelled)
        return labelled

    def _stored(self, epoch):
        with np.load(self._round_file(epoch)) as stored:
            return tuple(stored[name] for name in stored.files)

    def _draw(self, epoch, rng):
        """A batch for the student."""
        earlier = np.array([i for i in self.rounds if i < epoch])
        chosen = [epoch] * self.BATCH_SIZE
        if earlier.size:
            weights = self.DECAY ** (epoch - 1.0 - earlier)
            chosen[::2] = rng.choice(earlier, size=self.BATCH_SIZE // 2, p=weights / weights.sum())
        rows = [rng.integers(len(self.rounds[i][2])) for i in chosen]
        picked = [[column[row] for column in self.rounds[i]] for i, row in zip(chosen, rows, strict=True)]
        reference, degraded, scores = (np.stack(column) for column in zip(*picked, strict=True))
        return _as_float(reference), _as_float(degraded), scores


def freeze_statistics(surrogate):
    """Keep a surrogate's batch statistics as they are while it trains.

    A round is too small for statistics of its own: they would shift the predictions from round to round.
    """
    for layer in surrogate.core.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def true_scores(metric, reference, degraded, n_jobs):
    """One of `SCORES` of pairs at 16 kHz, over all cores: float64 (pairs,), NaN where it has no value."""
    pairs = zip(reference, degraded, strict=True)
    return np.array(Parallel(n_jobs)(delayed(speech.score_or_nan)(metric, *pair, SAMPLE_RATE) for pair in pairs))


def _as_int16(audio):
    return np.round(np.clip(audio, -1, 1) * 32767).astype("int16")


def _as_float(audio):
    return audio.astype("float32") / 32767
