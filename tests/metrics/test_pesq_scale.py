"""The scales of PESQ: the ITU's equation, its inverse, and that the package `pesq` gives the mapped score."""

import numpy as np
import pytest

from tests.support.harness import RECORDED
from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.metrics import speech
from zoo.metrics.pesq_scale import RAW_RANGE, mos_lqo, raw_score


@pytest.mark.parametrize(("mode", "slope", "offset"), [("nb", 1.4945, 4.6607), ("wb", 1.3669, 3.8224)])
def test_the_mapping_and_its_inverse(mode, slope, offset):
    raw = np.linspace(*RAW_RANGE, 41).reshape(-1, 1)
    mapped = mos_lqo(raw, mode)
    np.testing.assert_allclose(mapped, 0.999 + 4 / (1 + np.exp(-slope * raw + offset)), rtol=1e-12)
    np.testing.assert_allclose(raw_score(mapped, mode), raw, atol=1e-12)
    assert np.isnan(raw_score(np.nan, mode)) and np.isnan(mos_lqo(np.nan, mode))


def test_scores_of_pesq_are_mapped():
    """Identical recordings have the best raw score, 4.5; noise has much less."""
    clip = io.read(RECORDED, 16000)[0][:32000]
    noisy = mix.mix_at_snr(clip, mix.colored_noise(len(clip), 0.0, np.random.default_rng(0)), 0.0)
    for mode in ("nb", "wb"):
        same, worse = raw_score(speech.pesq(np.stack([clip] * 2), np.stack([clip, noisy]), 16000, mode), mode)
        assert same == pytest.approx(4.5, abs=1e-3) and worse < 1
    assert raw_score(speech.pesq(clip, noisy, 16000, "nb"), "nb") > -0.5


@pytest.mark.parametrize(("scores", "mode"), [(2.0, "fb"), ([2.0, 0.999], "nb"), (5.0, "wb")])
def test_scores_off_the_scale_are_refused(scores, mode):
    with pytest.raises(InputError):
        raw_score(scores, mode)
