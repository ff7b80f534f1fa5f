"""Directions: a line in the space of perturbations from a perturbed reference, in both readings of the paper."""

import numpy as np
import pytest

from zoo.audio import mix
from zoo.errors import InputError
from zoo.jnd import perturb
from zoo.jnd.directions import Direction
from zoo.jnd.listening import Procedure, SimulatedListener
from zoo.jnd.perturb import CATEGORIES, LADDER, SAMPLE_RATE, category_of

ORDER = tuple(CATEGORIES)
MATERIAL = perturb.Material({}, [mix.decaying_room(0.4, 0.0, SAMPLE_RATE, np.random.default_rng(0))])
CLIP = perturb.loudness_normalise(mix.colored_noise(SAMPLE_RATE // 2, 1.0, np.random.default_rng(0)))


RNG = np.random.default_rng(0)
DRAWN = [Direction.draw(RNG) for _ in range(90)]


def test_a_line_is_straight_and_starts_at_the_reference():
    direction = Direction({"mu-law": 40.0}, {"eq": (0.0, -80.0, 60.0), "mu-law": 10.0}, ORDER, 0)
    assert direction.strengths(0) == {"mu-law": 40.0}
    assert direction.strengths(25) == {"mu-law": 32.5, "eq": [0.0, -20.0, 15.0]}
    assert direction.strengths(100) == {"mu-law": 10.0, "eq": [0.0, -80.0, 60.0]}
    for rho in (-1, 101, np.nan):
        with pytest.raises(InputError, match="0 to 100"):
            direction.strengths(rho)


def test_drawn_lines_end_at_the_edge_of_the_space():
    for direction in DRAWN:
        shares = []
        for axis, end in direction.towards.items():
            low, high = (-100, 100) if axis == "eq" else (min(LADDER[axis]), max(LADDER[axis]))
            assert np.all((np.asarray(end) >= low) & (np.asarray(end) <= high))
            shares += np.ravel((np.asarray(end) - low) / (high - low)).tolist()
        assert min(np.minimum(shares, 1 - np.array(shares))) == pytest.approx(0, abs=1e-9)
        assert sorted(direction.order) == sorted(ORDER)
    assert len({direction.order for direction in DRAWN}) > 40


def test_a_reference_has_one_axis_of_a_category_and_the_line_goes_along_it():
    combined = 0
    for direction in DRAWN:
        both = direction.reference | direction.towards
        for category in {category_of(axis) for axis in both} - {"reverberation"}:
            assert len([axis for axis in both if category_of(axis) == category]) == 1
        combined += len(direction.towards) > 1
    assert combined > 30
    fresh = [
        direction for direction in DRAWN if "rt60" in direction.towards and not {"rt60", "drr"} & {*direction.reference}
    ]
    assert fresh and all("drr" in direction.towards for direction in fresh)


def test_boosts_are_as_frequent_as_cuts():
    bands = np.concatenate([direction.towards["eq"] for direction in DRAWN if "eq" in direction.towards])
    assert 0.35 < np.mean(bands < 0) < 0.65


@pytest.mark.parametrize("on_reference", [False, True])
def test_pairs_differ_by_the_strength_alone(on_reference):
    """Without strength both are the reference; the noise and the room are one draw, so a difference grows with rho."""
    direction = Direction({"noise:pink": 30.0}, {"mu-law": 5.0, "drr": 60.0}, ORDER, 3, on_reference)
    same = direction.pair(CLIP, 0.0, MATERIAL)
    assert np.array_equal(*same) and not np.array_equal(same[0], CLIP)
    pairs = [direction.pair(CLIP, rho, MATERIAL) for rho in (1e-6, 30.0, 90.0)]
    assert all(np.array_equal(pair[0], same[0]) for pair in pairs)
    differences = [mix.rms(degraded - reference) for reference, degraded in pairs]
    assert differences[0] < 0.05 * differences[1] and differences[1] < 0.7 * differences[2]
    assert np.array_equal(pairs[1], direction.pair(CLIP, 30.0, MATERIAL))


def test_the_readings_differ_in_what_is_perturbed():
    """As points of the space: the noise gets louder. On the waveform: other noise is added to the noisy reference."""
    louder, added = (
        Direction({"noise:white": 60.0}, {"noise:white": 61.0}, ORDER, 0, on_reference)
        for on_reference in (False, True)
    )
    reference, degraded = louder.pair(CLIP, 100.0, MATERIAL)
    assert mix.rms(degraded - reference) < 0.1 * mix.rms(reference - CLIP)
    assert np.array_equal(added.pair(CLIP, 100.0, MATERIAL)[0], reference)
    assert mix.rms(added.pair(CLIP, 100.0, MATERIAL)[1] - reference) > 0.5 * mix.rms(reference - CLIP)


def test_a_procedure_finds_the_threshold_along_a_direction():
    """A listener who hears a difference of the recordings: the threshold is the rho at which it has that size."""
    direction = Direction({"noise:pink": 10.0}, {"noise:pink": 90.0}, ORDER, 0)

    def snr_db(rho):
        return perturb.value("additive", direction.strengths(rho)["noise:pink"])

    listener = SimulatedListener(-35.0, 1.0, 0.0, np.random.default_rng(0))
    procedure = Procedure(0.0, 100.0, np.random.default_rng(1))
    for _ in range(14):
        procedure.answer(listener.answer(-snr_db(procedure.next())))
    assert snr_db(procedure.threshold.mu) == pytest.approx(35.0, abs=3.0)
