"""From listeners to a metric: a crowd answers through the study's address, and a metric learns its threshold."""

import numpy as np
import pytest

from tests.support.listening import PINK, make_jnd, running
from zoo.jnd.directions import Direction
from zoo.jnd.effects import loudness_normalise
from zoo.jnd.listening import SimulatedListener
from zoo.jnd.noises import Material
from zoo.listening import crowd, report, sounds
from zoo.listening.store import Listener, Sound, Trial

THRESHOLD = 60.0


def attend(store, url, seed):
    """A simulated listener of the threshold; which strength a trial has only the store knows."""
    listener = SimulatedListener(THRESHOLD, 5.0, 0.02, np.random.default_rng(seed))

    def decide(trial, recordings):
        if trial["screen"] != "jnd":
            return None
        with store.read() as session:
            last = session.query(Listener).order_by(Listener.id.desc()).first()
            stored = session.query(Trial).filter_by(listener_id=last.id, number=trial["number"]).one()
            different = listener.answer(stored.content["rho"])
            return {"choice": stored.expected or ("different" if different else "same")}

    return crowd.attend(url, decide)


def half_point(metric, clip):
    """The strength at which a metric's probability of "different" crosses one half."""
    strengths, material = np.arange(5.0, 100.0, 5.0), Material({}, [])
    pairs = []
    for seed in range(3):
        direction = Direction({}, PINK["towards"], ("additive",), seed)
        pairs.append(np.stack([direction.pair(clip, strength, material) for strength in strengths], axis=1))
    probability = np.mean([metric.judge(*pair, 22050)[1] for pair in pairs], axis=0)
    above = int(np.argmax(probability > 0.5))
    return np.interp(0.5, probability[above - 1 : above + 1], strengths[above - 1 : above + 1])


@pytest.mark.slow
def test_a_metric_learns_the_threshold_of_the_crowd(tmp_path):
    import zoo
    from zoo.jnd import studies
    from zoo.jnd.train import Recipe, train

    store, kind = make_jnd(tmp_path, 8, seconds=2.5, search="draws")
    with running(store, kind) as url:
        assert {attend(store, url, seed)["status"] for seed in range(9)} == {"done"}
    report.write(store, kind, tmp_path / "report")
    with store.read() as session:
        audio, _ = sounds.decode(session.get(Sound, kind.clip).audio)
    store.close()
    clip = loudness_normalise(audio[:, 0])
    table = tmp_path / "report" / "triplets" / "triplets.csv"
    judged = [studies.read_triplets(table, split) for split in ("train", "validation")]
    recipe = Recipe(
        "crowd", "SpectralJND", {"dropout": 0.15}, start="jnd-22k", epochs=2, learning_rate=3e-4, calibrate=True
    )
    metric, _, _ = train(recipe, *judged, None, tmp_path / "runs", verbose=0)
    assert abs(half_point(zoo.load("jnd-22k"), clip) - THRESHOLD) > 0.3 * THRESHOLD
    assert abs(half_point(metric, clip) - THRESHOLD) < 0.15 * THRESHOLD
