"""Random directions in the space of perturbations: one strength for a combination of them (Manocha et al. 2020, Figure 2).

The reference is itself perturbed, and the degraded recording lies on a line that starts there. The paper has two
readings: both recordings are one clip at two points of the space (Figure 2, and the file names of the published
answers), or the perturbations act on the reference's waveform (x_per = H(x_ref, rho), section 2.1). Both are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.errors import InputError
from zoo.jnd.noises import Material
from zoo.jnd.perturb import CATEGORIES, LADDER, apply, category_of, draw

_EQ_LIMIT = 100.0  # of each band, cut or boost


@dataclass(frozen=True)
class Direction:
    """A perturbed reference, and the strengths of a combination of perturbations along a line from it.

    Attributes:
        reference: {axis: strength} of the reference's own perturbations, as `zoo.jnd.perturb.apply` takes them.
        towards: {axis: strength} at rho = 100, of the axes that change.
        order: categories in the order in which they are applied.
        seed: of the noise, the room and the positions, the same in both recordings.
        on_reference: whether the perturbations act on the reference's waveform; else both recordings are the clip at two
            points of the space.
        table_1: whether the axes have the ranges that the paper prints (`zoo.jnd.perturb.TABLE_1`).

    Example:
        >>> direction = Direction({"noise:pink": 20.0}, {"noise:pink": 60.0, "mp3": 60.0}, ("additive", "compression"), 0)
        >>> direction.strengths(50)
        {'noise:pink': 40.0, 'mp3': 35.0}
    """

    reference: dict[str, float | Sequence[float]]
    towards: dict[str, float | Sequence[float]]
    order: tuple[str, ...]
    seed: int
    on_reference: bool = False
    table_1: bool = False

    @classmethod
    def draw(
        cls, rng: np.random.Generator, most: int = 3, on_reference: bool = False, table_1: bool = False
    ) -> "Direction":
        """A random direction from a random reference.

        Each axis has a random share of the line, which ends where the first axis reaches the end of its range: one that
        the reference has gets milder or more severe, another one more severe from its mildest. The paper does not say
        how its vectors were drawn. Bands of the equaliser are cut or boosted; the order of the categories is random.

        Args:
            rng: NumPy generator.
            most: greatest number of categories of the reference, and of those that change; 1..5.
            on_reference, table_1: as the attributes.

        Returns:
            `Direction`.

        Example:
            >>> direction = Direction.draw(np.random.default_rng(0))
            >>> direction.strengths(0) == direction.reference
            True
        """
        reference = draw(rng, most, boosts=True)
        start = {} if on_reference else reference
        axes = _axes(start, draw(rng, most))
        order = tuple(str(category) for category in rng.permutation(list(CATEGORIES)))
        return cls(reference, _line(start, axes, rng), order, int(rng.integers(2**31)), on_reference, table_1)

    def strengths(self, rho: float) -> dict[str, float | list[float]]:
        """Strengths of the perturbations at a strength of the whole.

        Args:
            rho: 0 (none besides the reference's own) to 100.

        Returns:
            {axis: strength}: of the degraded recording, or with `on_reference` of what is done to the reference.

        Raises:
            InputError: rho is out of range.
        """
        if not 0 <= rho <= 100:
            raise InputError(f"rho of {rho} is out of range; give a strength of 0 to 100")
        start = {} if self.on_reference else dict(self.reference)
        if rho == 0:
            return start
        moved = {axis: _between(start.get(axis, _mildest(axis)), end, rho / 100) for axis, end in self.towards.items()}
        return start | moved

    def pair(self, clip: np.ndarray, rho: float, material: Material) -> np.ndarray:
        """The reference and the degraded recording at a strength.

        Args:
            clip: float (samples,) at 22,050 Hz and -16 LUFS, the clean recording.
            rho: 0..100; at 0 both are the same.
            material: noises and rooms.

        Returns:
            float32 (2, samples), each at -16 LUFS; deterministic.

        Raises:
            InputError: as for `strengths` and `zoo.jnd.perturb.apply`.

        Example:
            >>> from zoo.jnd import perturb
            >>> clip = perturb.loudness_normalise(np.sin(0.1 * np.arange(22050)))
            >>> direction = Direction({"mu-law": 20.0}, {"noise:pink": 90.0}, ("additive", "compression"), seed=0)
            >>> reference, degraded = direction.pair(clip, 40.0, perturb.Material({}, []))
        """
        strengths, reference = self.strengths(rho), self._apply(clip, self.reference, material, 0)
        if rho == 0:
            return np.stack([reference, reference])
        # What acts on the waveform of the reference is new noise, in another room.
        start = (reference, 1) if self.on_reference else (clip, 0)
        return np.stack([reference, self._apply(start[0], strengths, material, start[1])])

    def _apply(self, audio, strengths, material, number):
        rng = np.random.default_rng([self.seed, number])
        return apply(audio, strengths, material, rng, self.order, self.table_1)


def _axes(start, drawn):
    """The axes to change: in a category that the start has, those of the start."""
    categories = {category_of(axis) for axis in drawn}
    shared = [axis for axis in start if category_of(axis) in categories]
    categories -= {category_of(axis) for axis in shared}
    fresh = [axis for axis in drawn if category_of(axis) in categories]
    # New reverberation begins at the highest ratio: at a room's own, the mildest step would be plainly audible.
    return [*shared, *fresh, *["drr"] * ("rt60" in fresh and "drr" not in fresh)]


def _line(start, axes, rng):
    """{axis: strength} at the end of a random line from `start` along the axes, at the edge of the space."""
    origins = {axis: np.asarray(start.get(axis, _mildest(axis))) for axis in axes}
    steps = {axis: _step(axis, axis in start, rng) for axis in axes}
    length = min(np.min(_room(axis, origins[axis], steps[axis])) for axis in axes)
    return {axis: np.clip(origins[axis] + length * steps[axis], *_ends(axis)).tolist() for axis in axes}


def _step(axis, either_way, rng):
    """A random change of the axis, in strength."""
    shape = (3,) if axis == "eq" else ()
    if axis == "eq" or either_way:
        low, high = _ends(axis)
        return (high - low) * rng.uniform(-1, 1, shape)
    return (LADDER[axis][-1] - LADDER[axis][0]) * rng.uniform(0, 1, shape)


def _room(axis, origin, step):
    """How many steps there are from the origin to the end of the axis."""
    low, high = _ends(axis)
    return np.where(step > 0, high - origin, origin - low) / np.maximum(np.abs(step), 1e-9)


def _ends(axis):
    """Lowest and highest strength of an axis."""
    return (-_EQ_LIMIT, _EQ_LIMIT) if axis == "eq" else (min(LADDER[axis]), max(LADDER[axis]))


def _mildest(axis):
    """Strength of an axis where its change begins."""
    return [0.0] * 3 if axis == "eq" else LADDER[axis][0]


def _between(start, end, share):
    return (np.asarray(start) + share * (np.asarray(end) - np.asarray(start))).tolist()
