"""What a studio does to a stem: equaliser, compressor, saturation, room and stereo image, drawn at random.

Imports pedalboard only where a stem is produced, and no Keras backend.
"""

import numpy as np

from zoo.audio import mix
from zoo.errors import InputError
from zoo.separation.tracks import SAMPLE_RATE

# Chance of each effect; a low source in a large room would be mud.
_SATURATED = {"vocals": 0.1, "drums": 0.3, "bass": 0.5, "other": 0.3}
_IN_A_ROOM = {"vocals": 0.7, "drums": 0.6, "bass": 0.1, "other": 0.5}
_COMPRESSED = 0.7


def require_pedalboard() -> None:
    """Check that pedalboard is installed.

    Raises:
        InputError: it is not; the message says how to install it.
    """
    _pedalboard()


def produce(stem: np.ndarray, source: str, rng: np.random.Generator) -> np.ndarray:
    """A stem after a chain of effects by pedalboard, at the level that it had.

    Each stem gets an equaliser (two shelves and a peak of up to 6 dB) and a stereo image of 0 to 1.3 times its width; at
    random also a compressor (2:1 to 6:1), saturation (up to 12 dB of drive) and a room (up to 30 % wet).

    Args:
        stem: float (samples, 2) at 44.1 kHz.
        source: name of the source, one of `zoo.separation.tracks.SOURCES`.
        rng: NumPy generator.

    Returns:
        float32 (samples, 2), with the rms of `stem`; not limited to [-1, 1].

    Raises:
        InputError: pedalboard is not installed.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((44100, 2))
        >>> produced = produce(noise, "drums", np.random.default_rng(1))  # needs pedalboard  # doctest: +SKIP
    """
    effects = _pedalboard()
    level = mix.rms(stem.ravel())
    if not level:
        return stem.astype(np.float32)
    chain = [
        effects.LowShelfFilter(rng.uniform(60, 250), rng.uniform(-6, 6)),
        effects.PeakFilter(np.exp(rng.uniform(np.log(250), np.log(6000))), rng.uniform(-6, 6), rng.uniform(0.5, 2)),
        effects.HighShelfFilter(rng.uniform(3000, 10000), rng.uniform(-6, 6)),
    ]
    if rng.random() < _COMPRESSED:
        threshold = 20 * np.log10(level) + rng.uniform(-6, 6)
        chain.append(effects.Compressor(threshold, rng.uniform(2, 6), rng.uniform(2, 30), rng.uniform(50, 300)))
    if rng.random() < _SATURATED[source]:
        # tanh of the driven signal: the drive counts from a usual level.
        chain += [effects.Gain(-20 - 20 * np.log10(level)), effects.Distortion(rng.uniform(0, 12))]
    if rng.random() < _IN_A_ROOM[source]:
        wet = rng.uniform(0.02, 0.3)
        room = {"room_size": rng.uniform(0.05, 0.8), "damping": rng.uniform(0.2, 0.9), "width": rng.uniform(0.5, 1)}
        chain.append(effects.Reverb(wet_level=wet, dry_level=1 - wet, **room))
    produced = effects.Pedalboard(chain)(np.ascontiguousarray(stem.T, dtype=np.float32), SAMPLE_RATE).T
    middle, side = produced.mean(axis=1), (produced[:, 0] - produced[:, 1]) / 2 * rng.uniform(0, 1.3)
    produced = np.stack([middle + side, middle - side], axis=1)
    return (produced * (level / max(mix.rms(produced.ravel()), 1e-9))).astype(np.float32)


def _pedalboard():
    try:
        import pedalboard
    except ImportError as error:
        raise InputError('effects need pedalboard: pip install "audio-zoo[music]"') from error
    return pedalboard
