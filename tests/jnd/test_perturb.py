"""Strengths, ladders and combinations: the values asked for, seeded, one per category, worse along every ladder."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from tests.support.harness import data_path
from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.jnd import noises, perturb
from zoo.jnd.perturb import CATEGORIES, LADDER, SAMPLE_RATE, apply, draw, value

AXES = [axis for axes in CATEGORIES.values() for axis in axes]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def material():
    recordings = {name: [mix.colored_noise(50000, 0.5, rng(i))] for i, name in enumerate(noises._RECORDED)}
    rooms = [mix.decaying_room(rt60, drr, SAMPLE_RATE, rng()) for rt60, drr in ((0.3, 0.0), (0.8, -3.0))]
    return perturb.Material(recordings, rooms)


@pytest.fixture(scope="module")
def clip():
    """Pink noise in syllables, with pauses: 1 s at -16 LUFS."""
    syllables = np.maximum(np.sin(2 * np.pi * 3 * np.arange(SAMPLE_RATE) / SAMPLE_RATE), 0)
    return perturb.loudness_normalise(mix.colored_noise(SAMPLE_RATE, 1.0, rng()) * syllables)


@pytest.mark.parametrize(
    ("axis", "low", "high"),
    [
        ("additive", 63.6, 5.54), ("noise:siren", 63.6, 5.54), ("drr", 65, -27), ("rt60", 0.239, 1.673),
        ("mp3", 160, 8), ("mu-law", 1, 60), ("pops", 1e-4, 0.1), ("griffin-lim", 80, 1), ("dropouts", 1e-4, 0.2),
        ("eq", 1, 0.1),
    ],
)  # fmt: skip
def test_values_at_the_ends(axis, low, high):
    assert value(axis, 0) == pytest.approx(low, rel=1e-3)
    assert value(axis, 100) == pytest.approx(high, rel=1e-3)


def test_values_between():
    assert value("mp3", 50) == pytest.approx(np.sqrt(300))
    assert value("griffin-lim", 50) == 40
    np.testing.assert_allclose(value("eq", (0, 50, 100)), [1, 10**-0.5, 0.1])


@pytest.mark.parametrize(
    ("axis", "mild", "severe"),
    [
        ("noise:pink", 66, 2), ("drr", 65, -27), ("rt60", 0.05, 8), ("mp3", 320, 8), ("mu-law", 1, 60),
        ("pops", 1e-4, 0.1), ("griffin-lim", 500, 1), ("dropouts", 1e-4, 0.2),
    ],
)  # fmt: skip
def test_ranges_as_table_1_prints_them(axis, mild, severe):
    assert value(axis, 0, table_1=True) == pytest.approx(mild)
    assert value(axis, 100, table_1=True) == pytest.approx(severe)
    between = sorted((mild, severe))
    assert between[0] < value(axis, 50, table_1=True) < between[1]


def test_the_equaliser_boosts_too(clip, material):
    """A band of -60 has the gain 10**0.6; of three equal bands the loudness is taken out again."""
    np.testing.assert_allclose(value("eq", (-100, -50, 0)), [10, 10**0.5, 1])
    with pytest.raises(InputError, match="-100 to 100"):
        value("eq", -101)
    boosted = perturb.equalise(clip, (0, 0, -60))
    low = perturb.equalise(clip, (0, 0, 100))
    np.testing.assert_allclose(boosted - clip, (10**0.6 - 1) / 0.9 * (clip - low), atol=1e-4)
    bands = np.array([draw(rng(seed), 5, boosts=True).get("eq", [0.0] * 3) for seed in range(40)])
    assert bands.min() < -70 and bands.max() > 70
    assert all(min(draw(rng(seed), 5).get("eq", [0.0])) >= 0 for seed in range(40))


def test_a_set_order_keeps_the_randomness_of_each_category(clip, material):
    """The room alone, and the room before a codec that changes nothing audible: the same room, the same echoes."""
    order = ("reverberation", "compression", "additive")
    alone = apply(clip, {"drr": 90}, material, rng(4), order)
    both = apply(clip, {"drr": 90, "mu-law": 60}, material, rng(4), order)
    assert mix.rms(both - alone) < 0.01 * mix.rms(alone)
    noisy = [apply(clip, {"noise:white": 80} | more, material, rng(4), order) for more in ({}, {"mu-law": 60})]
    assert mix.rms(noisy[1] - noisy[0]) < 0.01 * mix.rms(noisy[0])
    before, after = (
        apply(clip, {"mu-law": 20, "eq": (0, 0, 90)}, material, rng(), order)
        for order in (("compression", "equalisation"), ("equalisation", "compression"))
    )
    assert not np.allclose(before, after, atol=1e-2)
    with pytest.raises(InputError, match="lacks compression"):
        apply(clip, {"mp3": 50}, material, rng(), ("additive",))


@pytest.mark.parametrize(
    ("axis", "strength"), [("drr", -1), ("drr", 101), ("mp3", np.nan), ("noise:rain", 5), ("x", 5)]
)
def test_wrong_strengths_and_axes_are_refused(axis, strength, clip, material):
    with pytest.raises(InputError):
        value(axis, strength)
    with pytest.raises(InputError):
        apply(clip, {axis: strength}, material, rng())


def test_loudness_of_real_speech_is_the_anchor_of_snr():
    levels = []
    for file in sorted(data_path("speech", "train").glob("*/*.flac"))[::60]:
        speech, _ = io.read(file, SAMPLE_RATE, resample=True)
        levels.append(20 * np.log10(mix.rms(perturb.loudness_normalise(speech))))
    assert np.median(levels) == pytest.approx(perturb._SPEECH_DB, abs=0.7)


@pytest.mark.parametrize("axis", AXES)
def test_each_axis(axis, clip, material):
    strengths = {axis: LADDER[axis][5]}
    out = apply(clip, strengths, material, rng())
    assert out.shape == clip.shape and out.dtype == np.float32 and np.isfinite(out).all() and np.abs(out).max() <= 1
    np.testing.assert_array_equal(out, apply(clip, strengths, material, rng()))
    assert not np.array_equal(out, perturb.loudness_normalise(clip))
    assert not apply(np.zeros_like(clip), strengths, material, rng()).any()


def log_spectral_distance(one, other):
    one, other = (np.abs(scipy.signal.stft(audio, nperseg=512)[2]) ** 2 for audio in (one, other))
    return np.sqrt(np.mean((10 * np.log10((one + 1e-7) / (other + 1e-7))) ** 2))


@pytest.mark.parametrize("axis", AXES)
def test_every_ladder_gets_worse(axis, clip, material):
    ladder = LADDER[axis][::2]
    distances = [log_spectral_distance(apply(clip, {axis: step}, material, rng()), clip) for step in ladder]
    assert scipy.stats.spearmanr(np.arange(len(ladder)), distances)[0] >= 0.94


def test_combinations(clip, material):
    strengths = {"noise:white": 70, "drr": 60, "rt60": 40, "mp3": 30, "eq": (10, 20, 30), "pops": 20}
    out = apply(clip, strengths, material, rng())
    np.testing.assert_array_equal(out, apply(clip, dict(reversed(strengths.items())), material, rng()))
    assert not np.array_equal(out, apply(clip, strengths, material, rng(1)))
    np.testing.assert_array_equal(apply(clip, {}, material, rng()), perturb.loudness_normalise(clip))


def test_the_order_is_random(clip, material):
    outs = {apply(clip, {"mu-law": 20, "eq": (0, 0, 90)}, material, rng(seed)).tobytes() for seed in range(12)}
    assert len(outs) == 2


@pytest.mark.parametrize("pair", [("mp3", "mu-law"), ("noise:white", "noise:pink"), ("pops", "dropouts")])
def test_two_of_a_category_are_refused(pair, clip, material):
    with pytest.raises(InputError, match="give one of them"):
        apply(clip, dict.fromkeys(pair, 50), material, rng())


def test_clips_that_cannot_be_perturbed(clip, material):
    with pytest.raises(InputError, match="one clip at a time"):
        apply(clip[None], {"mp3": 50}, material, rng())
    with pytest.raises(InputError, match="too short"):
        apply(clip[:100], {"mp3": 50}, material, rng())
    with pytest.raises(InputError, match="three"):
        apply(clip, {"eq": 50}, material, rng())


def test_draws_cover_the_space(clip, material):
    generator = rng()
    drawn = [draw(generator, most=3) for _ in range(600)]
    category = {axis: category for category, axes in CATEGORIES.items() for axis in axes}
    counts = [len({category[axis] for axis in strengths}) for strengths in drawn]
    assert set(counts) == {1, 2, 3}
    assert {axis for strengths in drawn for axis in strengths} == set(AXES)
    together = [("drr" in strengths) + ("rt60" in strengths) for strengths in drawn]
    assert {0, 1, 2} == set(together)
    for strengths in drawn[:30]:
        assert apply(clip[:9000], strengths, material, rng()).shape == (9000,)
    assert draw(rng(3)) == draw(rng(3))
    with pytest.raises(InputError, match="most"):
        draw(rng(), most=6)
