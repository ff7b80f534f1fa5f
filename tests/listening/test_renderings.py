"""Perturbed pairs are rendered once, whoever asks."""

from dataclasses import asdict

import numpy as np

from tests.support.listening import PINK, make_jnd
from zoo.jnd.directions import Direction
from zoo.listening import renderings, sounds
from zoo.listening.store import Item, Rendering, Sound


def test_a_pair_is_rendered_once_and_is_that_of_its_direction(tmp_path):
    store, kind = make_jnd(tmp_path, 1)
    direction = Direction({}, PINK["towards"], ("additive",), seed=5)
    with store.read() as session:
        item = session.query(Item).one()
    first = renderings.pair(store, item, asdict(direction), 60.0, kind.material)
    assert renderings.pair(store, item, asdict(direction), 60.0, None) == first  # without material nothing is rendered
    with store.read() as session:
        assert session.query(Rendering).count() == 2
        clip, pair = (
            [sounds.decode(session.get(Sound, digest).audio)[0][:, 0] for digest in digests]
            for digests in ([item.facts["clip"]], first)
        )
    np.testing.assert_allclose(pair, direction.pair(clip[0], 60.0, kind.material), atol=2**-15)
    store.close()
