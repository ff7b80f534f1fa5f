"""Chandna's losses against sums written out, both readings; SI-SDR of the sources that sound; training by them."""

import keras
import numpy as np
import pytest

from tests.support.harness import predict
from tests.support.separation import separator, stems
from zoo.errors import InputError
from zoo.metrics import speech
from zoo.separation.loss import ChandnaLoss, ReportLoss, SourcesErrorLevel, SourcesSISDR, SourcesSquaredError
from zoo.separation.tracks import SOURCES


@pytest.fixture
def magnitudes():
    rng = np.random.default_rng(0)
    return rng.random((2, 3, 4, 5, 6)).astype("float32")[:, :, :, :, :]


def distance(a, b):
    return np.mean((a - b) ** 2, axis=(1, 2))


def test_squared_error(magnitudes):
    true, estimate = magnitudes
    expected = sum(distance(true[:, i], estimate[:, i]) for i in range(4))
    np.testing.assert_allclose(SourcesSquaredError().call(true, estimate), expected, rtol=1e-5)


@pytest.mark.parametrize("against", ["truth", "estimates"])
def test_chandnas_loss_is_its_sum_written_out(magnitudes, against):
    true, estimate = magnitudes
    vocals, drums, bass, _ = (estimate[:, i] for i in range(4))
    z = true if against == "truth" else estimate
    squared = sum(distance(true[:, i], estimate[:, i]) for i in range(3))
    apart = sum(distance(z[:, j], estimate[:, i]) for i in range(3) for j in range(3) if i != j)
    other = distance(z[:, 3], drums) + distance(z[:, 3], bass)
    expected = squared - 0.1 * apart - 0.2 * other - 0.3 * distance(z[:, 3], vocals)
    loss = ChandnaLoss(alpha=0.1, beta=0.2, beta_vocals=0.3, against=against)
    np.testing.assert_allclose(loss.call(true, estimate), expected, rtol=1e-4)
    again = ChandnaLoss.from_config(loss.get_config())
    np.testing.assert_allclose(again.call(true, estimate), expected, rtol=1e-4)


