"""True metrics of speech, in NumPy: PESQ, STOI, ESTOI and SI-SDR, higher is better for each.

A pair that a metric cannot score (silence, too short, too long) is NaN, in its place; `score_pair` says why.

PESQ is computed by the C code of ITU-T P.862 that the `pesq` package carries; ITU's notice restricts its use,
so read it before you use PESQ commercially.
"""

from functools import partial

import numpy as np
import pesq as itu

from zoo.audio.checks import as_batch, whole_rate
from zoo.errors import InputError
from zoo.metrics import utterances
from zoo.metrics.pesq_scale import PESQ_RATES

# ITU's code overruns memory past 50 utterances: it scores nonsense, then crashes. Ours may count a few less than it.
PESQ_MAX_SECONDS = 30.0
PESQ_MAX_UTTERANCES = utterances.MOST - 4
# 30 frames of 256 samples at 10 kHz with a hop of 128: STOI's shortest segment.
STOI_MIN_SECONDS = 0.397


class Unscorable(InputError):
    """A pair that a metric cannot score; the message says why."""


def pesq(
    reference: np.ndarray,
    degraded: np.ndarray,
    sample_rate: int,
    mode: str = "wb",
    lengths: np.ndarray | None = None,
    n_jobs: int = 1,
) -> np.ndarray:
    """Perceptual evaluation of speech quality, MOS-LQO by ITU-T P.862.2 (`wb`) or P.862.1 (`nb`).

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as it reaches a listener, of the same shape.
        sample_rate: Hz; 16000 for `wb`, 8000 or 16000 for `nb`.
        mode: `"wb"` (wide-band) or `"nb"` (narrow-band).
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, higher is better: 1.04..4.64 for `wb`, 1.02..4.55 for `nb`. NaN for a silent
        signal, less than 0.25 s, more than 30 s or about 50 bursts of speech (ITU's code has no room for them), or
        where ITU's code finds no utterance.

    Raises:
        InputError: shapes differ, or the mode does not take this sample rate.

    Example:
        >>> from zoo.audio import io
        >>> reference, degraded = (io.read(zoo.examples()[name])[0] for name in ("reference", "degraded"))
        >>> bool(1.04 < pesq(reference, degraded, sample_rate=16000)[0] < 4.64)
        True
    """
    _check_pesq(sample_rate, mode)
    return _batch(partial(_pesq, mode=mode), reference, degraded, sample_rate, lengths, n_jobs)


def stoi(
    reference: np.ndarray,
    degraded: np.ndarray,
    sample_rate: int,
    lengths: np.ndarray | None = None,
    n_jobs: int = 1,
) -> np.ndarray:
    """Short-time objective intelligibility (Taal et al. 2011).

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as it reaches a listener, time-aligned, of the same shape.
        sample_rate: Hz, any; STOI itself works at 10 kHz.
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, at most 1, higher is better. NaN for a silent signal, or where less than 0.4 s is
        left once the reference's silent frames are taken out.

    Raises:
        InputError: shapes differ.

    Example:
        >>> from zoo.audio import io
        >>> reference, degraded = (io.read(zoo.examples()[name])[0] for name in ("reference", "degraded"))
        >>> bool(0 < stoi(reference, degraded, sample_rate=16000)[0] < 1)
        True
    """
    whole_rate(sample_rate)
    return _batch(METRICS["stoi"], reference, degraded, sample_rate, lengths, n_jobs)


def estoi(
    reference: np.ndarray,
    degraded: np.ndarray,
    sample_rate: int,
    lengths: np.ndarray | None = None,
    n_jobs: int = 1,
) -> np.ndarray:
    """Extended STOI (Jensen and Taal 2016), which predicts intelligibility in modulated noise better.

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as it reaches a listener, time-aligned, of the same shape.
        sample_rate: Hz, any; ESTOI itself works at 10 kHz.
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, -1..1, higher is better. NaN as in `stoi`.

    Raises:
        InputError: shapes differ.

    Example:
        >>> from zoo.audio import io
        >>> reference, degraded = (io.read(zoo.examples()[name])[0] for name in ("reference", "degraded"))
        >>> bool(0 < estoi(reference, degraded, sample_rate=16000)[0] < 1)
        True
    """
    whole_rate(sample_rate)
    return _batch(METRICS["estoi"], reference, degraded, sample_rate, lengths, n_jobs)


