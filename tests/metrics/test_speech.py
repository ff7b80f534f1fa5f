"""True metrics: published values, exact SI-SDR, lengths, NaN in place, and the Keras metrics on top."""

import numpy as np
import pytest

from tests.support.harness import REPOSITORY, data_path
from zoo.audio import io
from zoo.errors import InputError
from zoo.metrics import speech

RATE = 16000


@pytest.fixture(scope="module")
def pair():
    audio = REPOSITORY / "zoo" / "data" / "audio"
    return tuple(io.read(audio / f"speech_{name}.flac", RATE)[0] for name in ("reference", "degraded"))


BATCH_METRICS = {
    "pesq-wb": lambda *args, **lengths: speech.pesq(*args, RATE, **lengths),
    "pesq-nb": lambda *args, **lengths: speech.pesq(*args, RATE, mode="nb", **lengths),
    "stoi": lambda *args, **lengths: speech.stoi(*args, RATE, **lengths),
    "estoi": lambda *args, **lengths: speech.estoi(*args, RATE, **lengths),
    "si-sdr": speech.si_sdr,
}
each_metric = pytest.mark.parametrize("name", BATCH_METRICS)


def test_published_values():
    reference, _ = io.read(data_path("known_scores", "pesq_pair", "speech.flac"), RATE)
    degraded, _ = io.read(data_path("known_scores", "pesq_pair", "speech_bab_0dB.flac"), RATE)
    assert speech.pesq(reference, degraded, RATE)[0] == pytest.approx(1.0832337, abs=1e-6)
    assert speech.pesq(reference, degraded, RATE, mode="nb")[0] == pytest.approx(1.6072082, abs=1e-6)
    assert speech.stoi(reference, degraded, RATE)[0] == pytest.approx(0.6739178, abs=1e-6)
    assert speech.estoi(reference, degraded, RATE)[0] == pytest.approx(0.3904500, abs=1e-5)


@pytest.mark.parametrize(("name", "best"), [("pesq-wb", 4.6439), ("pesq-nb", 4.5486), ("stoi", 1), ("estoi", 1)])
def test_reference_itself_scores_best(pair, name, best):
    reference, degraded = pair
    assert BATCH_METRICS[name](reference, reference)[0] == pytest.approx(best, abs=1e-4)
    assert BATCH_METRICS[name](reference, degraded)[0] < best - 0.1


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 25.0])
def test_si_sdr_is_the_snr_of_orthogonal_noise(snr_db):
    t = np.arange(RATE) / RATE
    reference, noise = np.sin(2 * np.pi * 100 * t), np.cos(2 * np.pi * 100 * t)
    degraded = reference + 10 ** (-snr_db / 20) * noise
    assert speech.si_sdr(reference, degraded)[0] == pytest.approx(snr_db, abs=1e-9)
    assert speech.si_sdr(reference, 0.01 * degraded + 3)[0] == pytest.approx(snr_db, abs=1e-6)


def test_si_sdr_is_bounded(pair):
    reference, _ = pair
    bound = -10 * np.log10(np.finfo(float).eps)
    assert speech.si_sdr(reference, reference)[0] == pytest.approx(bound, abs=0.1)
    t = np.arange(RATE) / RATE
    assert speech.si_sdr(np.sin(2 * np.pi * 50 * t), np.sin(2 * np.pi * 70 * t))[0] >= -bound - 1e-9


@each_metric
def test_batch_equals_one_by_one(pair, name):
    reference, degraded = pair
    batch = np.stack([degraded, reference, 0.5 * degraded + 0.5 * reference])
    together = BATCH_METRICS[name](np.stack([reference] * 3), batch)
    alone = np.concatenate([BATCH_METRICS[name](reference, example) for example in batch])
    assert together.shape == (3,) and together.dtype == np.float64
    np.testing.assert_array_equal(together, alone)


@each_metric
def test_lengths_undo_padding(pair, name):
    reference, degraded = pair
    lengths = np.array([len(reference), 24000])
    expected = [BATCH_METRICS[name](reference[:n], degraded[:n])[0] for n in lengths]
    padded = []
    for audio in pair:
        rows = np.zeros((2, len(audio) + 8000), "float32")
        for row, n in zip(rows, lengths, strict=True):
            row[:n] = audio[:n]
        padded.append(rows)
    np.testing.assert_array_equal(BATCH_METRICS[name](*padded, lengths=lengths), expected)


