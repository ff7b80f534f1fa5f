"""True metrics of separation: exact energy ratios, museval's own values, silence, summaries, oracle masks."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support.harness import REPOSITORY
from zoo.errors import InputError
from zoo.metrics import separation
from zoo.metrics.separation import SCORES

RATE = 4000
each_mode = pytest.mark.parametrize("mode", separation.MODES)


def noises(samples, count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, samples)) / 10


@pytest.fixture(scope="module")
def track():
    """Two seconds of two noises, and estimates with a filtered target, some of the other noise and some new noise."""
    a, b, c, d = noises(2 * RATE, 4)
    references = {"a": a, "b": b}
    estimates = {"a": 0.9 * a + 0.2 * np.roll(a, 3) + 0.1 * b + 0.05 * c, "b": 1.1 * b + 0.3 * a + 0.1 * d}
    return references, estimates


def evaluate(references, estimates, window=1.0, hop=0.5, mode="v4"):
    return separation.evaluate_track(references, estimates, RATE, window, hop, mode)


def decibels(signal, error):
    return 10 * np.log10(np.sum(signal**2) / np.sum(error**2))


def changed(sources, **others):
    return {source: others.get(source, audio) for source, audio in sources.items()}


def silenced(audio, start, stop):
    audio = audio.copy()
    audio[start:stop] = 0
    return audio


def check_equal(one, other, sources="ab", frames=slice(None), rtol=1e-9):
    for source in sources:
        for score in SCORES:
            np.testing.assert_allclose(one[source][score][frames], other[source][score][frames], rtol=rtol)


@each_mode
def test_agrees_with_museval(track, mode):
    import museval

    result = evaluate(*track, mode=mode)
    arrays = (np.stack([sources[name] for name in "ab"])[..., None] for sources in track)
    expected = museval.evaluate(*arrays, win=RATE, hop=RATE // 2, mode=mode)
    for score, values in zip(SCORES, expected, strict=True):
        np.testing.assert_array_equal(np.stack([result[name][score] for name in "ab"]), values)
    assert result["a"]["sdr"].shape == (3,) and result["a"]["sdr"].dtype == np.float64
    assert list(result["a"]) == [*SCORES, "silent"] and result["a"]["silent"] is False


def test_stereo_agrees_with_museval_and_leaves_its_input_alone():
    import museval

    a, b, c = (np.stack([x, y], axis=1) for x, y in noises(RATE, 6).reshape(3, 2, RATE))
    references = {"a": a.astype("float32"), "b": silenced(b, 0, RATE // 2).astype("float32")}
    estimates = {"b": (b + c).astype("float32"), "a": (a + 0.5 * b).astype("float32")}
    before = [audio.copy() for sources in (references, estimates) for audio in sources.values()]
    result = evaluate(references, estimates, window=0.5)
    arrays = (np.stack([sources[name] for name in "ab"]) for sources in (references, estimates))
    expected = museval.evaluate(*arrays, win=RATE // 2, hop=RATE // 2)
    for score, values in zip(SCORES, expected, strict=True):
        np.testing.assert_allclose([result[name][score][1] for name in "ab"], values[:, 1], rtol=1e-5)
    after = (audio for sources in (references, estimates) for audio in sources.values())
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@each_mode
def test_sdr_is_the_energy_ratio_of_each_frame(track, mode):
    references, estimates = track
    result = evaluate(*track, mode=mode)
    for name in "ab":
        frames = [slice(start, start + RATE) for start in (0, RATE // 2, RATE)]
        errors = references[name] - estimates[name]
        expected = [decibels(references[name][frame], errors[frame]) for frame in frames]
        np.testing.assert_allclose(result[name]["sdr"], expected, rtol=1e-9)


def test_known_levels():
    """Interference at -20 dB and noise at -30 dB; by chance, 512 taps fit some of 40000 samples of noise too."""
    a, b, c = noises(40000, 3)
    result = evaluate({"a": a, "b": b}, {"a": a + 10**-1 * b + 10**-1.5 * c, "b": b}, window=10.0)
    assert result["a"]["sir"][0] == pytest.approx(20, abs=0.2)
    assert result["a"]["sar"][0] == pytest.approx(30, abs=0.3)
    assert result["a"]["sdr"][0] == pytest.approx(-10 * np.log10(10**-2 + 10**-3), abs=0.1)
    assert all(result["b"][score][0] > 100 for score in SCORES)  # the reference itself


def test_gain_costs_sdr_and_isr_but_neither_sir_nor_sar(track):
    references, estimates = track
    halved = {name: audio / 2 for name, audio in references.items()}
    result = evaluate(references, halved)
    for score in ("sdr", "isr"):
        np.testing.assert_allclose(result["a"][score], 20 * np.log10(2), rtol=1e-6)
    loud, quiet = evaluate(*track), evaluate(references, {name: audio / 2 for name, audio in estimates.items()})
    for score in ("sir", "sar"):
        np.testing.assert_allclose(loud["a"][score], quiet["a"][score], rtol=1e-6)


def test_mixture_as_estimate_is_the_floor():
    references = dict(zip("ab", noises(40000, 2), strict=True))
    mixture = separation.mixture_as_estimate(references)
    np.testing.assert_array_equal(mixture["b"], references["a"] + references["b"])
    result = evaluate(references, mixture, window=10.0)
    for name in "ab":
        for score in ("sdr", "sir"):
            assert result[name][score][0] == pytest.approx(0, abs=0.3)
        assert result[name]["sar"][0] > 100
        assert separation.si_sdr(references, mixture)[name] == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(("window", "frames"), [(30.0, 1), (2.0, 1), (1.9, 1), (1.5, 2), (0.6, 3)])
def test_frames_are_whole_and_a_short_track_is_one(track, window, frames):
    assert len(evaluate(*track, window=window)["a"]["sdr"]) == frames


@each_mode
def test_reference_silent_throughout_is_left_out(track, mode):
    references, estimates = track
    result = evaluate({"c": 0 * references["a"], **references}, {"c": estimates["a"], **estimates}, mode=mode)
    check_equal(result, evaluate(*track, mode=mode))
    assert result["c"]["silent"] is True and result["a"]["silent"] is False
    assert all(np.isnan(result["c"][score]).all() and result["c"][score].shape == (3,) for score in SCORES)


def test_everything_silent_is_nan(track):
    result = evaluate({name: 0 * audio for name, audio in track[0].items()}, track[1])
    assert all(np.isnan(result[name][score]).all() and result[name]["silent"] for name in "ab" for score in SCORES)


def test_reference_silent_in_a_v3_frame_is_left_out_of_it(track):
    references, estimates = track
    c = noises(2 * RATE, 1, seed=1)[0]
    references = {**references, "c": silenced(c, 0, RATE)}
    result = evaluate(references, {**estimates, "c": c}, mode="v3")
    check_equal(result, evaluate(*track, mode="v3"), frames=slice(0, 1))
    assert result["c"]["silent"] is False
    for score in SCORES:
        np.testing.assert_array_equal(np.isnan(result["c"][score]), [True, False, False])
        assert np.isfinite(result["a"][score]).all()


@each_mode
def test_alone_in_a_frame_a_source_has_no_sir(track, mode):
    references, estimates = track
    references = changed(references, b=silenced(references["b"], 0, RATE))
    result = evaluate(references, estimates, mode=mode)
    np.testing.assert_array_equal(np.isnan(result["a"]["sir"]), [True, False, False])
    expected = decibels(references["a"][:RATE], references["a"][:RATE] - estimates["a"][:RATE])
    assert result["a"]["sdr"][0] == pytest.approx(expected, rel=1e-9)
    assert np.isfinite([result["a"]["isr"], result["a"]["sar"]]).all()
    assert np.isnan(evaluate({"a": references["a"]}, {"a": estimates["a"]})["a"]["sir"]).all()


def test_silence_in_a_v4_frame_is_the_limit_of_quiet(track):
    references, estimates = track
    quiet = references["b"] * np.where(np.arange(2 * RATE) < RATE, 1e-9, 1)
    result = evaluate(changed(references, b=silenced(references["b"], 0, RATE)), estimates)
    limit = evaluate(changed(references, b=quiet), estimates)
    for score in ("sdr", "isr", "sar"):
        np.testing.assert_allclose(result["a"][score], limit["a"][score], rtol=1e-6)


@each_mode
@pytest.mark.parametrize(("stop", "nan"), [(RATE, [True, False, False]), (2 * RATE, [True] * 3)])
def test_silent_estimate_costs_itself_alone(track, mode, stop, nan):
    references, estimates = track
    result = evaluate(references, changed(estimates, b=silenced(estimates["b"], 0, stop)), mode=mode)
    check_equal(result, evaluate(*track, mode=mode), sources="a")
    assert result["b"]["silent"] is False
    for score in SCORES:
        np.testing.assert_array_equal(np.isnan(result["b"][score]), nan)


def test_opposite_channels_are_no_silence():
    a, b, c = noises(RATE, 3)
    sides = np.stack([a, -a], axis=1)
    estimate = sides + 0.1 * np.stack([b, c], axis=1)
    result = evaluate({"a": sides}, {"a": estimate}, window=0.5)
    half = slice(0, RATE // 2)
    assert result["a"]["sdr"][0] == pytest.approx(decibels(sides[half], (estimate - sides)[half]), rel=1e-9)


def test_processes_give_the_same_scores(track):
    references, estimates = track
    tracks = [("one", references, estimates), ("two", estimates, references)]
    alone = separation.evaluate_tracks(iter(tracks), RATE, 1.0, 0.5)
    together = separation.evaluate_tracks(iter(tracks), RATE, 1.0, 0.5, n_jobs=2)
    assert list(alone) == list(together) == ["one", "two"]
    check_equal(alone["one"], evaluate(*track), rtol=0)
    for name in alone:
        check_equal(alone[name], together[name])


def test_a_cache_spares_what_was_evaluated_and_tells_other_settings_apart(track, tmp_path, monkeypatch):
    kept = {"cache": tmp_path, "window": 1.0}
    first = separation.evaluate_tracks([("one", *track)], RATE, hop=0.5, **kept)
    monkeypatch.setattr(separation.bss_eval, "decompose", None)  # or whatever evaluating needs
    again = separation.evaluate_tracks([("another name", *track)], RATE, hop=0.5, **kept)
    check_equal(again["another name"], first["one"], rtol=0)
    with pytest.raises(TypeError):
        separation.evaluate_tracks([("one", *track)], RATE, hop=1.0, **kept)


def test_a_track_that_cannot_be_evaluated_is_named(track):
    references, estimates = track
    bad = ("song", references, changed(estimates, a=estimates["a"] + np.nan))
    with pytest.raises(InputError, match="^song: estimate 'a': the audio holds NaN or infinity"):
        separation.evaluate_tracks([bad], RATE)
    with pytest.raises(InputError, match="two tracks are called 'song'"):
        separation.evaluate_tracks([("song", references, estimates)] * 2, RATE)


def scores_of(*frames, silent=False):
    return {**{score: np.array(frames) + i for i, score in enumerate(SCORES)}, "silent": silent}


def test_summary_of_made_up_results():
    results = {
        "one": {"a": scores_of(1.0, 2.0, 6.0), "b": scores_of(np.nan, np.nan, np.nan, silent=True)},
        "two": {"a": scores_of(4.0, np.nan), "b": scores_of(5.0, 7.0)},
        "three": {"a": scores_of(9.0)},
    }
    by_median, by_mean = (separation.summarize(results, frames) for frames in ("median", "mean"))
    expected = {"mean": 5.0, "deviation": np.sqrt(26 / 3), "median": 4.0, "n": 3, "n_frames": 6, "n_nan_frames": 1}
    assert by_median["a"]["sdr"] == pytest.approx(expected)  # of 2, 4, 9
    assert by_median["a"]["sar"]["mean"] == pytest.approx(8.0)
    assert by_mean["a"]["sdr"]["mean"] == pytest.approx(16 / 3)  # of 3, 4, 9
    assert by_median["a"]["silent"] == [] and by_median["b"]["silent"] == ["one"]
    expected = {"mean": 6.0, "deviation": 0.0, "median": 6.0, "n": 1, "n_frames": 5, "n_nan_frames": 3}
    assert by_median["b"]["sdr"] == expected
    nothing = separation.summarize({"one": {"a": scores_of(np.nan)}})["a"]["sdr"]
    assert nothing == pytest.approx(
        {**dict.fromkeys(("mean", "deviation", "median"), np.nan), "n": 0, "n_frames": 1, "n_nan_frames": 1},
        nan_ok=True,
    )


@pytest.mark.parametrize("kind", ["ratio", "binary"])
def test_oracle_estimates_sum_to_the_mixture(kind):
    references = {"a": noises(2 * 3001, 1)[0].reshape(3001, 2), "b": noises(2 * 3001, 1, seed=1)[0].reshape(3001, 2)}
    references["silent"] = 0 * references["a"]
    estimates = separation.oracle_masks(references, kind=kind)
    assert list(estimates) == list(references)
    assert all(estimate.shape == (3001, 2) and estimate.dtype == np.float32 for estimate in estimates.values())
    np.testing.assert_allclose(sum(estimates.values()), sum(references.values()), atol=1e-6)
    assert not estimates["silent"].any()
    floor = separation.si_sdr(references, separation.mixture_as_estimate(references))
    ceiling = separation.si_sdr(references, estimates)
    assert all(ceiling[name] > floor[name] + 3 for name in "ab")
    left = separation.oracle_masks({name: audio[:, 0] for name, audio in references.items()}, kind=kind)
    np.testing.assert_allclose(left["a"], estimates["a"][:, 0], atol=1e-7)


def test_oracle_masks_are_what_they_are_called():
    noise = noises(4096, 1)[0]
    ratio = separation.oracle_masks({"a": 0.75 * noise, "b": -0.25 * noise})
    np.testing.assert_allclose(ratio["a"], 0.75 * 0.5 * noise, atol=1e-6)
    binary = separation.oracle_masks({"a": 0.25 * noise, "b": 0.75 * noise, "c": 0.75 * noise}, kind="binary")
    np.testing.assert_allclose(binary["b"], 1.75 * noise, atol=1e-6)  # a tie, and the first has it
    assert not binary["a"].any() and not binary["c"].any()


def test_si_sdr_takes_the_channels_as_one_signal():
    t = np.arange(RATE) / RATE
    wave, other = np.sin(2 * np.pi * 100 * t), np.cos(2 * np.pi * 100 * t)
    stereo = np.stack([wave, np.zeros(RATE)], axis=1)
    noisy = stereo + 0.1 * np.stack([np.zeros(RATE), other], axis=1)
    assert separation.si_sdr({"a": stereo}, {"a": 3 * noisy})["a"] == pytest.approx(20, abs=1e-6)
    assert np.isnan(separation.si_sdr({"a": wave}, {"a": 0 * wave})["a"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r, e: evaluate(r, e, mode="v2"), "use 'v3' or 'v4'"),
        (lambda r, e: evaluate(r, e, window=0.0), "window is 0.0 s at 4000 Hz"),
        (lambda r, e: evaluate(r, e, hop=np.inf), "hop is inf s"),
        (lambda r, e: separation.evaluate_track(r, e, 0), "in Hz, above 0"),
        (lambda r, e: separation.evaluate_track(r, e, "4000"), "the sample rate is '4000'; give that of the audio"),
        (lambda r, e: evaluate(changed(r, a=32768 * r["a"]), e), "reference 'a': the audio peaks at .*divide 16-bit"),
        (lambda r, e: separation.si_sdr({"a": np.zeros((2, 2, 9))}, {"a": np.zeros((2, 2, 9))}), r"\(2, 2, 9\); give"),
        (lambda r, e: evaluate(r, {"a": e["a"]}), "references hold a, b, estimates a; give the same sources"),
        (lambda r, e: evaluate({}, {}), "there is no reference"),
        (lambda r, e: evaluate(r, {name: x[1:] for name, x in e.items()}), "cut them to one length"),
        (lambda r, e: evaluate(r, {name: x[:, None] for name, x in e.items()}), "differ in shape"),
        (lambda r, e: evaluate(changed(r, b=r["b"][1:]), e), "'b' has shape \\(7999,\\), another \\(8000,\\)"),
        (lambda r, e: evaluate({"a": r["a"][None]}, {"a": e["a"][None]}), "8000 channels of 1 samples"),
        (lambda r, e: evaluate(changed(r, a=r["a"] + np.inf), e), "reference 'a': the audio holds NaN or infinity"),
        (lambda r, e: separation.si_sdr(r, changed(e, b=np.zeros(8000, "int16"))), "estimate 'b': audio is int16"),
        (lambda r, e: separation.mixture_as_estimate(changed(r, a=r["a"] * np.nan)), "holds NaN"),
        (lambda r, e: separation.oracle_masks(r, kind="wiener"), "use 'ratio' or 'binary'"),
        (lambda r, e: separation.oracle_masks(r, n_fft=1024, hop_length=1024), "an even multiple"),
        (lambda r, e: separation.summarize({}), "evaluate a track first"),
        (lambda r, e: separation.summarize({"one": {}}, frames="max"), "use 'median' or 'mean'"),
    ],
)
def test_bad_input_raises(track, call, message):
    with pytest.raises(InputError, match=message):
        call(*track)


NO_FFMPEG = """
import numpy as np
from zoo.errors import InputError
from zoo.metrics import separation

try:
    separation.evaluate_track({"a": np.ones(100)}, {"a": np.ones(100)}, 100)
except InputError as error:
    print(error)
"""


def test_missing_ffmpeg_is_said(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", NO_FFMPEG], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert "install ffmpeg" in run.stdout, run.stderr[-2000:]
