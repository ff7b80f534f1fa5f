"""Simulated rooms, by pyroomacoustics."""

import functools

import numpy as np

from zoo.errors import InputError


@functools.lru_cache(maxsize=4)
def shoebox_rooms(count: int, seed: int, sample_rate: int) -> tuple[np.ndarray, ...]:
    """Impulse responses of random shoebox rooms, by the image-source method of pyroomacoustics.

    Floors of 3..10 by 3..8 m, 2.4..4 m high, walls that absorb 5..50 % of the energy, talker and microphone at
    random, 0.5 m or more from the walls and 1 m or more apart; images to the 20th order.

    Args:
        count: number of rooms.
        seed: of sizes, walls and positions.
        sample_rate: Hz.

    Returns:
        tuple of `count` float32 arrays (taps,), cached for the next call.

    Raises:
        InputError: pyroomacoustics is not installed.

    Example:
        >>> len(shoebox_rooms(2, seed=0, sample_rate=16000))
        2
    """
    try:
        import pyroomacoustics
    except ImportError as error:
        raise InputError('simulated rooms need pyroomacoustics: pip install "audio-zoo[rooms]"') from error
    rng = np.random.default_rng(seed)
    return tuple(_shoebox(pyroomacoustics, rng, sample_rate) for _ in range(count))


def _shoebox(pyroomacoustics, rng, sample_rate):
    size = rng.uniform([3, 3, 2.4], [10, 8, 4])
    walls = pyroomacoustics.Material(rng.uniform(0.05, 0.5))
    room = pyroomacoustics.ShoeBox(size, fs=sample_rate, materials=walls, max_order=20, air_absorption=True)
    talker, microphone = rng.uniform(0.5, size - 0.5, (2, 3))
    while np.linalg.norm(talker - microphone) < 1:
        microphone = rng.uniform(0.5, size - 0.5)
    room.add_source(talker)
    room.add_microphone(microphone)
    room.compute_rir()
    return np.asarray(room.rir[0][0], "float32")
