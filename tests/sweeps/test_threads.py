"""Every public method may be called from several threads at once: each thread gets what one alone gets."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import zoo
from tests.support.checkpoints import QUICKEST
from zoo import backend
from zoo.metrics import speech

THREADS, ROUNDS = 4, 3
METHODS = {
    "quality-net-tiny-pesq-wb-16k": "score",
    "jnd-22k": "judge",
    "dnn-mse-16k": "enhance",
    "blstm-mse-16k": "enhance",
    "chandna-4stem-44k": "separate",
    "texture-classifier-16k": "probabilities",
}
pytestmark = [pytest.mark.on_jax, pytest.mark.on_torch]


def in_threads(work):
    """What `work` gives of 0, 1, 2, ..., called in several threads at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, range(THREADS * ROUNDS)))


def as_arrays(result):
    return np.stack(list(result.values()) if isinstance(result, dict) else result)


@pytest.mark.parametrize(
    ("name", "method"),
    [pytest.param(*each, marks=() if each[0] in QUICKEST else pytest.mark.slow) for each in METHODS.items()],
)
def test_a_model_loaded_and_called_in_threads_gives_what_it_gives_alone(name, method):
    """The first calls build what the others use, so nothing is called before."""
    model, *_ = in_threads(lambda i: zoo.load(name) if i < 2 else None)
    rate, call = model.sample_rate, getattr(model, method)
    # Two lengths: some calls compile while others run.
    waveforms = [np.random.default_rng(i).normal(size=(2, rate * (2 + i % 2) // 2)) / 10 for i in range(4)]
    waveforms = [x[..., None] for x in waveforms] if method == "separate" else waveforms
    count = len(model.serving_inputs)
    arguments = [[x, np.roll(x, 1, axis=0)][:count] for x in waveforms]
    together = in_threads(lambda i: as_arrays(call(*arguments[i % 4], sample_rate=rate)))
    alone = [as_arrays(call(*of_one, sample_rate=rate)) for of_one in arguments]
    for i, result in enumerate(together):
        np.testing.assert_allclose(result, alone[i % 4], rtol=1e-4, atol=1e-5)


def test_true_metrics_leave_the_process_as_it_is_and_agree_in_threads():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=16000) * np.repeat(rng.random(100), 160)
    degraded, quiet = reference + rng.normal(size=16000) / 10, np.where(np.arange(16000) < 2000, reference, 0)
    degraded[4000:8000] = 0  # the noise that ESTOI adds decides the score of muted frames
    pairs = [(name, *pair) for name in ("stoi", "estoi") for pair in ((reference, degraded), (quiet, quiet))]
    alone = [speech.score_or_nan(*pair, 16000) for pair in pairs]
    assert np.isnan(alone).tolist() == [False, True, False, True]
    state, filters = np.random.get_state(), list(warnings.filters)
    np.testing.assert_array_equal(in_threads(lambda i: speech.score_or_nan(*pairs[i % 4], 16000)), alone * ROUNDS)
    for before, after in zip(state, np.random.get_state(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert warnings.filters == filters


def test_an_export_in_one_thread_leaves_the_graphs_of_others_alone():
    with backend.portable_operations(), ThreadPoolExecutor(1) as thread:
        assert backend.is_portable() and not thread.submit(backend.is_portable).result()
