"""Examples to train, validate and test enhancers on, from the data folder or from a corpus of the user's.

Each `train_on_...` returns a source of training clips and a list of validation examples of one length, each
`test_on_...` a list of whole test examples. Recordings of any rate are brought to 16 kHz, mono.
"""

import warnings

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import io
from zoo.audio import pairs as audio_pairs
from zoo.data.speech import SAMPLE_RATE, read_corpus
from zoo.enhancement import datasets, fixed
from zoo.enhancement.examples import Example, Mixtures, Recordings, test_set, validation_set
from zoo.errors import InputError, InputWarning, describe

_VALIDATION_SECONDS = 3.0
_TEST_NOISES = {"test": 1, "test2": 4}  # that each utterance meets; the second test has few utterances


def train_on_data(data, snr_db, n_validation, variety=(), clean_share=0.0):
    """The data folder: MANIFEST.csv, speech/, noise/ and rir/ (see `zoo.data.speech.read_corpus`)."""
    training, held = read_corpus(data, "train"), read_corpus(data, "validation")
    source = Mixtures(training.speech, training.noise, snr_db, training.rooms, variety, clean_share)
    return source, validation_set(held.speech, held.noise, n_validation, _VALIDATION_SECONDS)


def train_on_fixed_data(data, n_validation):
    """The data folder in the 15,000 fixed mixtures of Fu et al.'s protocol (`fixed`); validation as for the others."""
    training, held = read_corpus(data, "train"), read_corpus(data, "validation")
    source = fixed.training_mixtures(training.speech, training.noise)
    return source, validation_set(held.speech, held.noise, n_validation, _VALIDATION_SECONDS)


def train_on_fixed_timit(directory, noise, n_validation):
    """TIMIT in the fixed mixtures of Fu et al.'s protocol, with noises as for `train_on_timit`."""
    mixtures, validation = train_on_timit(directory, noise, (0, 0), n_validation)
    return fixed.training_mixtures(mixtures.speech, mixtures.noise), validation


def test_on_fixed_data(data):
    """The data folder's test talkers and noises in the 2,000 mixtures of Fu et al.'s protocol."""
    corpus = read_corpus(data, "test")
    return fixed.test_mixtures(corpus.speech, corpus.noise)


def train_on_timit(directory, noise, snr_db, n_validation, variety=(), clean_share=0.0):
    """TIMIT's sentences in another folder's recordings of noise, every tenth for validation; see `datasets.timit`."""
    recordings = _flat(_read(datasets.recordings(noise)))
    if len(recordings) < 2:
        raise InputError(f"{noise} holds one recording: training and validation need one each")
    held_noise = recordings[::10]
    training_noise = [recording for i, recording in enumerate(recordings) if i % 10]
    speech = _read(datasets.timit(directory, "train"))
    source = Mixtures(speech, training_noise, snr_db, variety=variety, clean_share=clean_share)
    held = _read(datasets.timit(directory, "validation"))
    return source, validation_set(held, held_noise, n_validation, _VALIDATION_SECONDS)


def train_on_voice_bank(directory, n_validation, seed=1):
    """Voice Bank-DEMAND's own mixtures; see `datasets.voice_bank`. The 28-talker set takes about 4 GB of memory."""
    source, held = (
        Recordings([pair[1:] for pair in _read_pairs(datasets.voice_bank(directory, split))])
        for split in ("train", "validation")
    )
    rng, samples = np.random.default_rng(seed), int(_VALIDATION_SECONDS * SAMPLE_RATE)
    drawn = [held.draw(samples, rng) for _ in range(n_validation)]
    return source, [Example(f"{i:03d}", None, *pair) for i, pair in enumerate(drawn)]


def test_on_data(data, split="test"):
    """The data folder's talkers and noises of a test split at -6, 0, 6, 12 and 18 dB."""
    corpus = read_corpus(data, split)
    return test_set(corpus.speech, corpus.noise, noises=_TEST_NOISES[split])


def test_on_folders(speech, noise):
    """Any folder of clean speech in any folder of noise at the same SNRs; see `datasets.recordings`."""
    return test_set(_read(datasets.recordings(speech)), _flat(_read(datasets.recordings(noise))))


def test_on_timit(directory, noise):
    """TIMIT's test sentences in another folder's noise at the same SNRs."""
    return test_set(_read(datasets.timit(directory, "test")), _flat(_read(datasets.recordings(noise))))


def test_on_voice_bank(directory):
    """Voice Bank-DEMAND's test recordings, with the SNRs of its log where that is there."""
    snrs = datasets.voice_bank_snrs(directory)
    read = _read_pairs(datasets.voice_bank(directory, "test"))
    return [Example(pair.name, snrs.get(pair.reference.stem), *waves) for pair, *waves in read]


def _read(recordings):
    """{name: [paths]} -> {name: [clips]}."""
    by_name = {}
    flat = [(name, path) for name, paths in recordings.items() for path in paths]
    for (name, _), (clip, _) in _read_each(flat, lambda item: io.read(item[1], SAMPLE_RATE, True, True)):
        by_name.setdefault(name, []).append(clip)
    return by_name


def _read_each(items, read):
    """[(item, what is read of it)]; a file that cannot be read is left out, with a warning, and counted.

    Raises:
        InputError: none can be read.
    """

    def attempt(item):
        try:
            return read(item), ""
        except Exception as error:  # noqa: BLE001 - of whatever library; the other files go on
            return None, describe(error)

    tasks = (joblib.delayed(attempt)(item) for item in items)
    results = joblib.Parallel(n_jobs=-1, prefer="threads", return_as="generator")(tasks)
    results = list(tqdm(results, total=len(items), desc="read", disable=None))
    errors = [error for _, error in results if error]
    if errors and len(errors) == len(items):
        raise InputError(errors[0])
    for error in errors:
        warnings.warn(error, InputWarning, stacklevel=4)
    if errors:
        words = f"{len(errors)} of {len(items)} recordings cannot be read, and are left out"
        warnings.warn(words, InputWarning, stacklevel=4)
    return [(item, result) for item, (result, error) in zip(items, results, strict=True) if not error]


def _flat(recordings):
    return [clip for clips in recordings.values() for clip in clips]


def _read_pairs(corpus_pairs):
    """[(pair, reference, noisy)] of a list of `zoo.audio.pairs.Pair`."""

    def read(pair):
        if pair.error:
            raise InputError(pair.error)
        return audio_pairs.read(pair, (SAMPLE_RATE,), resample=True, downmix=True)

    return [(pair, *both) for pair, (*both, _) in _read_each(corpus_pairs, read)]
