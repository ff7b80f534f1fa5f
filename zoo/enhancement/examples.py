"""Noisy speech to train, validate and test enhancers on: mixtures of two corpora, or a corpus of recorded pairs.

Ranges of SNR as in Fu, Liao and Tsao 2019, on any speech and noise: training at -8..8 dB, validation at -10..10 dB, test
at -6, 0, 6, 12 and 18 dB, each from talkers and recordings of noise of its own. Training mixtures are drawn anew, at any
SNR of the range; the paper's fixed ones are in `zoo.enhancement.fixed`.
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.audio import channels, codecs, mix
from zoo.data import variety as varied
from zoo.data.speech import SAMPLE_RATE, draw_noise, draw_noise_at_speed, draw_speech
from zoo.errors import InputError

VALIDATION_SNRS_DB = (-10, -5, 0, 5, 10)
TEST_SNRS_DB = (-6, 0, 6, 12, 18)
_LEVEL_DB = -26.0  # rms of the speech; enhancers ignore level, and at one level squared errors weigh clips alike
_CLEAN_DB = (30, 60)  # SNR of mixtures that are to teach that clean speech stays
_NOISE_SPEED = (0.7, 1.4)  # of the training noise: a network could memorise its few recordings
VARIETY = (
    "babble", "mixed-noise", "coloured", "equaliser", "speed", "rooms", "clipping", "packets", "codecs",
    "ffmpeg-codecs",
)  # fmt: skip
_MIN_SECONDS = 1.0  # of a test utterance: PESQ of less says little


@dataclass(frozen=True)
class Example:
    """A noisy recording and its reference, float32 (samples,) at 16 kHz; snr_db is None where it is not known.

    Examples of one `name` share their utterance.
    """

    name: str
    snr_db: float | None
    reference: np.ndarray
    noisy: np.ndarray


class Mixtures:
    """Training mixtures of any speech with any noise, the noise at 0.7 to 1.4 times its speed.

    Args:
        speech: {talker: [clips]}, float32 at 16 kHz.
        noise: list of recordings, float32 at 16 kHz.
        snr_db: (lowest, highest) signal-to-noise ratio in dB, drawn evenly between.
        rooms: measured impulse responses, (taps,) at 16 kHz, for the variety of rooms; maybe none.
        variety: kinds of `VARIETY`: noise that is babble of 3 to 12 talkers, two or three noises at once, or coloured;
            microphones and equalisers, other speed, tempo and pitch of the speech, and rooms, which the reference has
            too; clipping, lost packets, codecs and ffmpeg's codecs after the mixture, which it has not.
        clean_share: of the mixtures that are at 30 to 60 dB instead, and go through no channel.

    Raises:
        InputError: an unknown kind of variety, or its rooms cannot be simulated.
    """

    def __init__(self, speech, noise, snr_db, rooms=(), variety=(), clean_share=0.0):
        varied.check(variety, VARIETY)
        self.speech, self.noise, self.snr_db, self.rooms, self.variety = speech, noise, snr_db, rooms, variety
        self.clean_share = clean_share
        self.noise_rms = [mix.rms(recording) for recording in noise]
        self.simulated = varied.simulated_rooms(variety, "train")

    def draw(self, samples, rng):
        """One mixture: reference and noisy, float32 (samples,)."""
        return self.draw_varied(samples, rng)[:2]

    def draw_varied(self, samples, rng):
        """As `draw`, with the list of the kinds of variety that came."""
        chance = varied.Chances(self.variety, rng)
        reference = self._draw_reference(samples, rng, chance)
        noise = self._draw_noise(samples, rng, chance)
        if self.clean_share and rng.random() < self.clean_share:
            return reference, mix.mix_at_snr(reference, noise, rng.uniform(*_CLEAN_DB)), chance.drawn
        noisy = mix.mix_at_snr(reference, noise, rng.uniform(*self.snr_db))
        return reference, _through_channel(noisy, rng, chance), chance.drawn

    def _draw_reference(self, samples, rng, chance):
        """Speech at one level, maybe changed, in a room, or through a microphone."""
        draw = varied.draw_changed_speech if chance("speed", 0.25) else draw_speech
        speech = draw(self.speech, samples, (_LEVEL_DB, _LEVEL_DB), rng)
        level = mix.rms(speech)
        if chance("rooms", 0.2):
            speech = mix.convolve_room(speech, varied.draw_room(self.rooms, rng, self.simulated))
            speech = (speech * level / max(mix.rms(speech), 1e-9)).astype("float32")
        return channels.microphone(speech, SAMPLE_RATE, rng) if chance("equaliser", 0.25) else speech

    def _draw_noise(self, samples, rng, chance):
        """One noise, or two or three at once, maybe through an equaliser."""
        if chance("mixed-noise", 0.25):
            noise = varied.draw_blend(lambda: self._draw_one_noise(samples, rng, chance), rng)
        else:
            noise = self._draw_one_noise(samples, rng, chance)
        return channels.tilt(noise, SAMPLE_RATE, rng) if chance("equaliser", 0.2) else noise

    def _draw_one_noise(self, samples, rng, chance):
        if chance("babble", 0.15):
            return varied.draw_babble(self.speech, samples, varied.CROWD, rng).astype("float32")
        if chance("coloured", 0.1):
            return varied.draw_colored(samples, rng).astype("float32")
        return draw_noise_at_speed(self.noise, samples, _NOISE_SPEED, rng, self.noise_rms).astype("float32")


def _through_channel(noisy, rng, chance):
    """The mixture clipped, with lost packets, or coded: one of them at most."""
    if chance("clipping", 0.05):
        return channels.clip(noisy, SAMPLE_RATE, rng)
    if chance("packets", 0.04):
        return channels.lose_packets(noisy, SAMPLE_RATE, rng)
    if chance("codecs", 0.06):
        return codecs.code(noisy, SAMPLE_RATE, rng, codecs.ALL)
    return codecs.code_by_ffmpeg(noisy, SAMPLE_RATE, rng) if chance("ffmpeg-codecs", 0.01) else noisy


class Recordings:
    """Training segments of recorded pairs, as of Voice Bank-DEMAND.

    Args:
        pairs: list of (reference, noisy), float32 (samples,) each, at 16 kHz.
    """

    def __init__(self, pairs):
        self.pairs = pairs

    def draw(self, samples, rng):
        """One segment: reference and noisy, float32 (samples,), at about one level."""
        for _ in range(1000):
            reference, noisy = self.pairs[rng.integers(len(self.pairs))]
            if len(reference) < samples:
                continue
            start = rng.integers(len(reference) - samples + 1)
            segment = slice(start, start + samples)
            level = mix.rms(reference[segment])
            if level > 0.5 * mix.rms(reference):
                gain = 10 ** (_LEVEL_DB / 20) / level
                return (gain * reference[segment]).astype("float32"), (gain * noisy[segment]).astype("float32")
        raise InputError(f"hardly any recording is {samples / SAMPLE_RATE:g} s long or more: take a shorter `seconds`")


class Batches(keras.utils.PyDataset):
    """Batches (noisy, reference), float32 (batch, samples) each, drawn anew in each epoch from (seed, epoch, batch).

    Args:
        source: `Mixtures` or `Recordings`.
        samples: length of each clip.
        batch_size: clips in a batch.
        steps: batches in an epoch.
        seed: of the clips.
    """

    def __init__(self, source, samples, batch_size, steps, seed):
        super().__init__()
        self.source, self.samples, self.batch_size, self.steps, self.seed = source, samples, batch_size, steps, seed
        self.epoch = 0

    def shuffle(self, epoch):
        """Go to another epoch."""
        self.epoch = epoch

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        drawn = [self.source.draw(self.samples, rng) for _ in range(self.batch_size)]
        reference, noisy = (np.stack(waves) for waves in zip(*drawn, strict=True))
        return noisy, reference


def validation_set(speech, noise, count, seconds=3.0, seed=1):
    """Mixtures of one length at -10..10 dB in turn: list of `Example`."""
    rng, samples = np.random.default_rng(seed), int(seconds * SAMPLE_RATE)
    examples = []
    for i in range(count):
        snr_db = VALIDATION_SNRS_DB[i % len(VALIDATION_SNRS_DB)]
        reference = draw_speech(speech, samples, (_LEVEL_DB, _LEVEL_DB), rng)
        noisy = mix.mix_at_snr(reference, draw_noise(noise, samples, rng), snr_db)
        examples.append(Example(f"{i:03d}", snr_db, reference, noisy))
    return examples


def test_set(speech, noise, snrs_db=TEST_SNRS_DB, noises=1, seed=2):
    """Every whole utterance with some recordings of noise at each SNR.

    Args:
        speech: {talker: [clips]}, float32 at 16 kHz; those of less than 1 s are left out.
        noise: list of recordings.
        snrs_db: SNRs in dB.
        noises: recordings of noise that each utterance meets; they take turns.
        seed: of where in the noise a mixture begins.

    Returns:
        list of `Example`: utterances x noises x SNRs, named by talker and number.

    Raises:
        InputError: no utterance is long enough, or there is no noise.
    """
    rng = np.random.default_rng(seed)
    examples, turn = [], 0
    for talker in sorted(speech):
        for number, clip in enumerate(speech[talker]):
            if len(clip) < _MIN_SECONDS * SAMPLE_RATE or mix.rms(clip) == 0:
                continue
            reference = (clip * 10 ** (_LEVEL_DB / 20) / mix.rms(clip)).astype("float32")
            for _ in range(noises):
                # The same noise at all SNRs, so that the rows of a table differ by the SNR alone.
                segment = draw_noise([noise[turn % len(noise)]], len(clip), rng) if noise else None
                turn += 1
                for snr_db in snrs_db if noise else ():
                    noisy = mix.mix_at_snr(reference, segment, snr_db)
                    examples.append(Example(f"{talker}-{number}", snr_db, reference, noisy))
    if not examples:
        raise InputError("the test needs an utterance of 1 s or more, and a recording of noise")
    return examples


def evenly(examples, count):
    """At most `count` of a list of examples, from its first to its last."""
    chosen = np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int)
    return [examples[i] for i in chosen]
