"""True metrics of speech, in NumPy: PESQ, STOI, ESTOI and SI-SDR, higher is better for each.

A pair that a metric cannot score (silence, too short, too long) is NaN, in its place; `score_pair` says why.

PESQ is computed by the C code of ITU-T P.862 that the `pesq` package carries; ITU's notice restricts its use,
so read it before you use PESQ commercially.
"""

import warnings
from functools import partial

import numpy as np
import pesq as itu
import pystoi
from joblib import Parallel, delayed

from zoo.audio.checks import as_batch
from zoo.errors import InputError

PESQ_RATES = {"wb": (16000,), "nb": (16000, 8000)}
# ITU's code keeps room for 50 utterances and overruns memory past them: it scores nonsense, then crashes.
# An utterance and its pause take 0.4 s at least, and speech hardly gets through 50 in 30 s.
PESQ_MAX_SECONDS = 30.0
# 30 frames of 256 samples at 10 kHz with a hop of 128: STOI's shortest segment.
STOI_MIN_SECONDS = 0.397


class Unscorable(InputError):
    """A pair that a metric cannot score; the message says why."""


def pesq(reference, degraded, sample_rate, mode="wb", lengths=None, n_jobs=1):
    """Perceptual evaluation of speech quality, MOS-LQO by ITU-T P.862.2 (`wb`) or P.862.1 (`nb`).

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as heard, of the same shape.
        sample_rate: Hz; 16000 for `wb`, 8000 or 16000 for `nb`.
        mode: `"wb"` (wide-band) or `"nb"` (narrow-band).
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, higher is better: 1.04..4.64 for `wb`, 1.02..4.55 for `nb`. NaN for a silent
        signal, less than 0.25 s, more than 30 s, or where ITU's code finds no utterance.

    Raises:
        InputError: shapes differ, or the mode does not take this sample rate.

    Example:
        >>> scores = pesq(reference, degraded, sample_rate=16000, n_jobs=-1)
    """
    _check_pesq(sample_rate, mode)
    return _batch(partial(_pesq, mode=mode), reference, degraded, sample_rate, lengths, n_jobs)


def stoi(reference, degraded, sample_rate, lengths=None, n_jobs=1):
    """Short-time objective intelligibility (Taal et al. 2011).

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as heard, time-aligned, of the same shape.
        sample_rate: Hz, any; STOI itself works at 10 kHz.
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, at most 1, higher is better. NaN for a silent signal, or where less than 0.4 s is
        left once the reference's silent frames are taken out.

    Raises:
        InputError: shapes differ.

    Example:
        >>> scores = stoi(reference, degraded, sample_rate=16000)
    """
    _check_rate(sample_rate)
    return _batch(_stoi, reference, degraded, sample_rate, lengths, n_jobs)


def estoi(reference, degraded, sample_rate, lengths=None, n_jobs=1):
    """Extended STOI (Jensen and Taal 2016), which follows modulated maskers better.

    Args:
        reference: clean speech, `(samples,)` or `(batch, samples)`, in [-1, 1].
        degraded: the same speech as heard, time-aligned, of the same shape.
        sample_rate: Hz, any; ESTOI itself works at 10 kHz.
        lengths: samples of each pair before padding, `(batch,)`; None where nothing is padded.
        n_jobs: processes; -1 uses all cores.

    Returns:
        float64 `(batch,)`, -1..1, higher is better. NaN as in `stoi`.

    Raises:
        InputError: shapes differ.

    Example:
        >>> scores = estoi(reference, degraded, sample_rate=16000)
    """
    _check_rate(sample_rate)
    return _batch(partial(_stoi, extended=True), reference, degraded, sample_rate, lengths, n_jobs)


