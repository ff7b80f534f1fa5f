"""The example recordings that come with the package: speech at 16 kHz, mono, aligned to the sample."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "audio"


def examples() -> dict[str, Path]:
    """Files of the bundled example recordings.

    A synthetic talker, and the same sentence in noise of several talkers; `tools/make_example_audio.py` writes them.

    Returns:
        {"reference": clean speech, "degraded": in noise at 5 dB SNR, "mild": in noise at 30 dB SNR, "enhanced":
        "degraded" after spectral gating}, each the path of a FLAC file of one length.

    Example:
        >>> sorted(examples())
        ['degraded', 'enhanced', 'mild', 'reference']
    """
    return {name: _FOLDER / f"speech_{name}.flac" for name in ("reference", "degraded", "mild", "enhanced")}