def si_sdr(reference: np.ndarray, degraded: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), both means removed.

    Args:
        reference: clean signal, `(samples,)` or `(batch, samples)`.
        degraded: estimate of it, time-aligned, of the same shape.
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.

    Returns:
        float64 `(batch,)`, dB, higher is better, held within +-156.5 dB (float64's resolution), so that the
        reference itself scores 156.5. NaN for a silent or constant signal.

    Raises:
        InputError: shapes differ.

    Example:
        >>> time = np.arange(8000) / 8000
        >>> tone, other = np.sin(2 * np.pi * 100 * time), np.cos(2 * np.pi * 100 * time)
        >>> si_sdr(tone, tone + 0.1 * other).round(6)
        array([20.])
    """
    return _batch(_si_sdr, reference, degraded, 1, lengths, n_jobs=1)  # of any rate


def score_pair(metric: str, reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> float:
    """Score one pair by a metric's name, and say why where that cannot be done.

    Args:
        metric: a name of `METRICS`: `"pesq-wb"`, `"pesq-nb"`, `"stoi"`, `"estoi"` or `"si-sdr"`.
        reference: clean speech, `(samples,)`, in [-1, 1].
        degraded: the same speech as it reaches a listener, `(samples,)`.
        sample_rate: Hz.

    Returns:
        float, higher is better; the range is that of the metric's batch function.

    Raises:
        Unscorable: the pair has no score (silence, too short, too long).
        InputError: unknown metric, shapes differ, or a rate that the metric does not take.

    Example:
        >>> score_pair("stoi", np.ones(100), np.ones(100), 16000)
        Traceback (most recent call last):
        zoo.metrics.speech.Unscorable: STOI needs 0.4 s of reference speech, silence taken out; use a longer recording
    """
    if metric not in METRICS:
        raise InputError(f"unknown metric {metric!r}; the true metrics are {', '.join(METRICS)}")
    if metric.startswith("pesq"):
        _check_pesq(sample_rate, mode=metric[-2:])
    else:
        whole_rate(sample_rate)
    reference, degraded, _ = as_batch(reference, degraded)
    return _score(METRICS[metric], reference[0], degraded[0], sample_rate)


def score_or_nan(metric: str, reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> float:
    """As `score_pair`, with NaN where the pair has no score.

    Example:
        >>> score_or_nan("stoi", np.ones(100), np.ones(100), 16000)
        nan
    """
    try:
        return score_pair(metric, reference, degraded, sample_rate)
    except Unscorable:
        return np.nan


def _pesq(reference, degraded, sample_rate, mode):
    if len(reference) > PESQ_MAX_SECONDS * sample_rate:
        raise Unscorable(f"PESQ takes at most {PESQ_MAX_SECONDS:.0f} s; cut the recording")
    may_have_too_many = len(reference) > PESQ_MAX_UTTERANCES * utterances.SHORTEST_SECONDS * sample_rate
    if may_have_too_many and utterances.count(reference, sample_rate, mode) > PESQ_MAX_UTTERANCES:
        raise Unscorable(f"PESQ takes at most {utterances.MOST} utterances, pauses between them; cut the recording")
    try:
        return itu.pesq(sample_rate, reference, degraded, mode)
    except itu.BufferTooShortError:
        raise Unscorable("PESQ needs 0.25 s at least; use a longer recording") from None
    except itu.NoUtterancesError:
        raise Unscorable("PESQ finds no utterance; check that the reference holds speech") from None


def _stoi(reference, degraded, sample_rate, measure):
    from zoo.metrics import intelligibility  # late: PESQ needs none of SciPy, which takes longer to import than a pair

    too_short = Unscorable("STOI needs 0.4 s of reference speech, silence taken out; use a longer recording")
    if len(reference) < STOI_MIN_SECONDS * sample_rate:
        raise too_short
    segments = intelligibility.third_octaves(reference, degraded, sample_rate)
    if not len(segments[0]):
        raise too_short
    return getattr(intelligibility, measure)(*segments)


def _si_sdr(reference, degraded, sample_rate):
    reference, degraded = reference - reference.mean(), degraded - degraded.mean()
    reference_energy, degraded_energy = reference @ reference, degraded @ degraded
    eps = np.finfo(np.float64).eps
    if reference_energy <= eps**2 or degraded_energy <= eps**2:
        raise Unscorable("a constant signal has no SI-SDR; use another recording")
    target = (degraded @ reference / reference_energy) * reference
    distortion = degraded - target
    floor = eps * degraded_energy
    return 10 * np.log10((target @ target + floor) / (distortion @ distortion + floor))


METRICS = {
    "pesq-wb": partial(_pesq, mode="wb"),
    "pesq-nb": partial(_pesq, mode="nb"),
    "stoi": partial(_stoi, measure="stoi"),
    "estoi": partial(_stoi, measure="estoi"),
    "si-sdr": _si_sdr,
}


def _score(function, reference, degraded, sample_rate):
    reference, degraded = reference.astype(np.float64), degraded.astype(np.float64)
    for name, signal in (("reference", reference), ("degraded", degraded)):
        if not np.isfinite(signal).all():
            raise Unscorable(f"the {name} holds NaN or infinity; repair it")
        if not signal.any():
            raise Unscorable(f"the {name} is silent; use another recording")
    return float(function(reference, degraded, int(sample_rate)))


def _score_or_nan(function, reference, degraded, sample_rate):
    try:
        return _score(function, reference, degraded, sample_rate)
    except Unscorable:
        return np.nan


def _batch(function, reference, degraded, sample_rate, lengths, n_jobs):
    from joblib import Parallel, delayed  # late, as it takes longer to import than a pair to score

    reference, degraded, lengths = as_batch(reference, degraded, lengths=lengths)
    pairs = zip(reference, degraded, lengths, strict=True)
    jobs = (delayed(_score_or_nan)(function, r[:n], d[:n], sample_rate) for r, d, n in pairs)
    return np.array(Parallel(n_jobs=n_jobs)(jobs), dtype=np.float64)


def _check_pesq(sample_rate, mode):
    if mode not in PESQ_RATES:
        raise InputError(f"PESQ's mode is {mode!r}; use 'wb' or 'nb'")
    if whole_rate(sample_rate) not in PESQ_RATES[mode]:
        rates = " or ".join(map(str, PESQ_RATES[mode]))
        raise InputError(f"PESQ {mode} takes {rates} Hz, the audio has {sample_rate} Hz; resample it")
