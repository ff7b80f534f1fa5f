"""The statistics of textures: what each of them measures, their loss and its gradient, and synthesis to them."""

import numpy as np
import pytest
from keras import ops

from tests.support import harness
from zoo.audio import io
from zoo.errors import InputError
from zoo.texture import cochlea, optimize, statistics
from zoo.texture.statistics import StatisticsLoss, TextureStatistics, match_statistics, relative_errors, statistics_loss

ON_BACKENDS = [pytest.mark.on_jax, pytest.mark.on_torch]

RATE = cochlea.SAMPLE_RATE
COUNTS = {
    "subband_variance": (32,),
    "envelope_mean": (32,),
    "envelope_variation": (32,),
    "envelope_skew": (32,),
    "envelope_kurtosis": (32,),
    "envelope_correlation": (189,),
    "modulation_power": (32, 20),
    "c1": (61, 6),
    "c2": (32, 6, 2),
}


def noise(seconds=1.0, seed=0, rate=RATE):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype("float32")


def modulated(frequency, seconds=2.0, depth=0.9):
    time = np.arange(round(seconds * RATE)) / RATE
    return noise(seconds) * (1 + depth * np.sin(2 * np.pi * frequency * time)).astype("float32")


def clicks(seconds=2.0, rate=RATE, apart=0.1):
    """Decaying bursts of noise, some of them louder: a texture with structure in time."""
    rng, audio = np.random.default_rng(3), 0.01 * noise(seconds, 4, rate)
    decay = np.exp(-np.arange(rate // 20) / (rate / 200))
    for start in np.arange(0, seconds - 0.05, apart):
        at = round(start * rate)
        audio[at : at + len(decay)] += rng.uniform(0.1, 0.3) * decay * rng.standard_normal(len(decay))
    return audio


def measure(waveform, **kwargs):
    return {name: ops.convert_to_numpy(value)[0] for name, value in TextureStatistics(**kwargs)(waveform[None]).items()}


def test_the_papers_number_of_statistics():
    measured = measure(noise(), kurtosis=True)
    assert {name: value.shape for name, value in measured.items()} == COUNTS
    # The paper's 1515: moments of the envelopes, correlations, modulation power, c1 and c2, complex numbers as one.
    del measured["subband_variance"]
    assert sum(value.size for value in measured.values()) - measured["c2"].size // 2 == 1515
    assert "envelope_kurtosis" not in measure(noise())


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_moments_and_correlations_are_their_equations():
    x = clicks()
    subbands, envelopes = (ops.convert_to_numpy(part)[0].astype("float64") for part in cochlea.cochleagram(x[None]))
    measured = measure(x, kurtosis=True)
    normal = (envelopes - envelopes.mean(axis=1, keepdims=True)) / envelopes.std(axis=1, keepdims=True)
    np.testing.assert_allclose(measured["subband_variance"], subbands.var(axis=1), rtol=1e-3)
    np.testing.assert_allclose(measured["envelope_mean"], envelopes.mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(measured["envelope_variation"], (envelopes.std(1) / envelopes.mean(1)) ** 2, rtol=1e-2)
    np.testing.assert_allclose(measured["envelope_skew"], (normal**3).mean(axis=1), rtol=2e-2, atol=2e-3)
    np.testing.assert_allclose(measured["envelope_kurtosis"], (normal**4).mean(axis=1), rtol=2e-2)
    expected = np.concatenate([np.diag(normal @ normal.T / normal.shape[1], offset) for offset in statistics.OFFSETS])
    np.testing.assert_allclose(measured["envelope_correlation"], expected, atol=2e-3)


@pytest.mark.parametrize("band", [4, 8, 12, 16])
def test_modulated_noise_peaks_in_the_modulation_band(band):
    power = measure(modulated(cochlea.MODULATIONS[band]))["modulation_power"]
    assert (power[10:].argmax(axis=1) == band).all()  # lower bands are too narrow to hold fast modulation


def test_c1_is_high_where_bands_move_together():
    together = measure(modulated(cochlea.OCTAVES[3]))["c1"]
    apart = measure(noise(2.0))["c1"]
    second = slice(31 + 10, 61)  # second neighbours, where the filters of noise hardly overlap
    assert together[second, 2].min() > 0.9
    assert np.abs(apart[second, 2:]).mean() < 0.2


def test_c2_tells_attacks_from_decays():
    forward, backward = (measure(x)["c2"][5:] for x in (clicks(), clicks()[::-1].copy()))
    assert np.abs(forward).max() <= 1
    np.testing.assert_allclose(backward[..., 0], forward[..., 0], atol=2e-3)
    np.testing.assert_allclose(backward[..., 1], -forward[..., 1], atol=2e-3)
    assert np.abs(forward[..., 1]).max() > 0.2


def test_length_does_not_matter():
    short, long = (measure(noise(seconds, seed)) for seconds, seed in ((3.0, 1), (7.0, 2)))
    for name, tolerance in (("envelope_mean", 0.02), ("modulation_power", 0.2), ("envelope_variation", 0.1)):
        middle = slice(8, None)  # of the lowest bands, seconds hold too few independent values
        scale = np.abs(long[name][middle]).mean()
        assert np.abs(short[name][middle] - long[name][middle]).mean() < tolerance * scale, name
    # Twice the same clip is the same circle, once more around.
    twice = measure(np.tile(noise(1.5), 2))
    once = measure(noise(1.5))
    for name in ("subband_variance", "envelope_mean", "envelope_variation", "envelope_skew", "envelope_correlation"):
        np.testing.assert_allclose(twice[name], once[name], rtol=2e-3, atol=2e-3, err_msg=name)


def test_batches_and_silence():
    layer = TextureStatistics(kurtosis=True)
    together = layer(np.stack([noise(), noise(seed=1), np.zeros(RATE, "float32")]))
    alone = layer(noise(seed=1)[None])
    for name, value in together.items():
        assert np.isfinite(ops.convert_to_numpy(value)).all(), name
        np.testing.assert_allclose(value[1], alone[name][0], rtol=1e-3, atol=1e-4, err_msg=name)
    again = TextureStatistics.from_config(layer.get_config())
    assert again.kurtosis
    assert again.dtype_policy.name == "float32"


def test_loss_is_zero_on_itself_and_weighs_classes_alike():
    loss = StatisticsLoss()
    x, y = np.stack([noise(), clicks(1.0)]), np.stack([noise(2.0, 5), clicks()])
    # Not exactly 0 everywhere: the two are measured in calls of their own, which a compiler may order differently.
    np.testing.assert_allclose(ops.convert_to_numpy(loss.call(x, x)), 0.0, atol=1e-6)
    assert ops.convert_to_numpy(loss.call(x, y[::-1])).min() > 0.1  # another texture, of another length
    target, estimate = TextureStatistics()(x), TextureStatistics()(y)
    errors = {name: ops.convert_to_numpy(error) for name, error in relative_errors(target, estimate).items()}
    np.testing.assert_allclose(ops.convert_to_numpy(loss.call(x, y)), np.mean(list(errors.values()), axis=0), rtol=1e-5)
    only = dict.fromkeys(errors, 0.0) | {"c1": 2.0}
    np.testing.assert_allclose(ops.convert_to_numpy(statistics_loss(target, estimate, only)), errors["c1"], rtol=1e-5)
    silent = {name: 0 * value for name, value in estimate.items()}
    np.testing.assert_allclose(ops.convert_to_numpy(statistics_loss(target, silent)), 1.0, rtol=1e-4)
    assert StatisticsLoss.from_config(StatisticsLoss({"c1": 2.0}).get_config()).weights == {"c1": 2.0}


def test_gradient_is_the_finite_difference():
    exact = TextureStatistics(kurtosis=True, dtype="float64")
    goal = {name: ops.convert_to_numpy(value) for name, value in exact(clicks(1.0).astype("float64")[None]).items()}
    x = noise().astype("float64")
    rough = TextureStatistics(kurtosis=True)
    single = {name: value.astype("float32") for name, value in goal.items()}
    evaluate = optimize.value_and_gradient(lambda y: (statistics_loss(single, rough(y[None]))[0], ()))
    gradient = ops.convert_to_numpy(evaluate(x.astype("float32"))[1]).astype("float64")
    for seed in range(3):
        direction = np.random.default_rng(seed).standard_normal(len(x)) + np.sign(gradient)
        step = 1e-6 * direction
        above, below = (float(statistics_loss(goal, exact((x + change)[None]))[0]) for change in (step, -step))
        assert gradient @ direction == pytest.approx((above - below) / 2e-6, rel=1e-3)


@pytest.mark.slow
def test_synthesis_falls_tenfold_and_repeats_itself():
    rain, rate = io.read(harness.data_path("textures", "rain_city.flac"))
    target, losses = rain[: 2 * rate], []
    audio, history = match_statistics(target, rate, iterations=10, progress=lambda *seen: losses.append(seen))
    assert audio.shape == target.shape
    assert audio.dtype == np.float32
    assert history[-1] < history[0] / 10
    assert losses == list(enumerate(history))[1:]
    np.testing.assert_allclose(audio.std(), target.std(), rtol=0.1)
    assert abs(np.corrcoef(audio, target)[0, 1]) < 0.1  # the same texture, another sound
    _, again = match_statistics(target, rate, iterations=1)
    np.testing.assert_allclose(again, history[:2], rtol=1e-3)


@pytest.mark.parametrize(("rate", "seconds"), [(44_100, 2.51), pytest.param(20_000, 1.0, marks=ON_BACKENDS)])
def test_synthesis_of_any_length_and_level(rate, seconds):
    audio, history = match_statistics(1e-3 * clicks(1.5, rate), rate, seconds=seconds, iterations=2)
    assert audio.shape == (round(seconds * rate),)
    assert history[-1] < history[0]
    np.testing.assert_allclose(audio.std(), 1e-3 * clicks(1.5, rate).std(), rtol=0.5)


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (np.zeros(32_000), {}, "silent"),
        (np.full(32_000, 0.3), {}, "silent"),
        (np.full(32_000, np.nan), {}, "holds NaN or infinity; repair"),
        (np.ones((32_000, 2)), {}, "one channel"),
        (np.ones(15_999), {}, "1.00 s or more"),
        (noise(2.0), {"seconds": 0.5}, "0.5 s is too short"),
        (noise(2.0), {"iterations": -1}, "iterations is -1"),
    ],
)
def test_targets_and_options_that_are_refused(target, options, says):
    with pytest.raises(InputError, match=says):
        match_statistics(target, 16_000, **options)


def test_short_clips_and_unknown_weights_are_refused():
    with pytest.raises(InputError, match="less than 1 s at 20 kHz"):
        TextureStatistics()(noise(0.9)[None])
    with pytest.raises(InputError, match="no statistics are called loudness"):
        StatisticsLoss({"loudness": 1.0}).call(noise()[None], noise()[None])
    with pytest.raises(InputError, match="negative or all 0"):
        StatisticsLoss({"c1": -1.0}).call(noise()[None], noise()[None])
