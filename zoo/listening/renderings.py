"""Perturbed pairs, rendered once: each is stored by what it was made from, and served by the hash of its content."""

import hashlib
import json
from typing import Any

import sqlalchemy

from zoo.jnd.directions import Direction
from zoo.jnd.noises import Material
from zoo.jnd.perturb import SAMPLE_RATE
from zoo.listening import sounds
from zoo.listening.store import Item, Rendering, Sound, Store


def pair(store: Store, item: Item, direction: dict[str, Any], rho: float, material: Material) -> list[str]:
    """Digests of the reference and the degraded recording of a direction at a strength.

    Args:
        store: of the study.
        item: whose clip is perturbed.
        direction: fields of `zoo.jnd.directions.Direction`.
        rho: 0..100.
        material: noises and rooms.

    Returns:
        [reference, degraded].
    """
    recipes = [_recipe(item, direction, strength) for strength in (0.0, rho)]
    with store.read() as session:
        known = [session.get(Rendering, recipe) for recipe in recipes]
        if all(known):
            return [rendering.digest for rendering in known]
        clip, _ = sounds.decode(session.get(Sound, item.facts["clip"]).audio)
    recordings = Direction(**direction | {"order": tuple(direction["order"])}).pair(clip[:, 0], rho, material)
    try:
        return _keep(store, recipes, recordings)
    except sqlalchemy.exc.IntegrityError:  # another server rendered the same meanwhile
        return _keep(store, recipes, recordings)


def _keep(store, recipes, recordings):
    digests = []
    with store.write() as session:
        for recipe, recording in zip(recipes, recordings, strict=True):
            digests.append(sounds.add(session, recording, SAMPLE_RATE))
            if session.get(Rendering, recipe) is None:
                session.add(Rendering(recipe=recipe, digest=digests[-1]))
                session.flush()
    return digests


def _recipe(item, direction, rho):
    facts = json.dumps([item.facts["clip"], direction, rho], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()
