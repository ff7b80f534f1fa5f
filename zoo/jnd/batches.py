"""Training batches of a JND network: judged pairs, pairs with answers by rule, and ladders; all seeded."""

import math
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import scipy.stats

from zoo.audio import io
from zoo.errors import InputError
from zoo.jnd import artefacts, degradations, music, rendered, severity
from zoo.jnd.degradations import GROUP
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.jnd.judgments import split_of
from zoo.jnd.rendered import Source
from zoo.training.distribution import ONE_DEVICE

# Answers by rule. Listeners of the tables call 3 in 100 identical pairs different, and miss about as many plain
# differences.
_LAPSE = 0.03
_LEVEL_JND_DB, _LEVEL_DEVIATION_DB = 2.0, 1.0  # half of untrained listeners notice 2 dB; trained ones notice 1
INAUDIBLE = ("shift", "phase", "drift")  # changes that nobody hears
_DISPERSION = 2.0  # ms of group delay
_DRIFT = 0.001  # between two clocks
_SILENCE = 0.25  # seconds
TEACHERS = (*degradations.TEACHERS, music.TEACHER)


@dataclass(frozen=True)
class Judged:
    """Rendered judgments of a split: lists of int16 (pairs, 2, 55125), one or more renderings of `judgments`."""

    judgments: list
    renderings: list

    @property
    def answers(self):
        """float32 (judgments,), 1 for "different"."""
        return np.array([judgment.different for judgment in self.judgments], "float32")

    def pair(self, rendering, i):
        """float32 (2, 55125) of judgment i."""
        return as_float(self.renderings[rendering][i // rendered.CHUNK][i % rendered.CHUNK])


def prepare(judgments, data, runs, split, renders=1, n_jobs=-1):
    """Render the judgments of a split's talkers on its speech, or read the renderings in `runs`; gives `Judged`."""
    chosen = [judgment for judgment in judgments if split_of(judgment.talker) == split]
    source = Source(data, split=split)
    return Judged(chosen, [rendered.render_judgments(source, chosen, runs, seed, n_jobs) for seed in range(renders)])


def prepare_ladders(recipe, data, runs, n_jobs=-1):
    """The ladders that a recipe draws from, or None where it has none."""
    if not recipe.ladders:
        return None
    return rendered.draw_ladders(Source(data, split="train"), recipe.n_ladders, runs, n_jobs=n_jobs)


def prepare_graded(recipe, data, runs, lyra=None, n_jobs=-1):
    """The graded recordings that a recipe draws from, with Lyra's networks from a folder; None where it has none."""
    if not recipe.graded:
        return None
    return severity.render(Source(data, split="train"), recipe.n_graded, runs, lyra, n_jobs=n_jobs)


def prepare_music(recipe, data, runs, n_jobs=-1):
    """The graded clips of music, of the data's folder `music`, that a recipe draws from; None where it has none."""
    if not recipe.music:
        return None
    return music.render(Path(data) / "music", recipe.n_music, runs, n_jobs=n_jobs)


class Batches(keras.utils.PyDataset):
    """Batches (reference, degraded), target of a training, at the network's rate.

    Targets are (batch, 1 + teachers): the answer (0 or 1) or the share of listeners (0..1) that would say "different", and
    by how much the score of each of `TEACHERS` falls short; -1 where one is not known. A shard's last rows are ladders and
    graded recordings, the mild rungs and then the severe ones.

    Args:
        recipe: says how many of each kind, and the augmentation.
        judged: `Judged`.
        ladders: chunks as `rendered.draw_ladders` gives them, or None.
        distribution: the `zoo.training.distribution.Distribution` that shares the batches; each of its shards, one after the
            other, has as much of each kind.
        graded, graded_music: a `zoo.jnd.degradations.Graded` of speech, and one of music, or None.

    Raises:
        InputError: the devices cannot share a batch evenly, or the shards not every kind.
    """

    def __init__(self, recipe, judged, ladders, distribution=ONE_DEVICE, graded=None, graded_music=None):
        super().__init__()
        kinds = [recipe.judged, recipe.shifts, recipe.levels, recipe.rungs, recipe.rungs]
        shards = distribution.shards
        if sum(kinds) % distribution.replicas or any(count % shards for count in kinds):
            raise InputError(
                f"{distribution.replicas} devices cannot share a batch of {recipe.judged} answers, {recipe.shifts} shifts, "
                f"{recipe.levels} levels, {recipe.ladders} ladders and {recipe.graded + recipe.music} graded clips evenly: "
                "change the recipe's numbers"
            )
        parts = [np.array_split(rows, shards) for rows in np.split(np.arange(sum(kinds)), np.cumsum(kinds)[:-1])]
        self.rows = np.concatenate([part[i] for i in range(shards) for part in parts])
        self.recipe, self.judged, self.ladders, self.graded = recipe, judged, ladders, graded
        self.graded_music = graded_music
        self.answers = judged.answers
        self.shuffle(0)

    def __len__(self):
        return len(self.answers) // self.recipe.judged

    def shuffle(self, epoch):
        """Draw the order, the renderings and the augmentation of an epoch."""
        self.epoch = epoch
        rng = np.random.default_rng([self.recipe.seed, epoch])
        self.order = rng.permutation(len(self.answers))
        self.rendering = rng.integers(len(self.judged.renderings), size=len(self.answers))

    def __getitem__(self, index):
        recipe, rng = self.recipe, np.random.default_rng([self.recipe.seed, self.epoch, index])
        chosen = self.order[index * recipe.judged : (index + 1) * recipe.judged]
        judged = [self.judged.pair(self.rendering[i], i) for i in chosen]
        references = [judged[rng.integers(len(judged))][0] for _ in range(recipe.shifts + recipe.levels)]
        judged = [_move(pair, rng.integers(-recipe.max_shift, recipe.max_shift + 1)) for pair in judged]
        alike = [np.stack([x, self._unchanged(x, i, rng)]) for i, x in enumerate(references[: recipe.shifts])]
        gains = rng.uniform(-12, 6, recipe.levels)
        louder = [np.stack([x, 10 ** (g / 20) * x]) for x, g in zip(references[recipe.shifts :], gains, strict=True)]
        rungs, rates, missed = self._rungs(rng)
        shares = [*self.answers[chosen], *[_LAPSE] * recipe.shifts, *_share_of_level(gains), *[-1.0] * len(rungs)]
        targets = _targets(shares)
        targets[len(shares) - len(rungs) :, 1:] = missed
        pairs = [*judged, *alike, *louder, *rungs]
        rates = [SAMPLE_RATE] * (len(pairs) - len(rungs)) + rates
        pairs = [_augment(pair, rate, recipe, rng) for pair, rate in zip(pairs, rates, strict=True)]
        x = np.stack([io.resample(*pair, recipe.sample_rate) for pair in zip(pairs, rates, strict=True)])
        return (x[self.rows, 0], x[self.rows, 1]), targets[self.rows]

    def _unchanged(self, clip, i, rng):
        """A clip after the i-th of the changes that nobody hears."""
        match self.recipe.inaudible[i % len(self.recipe.inaudible)]:
            case "shift":
                return np.roll(clip, rng.integers(1, self.recipe.max_delay + 1) * rng.choice((-1, 1)))
            case "phase":
                return artefacts.disperse(clip, rng.uniform(0.5, _DISPERSION), rng)
            case "drift":
                return artefacts.drift(clip, 1 + rng.uniform(-_DRIFT, _DRIFT))

    def _rungs(self, rng):
        """Pairs (clip, mild rung) of ladders and graded recordings, then (clip, severe rung); rates; scores, -1 for none."""
        recipe, ladders, rates, scores = self.recipe, [], [], []
        for i in rng.integers(recipe.n_ladders, size=recipe.ladders):
            ladders.append(as_float(self.ladders[i // rendered.CHUNK][i % rendered.CHUNK]))
            rates.append(SAMPLE_RATE)
            scores.append(np.full((2, len(TEACHERS)), -1.0))
        sources = (self.graded, recipe.n_graded, recipe.graded), (self.graded_music, recipe.n_music, recipe.music)
        for graded, available, count in sources:
            for i in rng.integers(available, size=count):
                audio = as_float(graded.audio[i // rendered.CHUNK][i % rendered.CHUNK])
                missed = np.full((GROUP, len(TEACHERS)), -1.0)
                missed[:, [TEACHERS.index(name) for name in graded.teachers]] = np.nan_to_num(
                    graded.missed[i], nan=-1.0
                )
                for first in range(0, GROUP, 2):
                    ladders.append(audio[[0, 1 + first, 2 + first]])
                    rates.append(graded.sample_rate)
                    scores.append(missed[first : first + 2])
        pairs = [ladder[[0, rung]] for rung in (1, 2) for ladder in ladders]
        missed = [score[rung] for rung in (0, 1) for score in scores]
        return pairs, 2 * rates, np.reshape(missed, (len(pairs), len(TEACHERS)))


class Plain(keras.utils.PyDataset):
    """Batches of judged pairs as they are, at a network's rate, for validation."""

    def __init__(self, judged, batch_size, sample_rate):
        super().__init__()
        self.judged, self.batch_size, self.answers = judged, batch_size, judged.answers
        self.sample_rate = sample_rate

    def __len__(self):
        return math.ceil(len(self.answers) / self.batch_size)

    def __getitem__(self, index):
        chosen = range(index * self.batch_size, min((index + 1) * self.batch_size, len(self.answers)))
        x = io.resample(np.stack([self.judged.pair(0, i) for i in chosen]), SAMPLE_RATE, self.sample_rate)
        return (x[:, 0], x[:, 1]), _targets(self.answers[list(chosen)])


def _targets(shares):
    """Targets of answers, or shares of them, without a teacher's score, float32 (batch, 1 + teachers)."""
    return np.column_stack([shares, np.full((len(shares), len(TEACHERS)), -1.0)]).astype("float32")


def _move(pair, samples):
    """The pair with its degraded recording rotated by `samples`."""
    return np.stack([pair[0], np.roll(pair[1], samples)]) if samples else pair


def _share_of_level(gains):
    """Share of listeners that notice a change of level by `gains` dB."""
    probability = scipy.stats.norm.cdf((np.abs(gains) - _LEVEL_JND_DB) / _LEVEL_DEVIATION_DB)
    return _LAPSE + (1 - 2 * _LAPSE) * probability


def _augment(pair, rate, recipe, rng):
    pair = 10 ** (rng.uniform(*recipe.gain_db) / 20) * pair
    if rng.random() < recipe.silence:
        late, samples = rng.random() < 0.5, int(_SILENCE * rate)
        pair = np.roll(pair, samples if late else -samples, axis=1)
        pair[:, slice(None, samples) if late else slice(-samples, None)] = 0.0
    return pair
