"""The fixed mixtures of Fu, Liao and Tsao 2019 (section III.A), of any speech and noise; what is drawn anew is ours.

Training: 300 utterances with 10 recordings of noise at -8, -4, 0, 4 and 8 dB, 15,000 mixtures. Test: 100 utterances with
4 other recordings at -6, 0, 6, 12 and 18 dB, 2,000 mixtures.
"""

import numpy as np

from zoo.audio import mix
from zoo.data.speech import SAMPLE_RATE, draw_noise
from zoo.enhancement.examples import test_set
from zoo.errors import InputError

TRAINING_SNRS_DB = (-8, -4, 0, 4, 8)
UTTERANCES, NOISES = 300, 10
TEST_UTTERANCES, TEST_NOISES = 100, 4
_LEVEL_DB = -26.0  # rms of the speech, as in `zoo.enhancement.examples`
_MIN_SECONDS = 1.0


class FixedMixtures:
    """Every utterance with every noise at every SNR, mixed once and for all; a source of training clips.

    Mixtures are made when they are drawn, always the same: 15,000 of them would be gigabytes.

    Args:
        utterances: list of clips, float32 (samples,) at 16 kHz.
        noises: list of recordings, float32 at 16 kHz.
        snrs_db: SNRs in dB.
        seed: of where in a recording of noise an utterance's segment begins; it is the same at each SNR.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> source = FixedMixtures([rng.normal(size=16000)] * 3, [rng.normal(size=20000)] * 2)
        >>> len(source), [clip.shape for clip in source.draw(8000, rng)]
        (30, [(8000,), (8000,)])
    """

    def __init__(self, utterances, noises, snrs_db=TRAINING_SNRS_DB, seed=3):
        self.utterances, self.noises, self.snrs_db, self.seed = utterances, noises, tuple(snrs_db), seed

    def __len__(self):
        return len(self.utterances) * len(self.noises) * len(self.snrs_db)

    def mixture(self, number):
        """One whole mixture by its number: reference and noisy, float32 (samples,)."""
        shape = len(self.utterances), len(self.noises), len(self.snrs_db)
        utterance, noise, snr = np.unravel_index(number, shape)
        clip = self.utterances[utterance]
        reference = (10 ** (_LEVEL_DB / 20) / mix.rms(clip) * clip).astype("float32")
        rng = np.random.default_rng([self.seed, utterance, noise])
        segment = draw_noise([self.noises[noise]], len(reference), rng)
        return reference, mix.mix_at_snr(reference, segment, self.snrs_db[snr])

    def draw(self, samples, rng):
        """A segment of a random mixture: reference and noisy, float32 (samples,), with silence after a shorter one."""
        start_share, number = rng.random(), int(rng.integers(len(self)))
        both = np.stack(self.mixture(number))
        start = int(start_share * max(both.shape[1] - samples + 1, 1))
        both = both[:, start : start + samples]
        return tuple(np.pad(both, ((0, 0), (0, samples - both.shape[1]))))


def training_mixtures(speech, noise, seed=3):
    """`FixedMixtures` of 300 utterances and 10 recordings, drawn by a seed.

    Args:
        speech: {talker: [clips]}, float32 at 16 kHz; those of less than 1 s are left out.
        noise: list of recordings.
        seed: of the choice.

    Raises:
        InputError: there are fewer.
    """
    rng = np.random.default_rng(seed)
    utterances = [clip for _, clip in _chosen(_utterances(speech), UTTERANCES, "utterances", rng)]
    return FixedMixtures(utterances, _chosen(noise, NOISES, "recordings of noise", rng), seed=seed)


def test_mixtures(speech, noise, seed=4):
    """The 2,000 test mixtures of 100 utterances and 4 recordings: list of `zoo.enhancement.examples.Example`.

    Arguments and errors as for `training_mixtures`.
    """
    rng, chosen = np.random.default_rng(seed), {}
    for talker, clip in _chosen(_utterances(speech), TEST_UTTERANCES, "utterances", rng):
        chosen.setdefault(talker, []).append(clip)
    return test_set(chosen, _chosen(noise, TEST_NOISES, "recordings of noise", rng), noises=TEST_NOISES)


def _utterances(speech):
    """[(talker, clip)] of those that are long enough and not silent."""
    return [
        (talker, clip)
        for talker in sorted(speech)
        for clip in speech[talker]
        if len(clip) >= _MIN_SECONDS * SAMPLE_RATE and mix.rms(clip) > 0
    ]


def _chosen(items, count, noun, rng):
    if len(items) < count:
        raise InputError(f"the paper's protocol takes {count} {noun}, and there are {len(items)}: give more")
    return [items[i] for i in np.sort(rng.permutation(len(items))[:count])]
