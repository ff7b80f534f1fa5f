"""Networks on onnxruntime: outputs by what they depend on, in any sizes."""

import numpy as np

from tests.support import onnx


def test_an_output_needs_only_the_inputs_that_it_depends_on():
    network = onnx.load("jnd-22k").network
    distances = np.zeros((4, *network.shape("core")), "float32")
    answers = network.run("head", distances=distances)
    assert answers.shape == (4, 2) and network.shape("head") == (2,)
    np.testing.assert_allclose(np.exp(answers).sum(axis=1), 1.0, rtol=1e-5)


def test_processes_that_share_the_cores_have_a_thread_each(monkeypatch):
    from zoo.checkpoint import registry
    from zoo.nn.inference import Network

    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    network = Network(registry.root() / "jnd-22k" / "model.onnx")
    assert network._session.get_session_options().intra_op_num_threads == 1


def test_a_model_on_onnxruntime_has_what_its_class_needs():
    model = onnx.load("quality-net-tiny-pesq-wb-16k")
    assert (model.sample_rate, model.n_fft, model.value_shape) == (16000, 512, ())
    assert not hasattr(model, "distance") and not hasattr(model, "enhance")
