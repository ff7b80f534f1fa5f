"""Requests as TF Serving's protos: which model, which signature, arrays and files whole."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.serving.client.grpc import predict_request


@pytest.mark.parametrize("which", [{"version": 3, "label": None}, {"version": None, "label": "stable"}])
def test_a_request_names_the_model_and_one_version(which):
    request = predict_request("pesq", which["version"], which["label"], "lengths", {})
    spec = request.model_spec
    assert (spec.name, spec.signature_name, spec.version_label) == ("pesq", "lengths", which["label"] or "")
    assert spec.HasField("version") == (which["version"] is not None)
    assert not which["version"] or spec.version.value == 3


def test_arrays_and_files_come_whole():
    files = np.empty(2, dtype=object)
    files[:] = [b"RIFF\0\0", b"\0"]  # NumPy's own bytes lose zeros at the end
    waveforms = np.arange(6, dtype="float32").reshape(2, 3)
    request = predict_request("pesq", None, None, "wav", {"waveform": waveforms, "waveform_wav": files})
    assert list(tf.make_ndarray(request.inputs["waveform_wav"])) == list(files)
    np.testing.assert_array_equal(tf.make_ndarray(request.inputs["waveform"]), waveforms)
