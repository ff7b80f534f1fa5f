"""Speed, tempo and pitch of speech, and its place in time: shifts and a clock that drifts."""

import numpy as np

from zoo.audio import io

_FRAME, _SEARCH = 0.032, 0.006  # seconds: of a frame of `change_tempo`, and by which it may be moved


def change_speed(audio: np.ndarray, factor: float) -> np.ndarray:
    """Play a recording faster, which raises its pitch, or slower.

    Args:
        audio: float (samples,).
        factor: speed; 2 halves the length and raises the pitch by an octave.

    Returns:
        float32 (round(samples / factor),).

    Example:
        >>> change_speed(np.ones(1000), 2.0).shape
        (500,)
    """
    return io.resample(audio, factor, 1.0)


def change_tempo(audio: np.ndarray, factor: float, sample_rate: float) -> np.ndarray:
    """Speak faster or slower at the same pitch, by overlap-add of similar frames (WSOLA, Verhelst and Roelands 1993).

    Frames of 32 ms overlap by half; each begins within 6 ms of its place, where it is most like what followed the last.

    Args:
        audio: float (samples,), 64 ms or more.
        factor: tempo; 2 halves the length.
        sample_rate: in Hz.

    Returns:
        float32 (round(samples / factor),).

    Example:
        >>> change_tempo(np.random.default_rng(0).normal(size=16000), 0.8, 16000).shape
        (20000,)
    """
    hop, search = int(_FRAME * sample_rate) // 2, int(_SEARCH * sample_rate)
    samples = round(len(audio) / factor)
    window = np.hanning(2 * hop + 1)[:-1]
    padded = np.pad(np.asarray(audio, "float64"), (search + hop, 3 * hop + 2 * search))
    out, last = np.zeros(samples + 3 * hop), search
    for start in range(0, samples + hop, hop):
        place = min(round(start * factor), len(audio) + hop) + search
        nearby = padded[place - search : place + search + 2 * hop]
        if start:
            following = padded[last + hop : last + 3 * hop]
            place += int(np.argmax(np.correlate(nearby, following, "valid"))) - search
        out[start : start + 2 * hop] += window * padded[place : place + 2 * hop]
        last = min(place, len(audio) + search)
    return out[hop : hop + samples].astype("float32")


def change_pitch(audio: np.ndarray, factor: float, sample_rate: float) -> np.ndarray:
    """Raise the pitch, formants included, by a factor at the same length.

    Args:
        audio: float (samples,), 64 ms or more.
        factor: 2 for an octave.
        sample_rate: in Hz.

    Returns:
        float32 (samples,).

    Example:
        >>> change_pitch(np.random.default_rng(0).normal(size=16000), 1.1, 16000).shape
        (16000,)
    """
    longer = change_tempo(audio, 1 / factor, sample_rate)
    return fit(change_speed(longer, factor), len(audio))


def shift(audio: np.ndarray, samples: int) -> np.ndarray:
    """Delay a recording, or advance it where `samples` is below 0, within its length; zeros take the empty place.

    Example:
        >>> shift(np.array([1, 2, 3]), 1).tolist(), shift(np.array([1, 2, 3]), -2).tolist()
        ([0, 1, 2], [3, 0, 0])
    """
    moved = np.zeros_like(audio)
    if samples >= 0:
        moved[samples:] = audio[: max(len(audio) - samples, 0)]
    else:
        moved[:samples] = audio[-samples:]
    return moved


def drift(audio: np.ndarray, parts_per_million: float) -> np.ndarray:
    """Record by a clock that is slow, so that the recording runs ahead more and more; its length stays.

    Args:
        audio: float (samples,).
        parts_per_million: by which the clock is slow; below 0 it is fast.

    Returns:
        float32 (samples,); zeros take what lies beyond the end.

    Example:
        >>> drift(np.ones(16000), 100.0).shape
        (16000,)
    """
    return fit(change_speed(audio, 1 + parts_per_million * 1e-6), len(audio))


def fit(audio: np.ndarray, samples: int) -> np.ndarray:
    """The first samples of a recording, with zeros after its end where it is shorter.

    Example:
        >>> fit(np.ones(3), 2).tolist(), fit(np.ones(1), 2).tolist()
        ([1.0, 1.0], [1.0, 0.0])
    """
    return np.pad(audio[:samples], (0, max(samples - len(audio), 0)))
