"""The two scales of PESQ: the raw score of P.862, -0.5..4.5, and MOS-LQO of P.862.1 and P.862.2, which `pesq` gives.

Papers before 2003, and many later ones, report the raw score; Fu, Liao and Tsao 2019 say "from -0.5 to 4.5".
"""

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import InputError

# y = 0.999 + 4 / (1 + exp(-slope x + offset)): P.862.1 for narrow band, P.862.2 for wide band.
_MAPPINGS = {"nb": (1.4945, 4.6607), "wb": (1.3669, 3.8224)}
_LOWEST, _SPAN = 0.999, 4.0
RAW_RANGE = (-0.5, 4.5)
PESQ_RATES = {"wb": (16000,), "nb": (16000, 8000)}  # in Hz


def mos_lqo(raw: ArrayLike, mode: str) -> np.ndarray:
    """MOS-LQO of raw scores: P.862.1 for narrow band, P.862.2 for wide band.

    Args:
        raw: of P.862, any shape, -0.5..4.5; NaN stays NaN.
        mode: "nb" or "wb".

    Returns:
        float64 of that shape, higher is better: 1.02..4.55 for "nb", 1.04..4.64 for "wb".

    Raises:
        InputError: another mode.

    Example:
        >>> mos_lqo([-0.5, 4.5], "nb").round(2).tolist()
        [1.02, 4.55]
    """
    slope, offset = _mapping(mode)
    return _LOWEST + _SPAN / (1 + np.exp(offset - slope * np.asarray(raw, "float64")))


def raw_score(scores: ArrayLike, mode: str) -> np.ndarray:
    """Raw scores of P.862 from MOS-LQO, the inverse of `mos_lqo`: comparable with papers that report -0.5..4.5.

    Args:
        scores: of `zoo.metrics.speech.pesq` in this mode, any shape, above 0.999 and below 4.999; NaN stays NaN.
        mode: "nb" (which those papers use) or "wb", whose raw score has no standard of its own.

    Returns:
        float64 of that shape, higher is better: up to 4.5, and hardly below -0.5 for "nb"; wide-band scores of strong
        noise go below it.

    Raises:
        InputError: another mode, or a score that the mapping does not reach.

    Example:
        >>> raw_score(mos_lqo([1.0, 2.5], "nb"), "nb").round(6).tolist()
        [1.0, 2.5]
    """
    slope, offset = _mapping(mode)
    scores = np.asarray(scores, "float64")
    if np.any((scores <= _LOWEST) | (scores >= _LOWEST + _SPAN)):
        raise InputError(f"PESQ is above {_LOWEST} and below {_LOWEST + _SPAN}; give scores of zoo.metrics.speech.pesq")
    return (offset - np.log(_SPAN / (scores - _LOWEST) - 1)) / slope


def _mapping(mode):
    if mode not in _MAPPINGS:
        raise InputError(f"there is no mode {mode!r} of PESQ; give 'nb' or 'wb'")
    return _MAPPINGS[mode]