@each_metric
def test_what_cannot_be_scored_is_nan_in_place(pair, name):
    reference, degraded = pair
    silence, broken = np.zeros_like(reference), np.where(np.arange(len(reference)) == 9, np.nan, degraded)
    references = np.stack([silence, reference, reference, reference])
    degradeds = np.stack([degraded, silence, degraded, broken])
    np.testing.assert_array_equal(np.isnan(BATCH_METRICS[name](references, degradeds)), [True, True, False, True])


@pytest.mark.parametrize("name", ["pesq-wb", "pesq-nb", "stoi", "estoi"])
def test_too_short_is_nan_without_a_warning(pair, name, recwarn):
    start = len(pair[0]) // 2
    for samples in (0, 1, 400, 3999):
        assert np.isnan(BATCH_METRICS[name](*(audio[start : start + samples] for audio in pair))[0])
    assert not recwarn.list


@pytest.mark.parametrize("metric", [speech.stoi, speech.estoi])
def test_stoi_of_mostly_silence_is_nan_without_a_warning(pair, metric, recwarn):
    reference, degraded = (audio.copy() for audio in pair)
    loudest = int(np.argmax(np.abs(reference)))
    reference[: loudest - 800] = reference[loudest + 800 :] = 0
    assert np.isnan(metric(reference, degraded, RATE)[0])
    assert not recwarn.list


def test_pesq_of_a_long_recording_is_nan_rather_than_a_crash():
    """ITU's code overruns its memory on a hundred utterances."""
    second = np.zeros(RATE, "float32")
    second[: RATE // 2] = np.random.default_rng(0).normal(0, 0.1, RATE // 2)
    assert np.isnan(speech.pesq(np.tile(second, 100), np.tile(second, 100), RATE)[0])


def test_estoi_repeats_and_leaves_the_random_state_alone(pair):
    reference, degraded = pair[0], pair[1].copy()
    degraded[20000:30000] = 0  # pystoi's own noise decides the score of the muted frames
    np.random.seed(5)
    first = speech.estoi(reference, degraded, RATE)
    drawn = np.random.rand()
    np.random.seed(6)
    np.testing.assert_array_equal(speech.estoi(reference, degraded, RATE), first)
    np.random.seed(5)
    assert np.random.rand() == drawn


def test_processes_give_the_same_scores(pair):
    reference, degraded = (np.stack([audio, audio[::-1]]) for audio in pair)
    np.testing.assert_array_equal(
        speech.pesq(reference, degraded, RATE, n_jobs=2), speech.pesq(reference, degraded, RATE)
    )


@each_metric
def test_score_pair_agrees_and_says_why_not(pair, name):
    assert speech.score_pair(name, *pair, RATE) == BATCH_METRICS[name](*pair)[0]
    with pytest.raises(speech.Unscorable, match="degraded is silent"):
        speech.score_pair(name, pair[0], 0 * pair[1], RATE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r, d: speech.pesq(r, d, 44100), "PESQ wb takes 16000 Hz, the audio has 44100 Hz"),
        (lambda r, d: speech.pesq(r, d, 8000), "PESQ wb takes 16000 Hz"),
        (lambda r, d: speech.pesq(r, d, RATE, mode="uwb"), "use 'wb' or 'nb'"),
        (lambda r, d: speech.stoi(r, d, 0), "above 0"),
        (lambda r, d: speech.stoi(r, d[:-1], RATE), "differ in shape"),
        (lambda r, d: speech.si_sdr(r[None, :, None], d[None, :, None]), "give \\(samples,\\)"),
        (lambda r, d: speech.si_sdr(r, d, lengths=[len(r) + 1]), "lengths must lie in"),
        (lambda r, d: speech.si_sdr(r, d, lengths=[1, 2]), "one a recording"),
        (lambda r, d: speech.score_pair("pesq", r, d, RATE), "unknown metric 'pesq'"),
    ],
)
def test_bad_input_raises(pair, call, message):
    with pytest.raises(InputError, match=message):
        call(*pair)