@pytest.mark.parametrize(("others", "most"), [("named", 3), ("all", 4)])
def test_the_reports_loss_is_its_sum_written_out(magnitudes, others, most):
    """L_sq' - alpha L_diff - beta L_other - beta_vocals L_othervocals, N = 4: norms are sums, y_N is the true one."""
    true, estimate = magnitudes

    def norm(a, b):
        return np.sum((a - b) ** 2, axis=(1, 2))

    e, y = ([x[:, n] for n in range(4)] for x in (estimate, true))
    squared = sum(norm(e[n], y[n]) for n in range(3))
    diff = sum(norm(e[n], e[m]) for n in range(3) for m in range(most) if m != n)
    other = sum(norm(e[n], e[m]) for n in range(1, 3) for m in range(most) if m != n)
    expected = squared - 0.1 * diff - 0.2 * other - 0.3 * norm(e[0], y[3])
    loss = ReportLoss(alpha=0.1, beta=0.2, beta_vocals=0.3, others=others)
    np.testing.assert_allclose(loss.call(true, estimate), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        ReportLoss.from_config(loss.get_config()).call(true, estimate), expected, rtol=1e-4, atol=1e-4
    )
    mean = ReportLoss(alpha=0.1, beta=0.2, beta_vocals=0.3, others=others, norm="mean")
    np.testing.assert_allclose(mean.call(true, estimate), expected / 30, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("loss", [SourcesSquaredError, ChandnaLoss])
def test_a_norm_may_be_a_sum(magnitudes, loss):
    """It is larger by frames times bins."""
    mean, summed = loss().call(*magnitudes), loss(norm="sum").call(*magnitudes)
    np.testing.assert_allclose(summed, 30 * np.asarray(mean), rtol=1e-4)
    assert loss.from_config(loss(norm="sum").get_config()).norm == "sum"


def test_the_sources_may_come_in_another_order(magnitudes):
    true, estimate = magnitudes
    turned = ChandnaLoss(alpha=0.1, beta=0.2, beta_vocals=0.3, sources=SOURCES[::-1])
    expected = ChandnaLoss(alpha=0.1, beta=0.2, beta_vocals=0.3).call(true, estimate)
    np.testing.assert_allclose(turned.call(true[:, ::-1], estimate[:, ::-1]), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"), [({"against": "both"}, "against is 'both'"), ({"sources": ("vocals", "rest")}, "'other'")]
)
def test_other_readings_and_sources_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ChandnaLoss(**options)
    for refused in ({"norm": "max"}, {"others": "some"}):
        with pytest.raises(InputError, match="give '"):
            ReportLoss(**refused)


def test_another_number_of_sources_is_refused(magnitudes):
    true, estimate = magnitudes
    with pytest.raises(InputError, match="the loss is of vocals, .* and the estimate has 3 sources"):
        ChandnaLoss().call(true[:, :3], estimate[:, :3])


def test_si_sdr_is_of_the_sources_that_sound():
    rng = np.random.default_rng(0)
    true, estimate = rng.standard_normal((2, 2, 3, 4000)).astype("float32")
    true[1, 1:] = 0
    rows = speech.si_sdr(true.reshape(6, -1), (true + 0.3 * estimate).reshape(6, -1)).reshape(2, 3)
    losses = SourcesSISDR().call(true, true + 0.3 * estimate)
    np.testing.assert_allclose(losses, [-rows[0].mean(), -rows[1, 0]], atol=1e-3)
    np.testing.assert_allclose(SourcesSISDR().call(0 * true, estimate), 0.0)


def test_error_levels_are_means_over_sources_in_db():
    rng = np.random.default_rng(0)
    true, estimate = rng.standard_normal((2, 2, 3, 5, 7)).astype("float32")
    power = np.mean(true.sum(axis=1) ** 2, axis=(1, 2))
    errors = np.mean((true - estimate) ** 2, axis=(2, 3)) / power[:, None]
    expected = np.mean(10 * np.log10(errors + 0.01), axis=1)
    np.testing.assert_allclose(SourcesErrorLevel(floor=0.01).call(true, estimate), expected, rtol=1e-4)
    np.testing.assert_allclose(
        SourcesErrorLevel().call(10 * true, 10 * estimate), SourcesErrorLevel().call(true, estimate), rtol=1e-4
    )
    np.testing.assert_allclose(SourcesErrorLevel().call(true, true), -30, rtol=1e-4)
    np.testing.assert_allclose(SourcesErrorLevel().call(0 * true, 0 * true), -30, rtol=1e-4)
    assert SourcesErrorLevel.from_config(SourcesErrorLevel(floor=0.1).get_config()).floor == 0.1


def test_padding_does_not_change_si_sdr():
    rng = np.random.default_rng(0)
    true, estimate = rng.standard_normal((2, 2, 3, 4000)).astype("float32")
    estimate = true + 0.3 * estimate + 0.2
    bare = SourcesSISDR().call(true, estimate)
    padded = (np.pad(x, ((0, 0), (0, 0), (0, 3000))) for x in (true, estimate))
    np.testing.assert_allclose(SourcesSISDR().call(*padded, np.array([4000, 4000])), bare, atol=1e-3)


@pytest.mark.slow
def test_a_separator_learns_by_si_sdr():
    song = np.stack([audio[:12000, 0] for audio in stems(0).values()])[None]
    model = separator()
    model.compile(keras.optimizers.Adam(1e-2), loss=SourcesSISDR(), jit_compile=False)
    before = float(SourcesSISDR()(song, predict(model, [song.sum(axis=1)])))
    model.fit(song.sum(axis=1), song, epochs=30, verbose=0)
    assert float(SourcesSISDR()(song, predict(model, [song.sum(axis=1)]))) < before - 3