def si_sdr(reference, degraded, lengths=None):
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
        >>> scores = si_sdr(reference, degraded)
    """
    return _batch(_si_sdr, reference, degraded, None, lengths, n_jobs=1)


def score_pair(metric, reference, degraded, sample_rate):
    """Score one pair by a metric's name, and say why where that cannot be done.

    Args:
        metric: a name of `METRICS`: `"pesq-wb"`, `"pesq-nb"`, `"stoi"`, `"estoi"` or `"si-sdr"`.
        reference: clean speech, `(samples,)`, in [-1, 1].
        degraded: the same speech as heard, `(samples,)`.
        sample_rate: Hz.

    Returns:
        float, higher is better; the range is that of the metric's batch function.

    Raises:
        Unscorable: the pair has no score (silence, too short, too long).
        InputError: unknown metric, shapes differ, or a rate that the metric does not take.

    Example:
        >>> score = score_pair("pesq-wb", reference, degraded, 16000)
    """
    if metric not in METRICS:
        raise InputError(f"unknown metric {metric!r}; the true metrics are {', '.join(METRICS)}")
    if metric.startswith("pesq"):
        _check_pesq(sample_rate, mode=metric[-2:])
    else:
        _check_rate(sample_rate)
    reference, degraded, _ = as_batch(reference, degraded)
    return _score(METRICS[metric], reference[0], degraded[0], sample_rate)


def score_or_nan(metric, reference, degraded, sample_rate):
    """As `score_pair`, with NaN where the pair has no score."""
    try:
        return score_pair(metric, reference, degraded, sample_rate)
    except Unscorable:
        return np.nan


def _pesq(reference, degraded, sample_rate, mode):
    if len(reference) > PESQ_MAX_SECONDS * sample_rate:
        raise Unscorable(f"PESQ takes at most {PESQ_MAX_SECONDS:.0f} s; cut the recording")
    try:
        return itu.pesq(sample_rate, reference, degraded, mode)
    except itu.BufferTooShortError:
        raise Unscorable("PESQ needs 0.25 s at least; use a longer recording") from None
    except itu.NoUtterancesError:
        raise Unscorable("PESQ finds no utterance; check that the reference holds speech") from None


def _stoi(reference, degraded, sample_rate, extended=False):
    too_short = Unscorable("STOI needs 0.4 s of reference speech, silence taken out; use a longer recording")
    if len(reference) < STOI_MIN_SECONDS * sample_rate:
        raise too_short
    with warnings.catch_warnings():
        # pystoi warns and returns 1e-5, which looks like a score.
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        # ESTOI adds random noise at float64's resolution, which decides the score of muted frames (+-0.002).
        state = np.random.get_state()
        np.random.seed(0)
        try:
            return pystoi.stoi(reference, degraded, sample_rate, extended=extended)
        except RuntimeWarning:
            raise too_short from None
        finally:
            np.random.set_state(state)


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
    "stoi": _stoi,
    "estoi": partial(_stoi, extended=True),
    "si-sdr": _si_sdr,
}


def _score(function, reference, degraded, sample_rate):
    reference, degraded = reference.astype(np.float64), degraded.astype(np.float64)
    for name, signal in (("reference", reference), ("degraded", degraded)):
        if not np.isfinite(signal).all():
            raise Unscorable(f"the {name} holds NaN or infinity; repair it")
        if not signal.any():
            raise Unscorable(f"the {name} is silent; use another recording")
    return float(function(reference, degraded, sample_rate))


def _score_or_nan(function, reference, degraded, sample_rate):
    try:
        return _score(function, reference, degraded, sample_rate)
    except Unscorable:
        return np.nan


def _batch(function, reference, degraded, sample_rate, lengths, n_jobs):
    reference, degraded, lengths = as_batch(reference, degraded, lengths=lengths)
    pairs = zip(reference, degraded, lengths, strict=True)
    jobs = (delayed(_score_or_nan)(function, r[:n], d[:n], sample_rate) for r, d, n in pairs)
    return np.array(Parallel(n_jobs=n_jobs)(jobs), dtype=np.float64)


def _check_rate(sample_rate):
    if not sample_rate > 0:
        raise InputError(f"sample_rate is {sample_rate}; give it in Hz, above 0")


def _check_pesq(sample_rate, mode):
    if mode not in PESQ_RATES:
        raise InputError(f"PESQ's mode is {mode!r}; use 'wb' or 'nb'")
    if sample_rate not in PESQ_RATES[mode]:
        rates = " or ".join(map(str, PESQ_RATES[mode]))
        raise InputError(f"PESQ {mode} takes {rates} Hz, the audio has {sample_rate} Hz; resample it")
