"""Spectrograms as small PNGs for pages of HTML, on one scale of colours, and the key of it."""

import base64
import io as memory

import numpy as np

from zoo.audio import spectra
from zoo.errors import InputError

DB_RANGE = 80
_COLOURS = 64  # a picture of few colours is small


def level_db(audio: np.ndarray, n_fft: int = 512) -> np.ndarray:
    """The spectrogram of a recording in dB: 0 dB is a full-scale sine.

    Args:
        audio: float (samples,).
        n_fft: length of the periodic Hamming window in samples; half of it from frame to frame.

    Returns:
        float32 (bins, frames).

    Example:
        >>> sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
        >>> level_db(sine).shape, bool(abs(level_db(sine)[32, 30]) < 0.01)
        ((257, 63), True)
    """
    magnitude = spectra.magnitude(np.asarray(audio, "float32")[None], n_fft, n_fft // 2)[0].T
    full_scale = spectra.window_samples("hamming", n_fft).sum() / 2
    return 20 * np.log10(magnitude / full_scale + 1e-10)


def shrunk(level: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A spectrogram of fewer bins and frames, each the mean power of those that it stands for.

    Args:
        level: float (bins, frames) in dB.
        rows, columns: at most so many.

    Returns:
        float (rows or bins, columns or frames) in dB, whichever are fewer.

    Example:
        >>> shrunk(np.full((257, 1000), -20.0), rows=64, columns=500).shape
        (64, 500)
    """
    power = 10 ** (level / 10)
    for axis, most in enumerate((rows, columns)):
        size = power.shape[axis]
        starts = np.linspace(0, size, min(size, most), endpoint=False).astype(int)
        sizes = np.diff([*starts, size]).reshape(-1, *[1] * (1 - axis))
        power = np.add.reduceat(power, starts, axis=axis) / sizes
    return 10 * np.log10(power + 1e-20)


def top_db(levels: list[np.ndarray]) -> int:
    """The upper end of one scale for some spectrograms: the loudest of all, up to the next 10 dB.

    Example:
        >>> top_db([np.array([[-33.0]]), np.array([[-28.0]])])
        -20
    """
    return 10 * int(np.ceil(max(level.max() for level in levels) / 10))


def spectrogram(level: np.ndarray, top: float) -> bytes:
    """A PNG of levels in dB, high frequencies above; colours end at `top` and 80 dB below it.

    Raises:
        InputError: matplotlib, whose colours they are, is not installed.

    Example:
        >>> spectrogram(np.zeros((4, 3)), top=0)[:4]  # needs matplotlib
        b'\\x89PNG'
    """
    palette = _palette()
    from PIL import Image  # matplotlib needs it too

    place = np.clip((level[::-1] - top + DB_RANGE) / DB_RANGE, 0, 1)
    image = Image.fromarray(np.round(place * (_COLOURS - 1)).astype("uint8"))
    image.putpalette(palette.tobytes())
    file = memory.BytesIO()
    image.save(file, "png", optimize=True)
    return file.getvalue()


def key(top: float) -> str:
    """HTML of the scale of colours, with its ends.

    Raises:
        InputError: as for `spectrogram`.

    Example:
        >>> "-80 dB" in key(0)
        True
    """
    colours = ",".join(f"rgb({r},{g},{b})" for r, g, b in _palette()[::9])
    return f"""<p class="key">{top - DB_RANGE} dB <i style="background:linear-gradient(90deg,{colours})"></i>
{top} dB re full scale</p>"""


def inline(kind: str, content: bytes) -> str:
    """The address of a file that stands in the page itself.

    Example:
        >>> inline("image/png", b"abc")
        'data:image/png;base64,YWJj'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _palette():
    """uint8 (colours, 3)."""
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise InputError('spectrograms on a page need matplotlib: pip install "audio-zoo[plots]"') from error
    return np.round(255 * colormaps["magma"](np.linspace(0, 1, _COLOURS))[:, :3]).astype("uint8")
