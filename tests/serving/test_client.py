"""The client of TF Serving, over gRPC and REST, against a stand-in that runs exported SavedModels."""

import time
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.audio import wav
from tests.support.checkpoints import load
from tests.support.harness import REPOSITORY
from tests.support.separation import separator
from zoo.audio import io
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.serving import client

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports on TensorFlow", allow_module_level=True)

from tests.support.serving_stand_in import StandIn
from zoo.serving import export

PAIR = ("reference", "degraded")


@pytest.fixture(scope="module")
def models(tmp_path_factory, exported):
    folder = tmp_path_factory.mktemp("models")
    stoi = exported("quality-net-lite-stoi-16k")["directory"]
    preset.save(separator(), folder / "network")
    stems = export.export(folder / "network", folder / "stems")["directory"]
    return {"stoi": {1: stoi, 2: stoi}, "stems": {1: stems}}


@pytest.fixture(scope="module")
def loaded():
    """The SavedModels that are in memory, each read once for all servers."""
    return {}


@pytest.fixture
def stand_in(models, loaded):
    stand_in = StandIn(models, labels={"stoi": {"stable": 1, "canary": 2}}, loaded=loaded)
    with stand_in.serving() as addresses:
        stand_in.addresses = addresses
        yield stand_in


@pytest.fixture(params=["grpc", "rest"])
def connected(stand_in, request):
    with client.connect(stand_in.addresses[request.param]) as connected:
        yield connected


@pytest.fixture(scope="module")
def recordings():
    """Pairs of three lengths, and the metric's own scores."""
    data = REPOSITORY / "zoo" / "data" / "audio"
    pair = [io.read(data / f"speech_{kind}.flac")[0].astype("float32") for kind in PAIR]
    cut = {name: [x[:length] for length in (len(x), 20000, 9000)] for name, x in zip(PAIR, pair, strict=True)}
    metric = load("quality-net-lite-stoi-16k")
    return cut, [metric.score(*both, sample_rate=16000)[0] for both in zip(*cut.values(), strict=True)]


@pytest.mark.slow
def test_recordings_of_any_lengths_are_scored_as_by_the_model(connected, stand_in, recordings):
    inputs, expected = recordings
    for padding in (0, 4000):
        stand_in.padding = padding
        np.testing.assert_allclose(connected.predict("stoi", inputs)["stoi"], expected, atol=2e-4)
    array = {name: np.stack([x[2], x[2]]) for name, x in inputs.items()}
    np.testing.assert_allclose(connected.predict("stoi", array)["stoi"], [expected[2]] * 2, atol=2e-4)


def test_silence_is_nan_over_both(connected, recordings):
    inputs, expected = recordings
    broken = np.full(16000, np.nan)
    predicted = connected.predict("stoi", {name: [x[1], np.zeros(16000), broken] for name, x in inputs.items()})["stoi"]
    assert np.isnan(predicted[1:]).all() and predicted[0] == pytest.approx(expected[1], abs=2e-4)


def test_wav_files_go_as_they_are(connected, stand_in, recordings):
    inputs, expected = recordings
    files = {name: [wav(x) for x in recordings] for name, recordings in inputs.items()}
    for padding in (0, 4000):
        stand_in.padding = padding
        np.testing.assert_allclose(connected.predict("stoi", files)["stoi"], expected, atol=2e-3)
    assert stand_in.requests[-1][1]["signature"] == "wav"
    with pytest.raises(
        InputError, match="^the server refuses: reference: the model takes 16000 Hz; resample the file$"
    ):
        connected.predict("stoi", {name: [wav(x[0], 8000)] for name, x in inputs.items()})


def test_outputs_along_the_samples_are_cut_to_the_longest(connected, stand_in):
    mixtures = [0.1 * np.random.default_rng(i).standard_normal(n).astype("float32") for i, n in enumerate((9000, 7000))]
    alone = [connected.predict("stems", {"waveform": [mixture]}) for mixture in mixtures]
    stand_in.padding = 500
    files = connected.predict("stems", {"waveform": [wav(mixture, 44100) for mixture in mixtures]})
    both = connected.predict("stems", {"waveform": mixtures})
    assert all(files[source].shape == both[source].shape for source in both)
    assert set(both) == {"vocals", "drums", "bass", "other"}
    for source, outputs in both.items():
        assert outputs.shape == (2, 9000) and not outputs[1, 7000:].any()
        for row, mixture, one in zip(outputs, mixtures, alone, strict=True):
            np.testing.assert_allclose(row[: len(mixture)], one[source][0], atol=1e-4)


def test_large_batches_go_in_parts(connected, stand_in, recordings):
    inputs, expected = recordings
    stand_in.max_batch = 4
    many = {name: [x[i % 3] for i in range(9)] for name, x in inputs.items()}
    with pytest.raises(InputError, match="Task size 9 is larger than maximum input batch size 4"):
        connected.predict("stoi", many)
    connected._max_batch = 4
    stand_in.requests.clear()
    np.testing.assert_allclose(connected.predict("stoi", many)["stoi"], np.tile(expected, 3), atol=2e-4)
    assert len(stand_in.requests) == 3


def test_no_request_is_larger_than_asked_for(stand_in, recordings):
    inputs, expected = recordings
    many = {name: [x[i % 3] for i in (0, 1, 1, 1, 2, 2)] for name, x in inputs.items()}
    row = 2 * 4 * len(inputs["reference"][0])
    with client.connect(stand_in.addresses["grpc"], max_request=row) as connected:
        predicted = connected.predict("stoi", many)["stoi"]
    np.testing.assert_allclose(predicted, [expected[i] for i in (0, 1, 1, 1, 2, 2)], atol=2e-4)
    sizes = [facts["bytes"] for _, facts in stand_in.requests]
    assert 2 < len(sizes) < 6 and max(sizes) <= row + 4 * 6  # and the lengths
    with (
        client.connect(stand_in.addresses["grpc"], max_request=row - 1) as connected,
        pytest.raises(InputError, match="one recording is .* MB and a request at most"),
    ):
        connected.predict("stoi", many)


def test_parts_along_the_samples_fit_together(stand_in):
    mixtures = [np.ones(n, "float32") for n in (5000, 9000, 7000)]
    with client.connect(stand_in.addresses["grpc"], max_batch=1) as connected:
        predicted = connected.predict("stems", {"waveform": mixtures})
        assert len(stand_in.requests) == 3 and all(x.shape == (3, 9000) for x in predicted.values())


def test_versions_and_labels(connected, stand_in, recordings):
    inputs, _ = recordings
    one = {name: [x[2]] for name, x in inputs.items()}
    for which in ({}, {"version": 1}, {"label": "canary"}):
        connected.predict("stoi", one, **which)
        facts = stand_in.requests[-1][1]
        assert (facts["version"], facts["label"]) == (which.get("version"), which.get("label"))
    assert connected.status("stoi") == {1: "AVAILABLE", 2: "AVAILABLE"}
    for model, which in (("nothing", {}), ("stoi", {"version": 9}), ("stoi", {"label": "old"})):
        with pytest.raises(InputError, match="the server refuses: "):
            connected.predict(model, one, **which)
    with pytest.raises(InputError, match="the server refuses: "):
        connected.status("nothing")
    with pytest.raises(InputError, match="not both"):
        connected.predict("stoi", one, version=1, label="stable")


@pytest.mark.parametrize("face", ["grpc", "rest"])
def test_an_unavailable_server_is_asked_again(stand_in, recordings, face):
    inputs, expected = recordings
    one = {name: [x[0]] * 4 for name, x in inputs.items()}  # gRPC's own limit is 256 kB
    with client.connect(stand_in.addresses[face], attempts=4) as connected:
        stand_in.unavailable = 2
        assert connected.predict("stoi", one)["stoi"] == pytest.approx(expected[:1] * 4, abs=2e-4)
        assert stand_in.requests[-1][1]["bytes"] > 300_000
        assert len(stand_in.requests) == 3
        stand_in.unavailable = 9
        with pytest.raises(ConnectionError, match="loading"):
            connected.predict("stoi", one)
        assert len(stand_in.requests) == 7
    with client.connect(stand_in.addresses[face], attempts=1) as connected:
        with pytest.raises(ConnectionError):
            connected.predict("stoi", one)
        assert len(stand_in.requests) == 8


@pytest.mark.parametrize("face", ["grpc", "rest"])
def test_a_slow_server_is_not_waited_for_and_not_asked_again(stand_in, recordings, face):
    inputs, _ = recordings
    stand_in.delay = 1.0
    with client.connect(stand_in.addresses[face], timeout=0.2) as connected:
        start = time.perf_counter()
        with pytest.raises(TimeoutError, match="no answer within 0.2 s"):
            connected.predict("stoi", {name: [x[2]] for name, x in inputs.items()})
        assert time.perf_counter() - start < 0.8 and len(stand_in.requests) <= 1


@pytest.mark.parametrize("address", ["127.0.0.1:9", "http://127.0.0.1:9"])
def test_no_server_at_all(address):
    pair = {"reference": [np.zeros(9)], "degraded": [np.zeros(9)]}
    with (
        client.connect(address, timeout=5, attempts=2) as connected,
        pytest.raises(ConnectionError, match="cannot be reached"),
    ):
        connected.predict("stoi", pair)


@pytest.mark.parametrize(
    "inputs, says",
    [
        ({}, "there are no inputs"),
        ({"waveform": []}, "one or more"),
        ({"reference": [np.zeros(9)], "degraded": []}, "the same number of each"),
        ({"reference": [np.zeros(9)], "degraded": [np.zeros(8)]}, "degraded and reference differ in length"),
        ({"reference": [b"RIFF"], "degraded": [np.zeros(9)]}, "as bytes or waveforms, not both"),
        ({"waveform": [b"RIFF", np.zeros(9)]}, "these are of several kinds"),
        ({"waveform": [np.zeros((9, 2)), np.zeros(9)]}, "these are of several kinds"),
        ({"waveform": np.zeros(9)}, r"give a list of float waveforms .*; one of them is float64 of shape \(\)"),
        ({"waveform": [np.zeros(9, "int16")]}, "one of them is int16"),
        ({"waveform": ["a.wav"]}, r"Path.read_bytes\(\); one of them is <U5"),
        ({"waveform": b"RIFF"}, "this is a bytes"),
        ({"waveform": Path("a.wav")}, "this is a PosixPath"),
        ({"waveform": [b"RIFF"]}, "a file of 4 bytes is no WAV file"),
    ],
)
def test_inputs_that_do_not_fit(inputs, says):
    with client.connect("127.0.0.1:9") as connected, pytest.raises(InputError, match=says):
        connected.predict("stoi", inputs)


@pytest.mark.parametrize("address", ["", "ftp://host:1", "grpcs://"])
def test_what_is_no_address(address):
    with pytest.raises(InputError, match="give host:port"):
        client.connect(address)


@pytest.mark.parametrize("how", [{"attempts": 0}, {"attempts": 6}, {"timeout": 0}, {"max_batch": 0}])
def test_what_is_no_patience(how):
    with pytest.raises(InputError, match="give 1 to 5, and above 0"):
        client.connect("localhost:8500", **how)


@pytest.mark.parametrize("address", ["localhost:8500", "http://localhost:8501"])
def test_a_token_goes_over_tls_alone(address):
    with pytest.raises(InputError, match="would carry the token unencrypted"):
        client.connect(address, token="secret")
    secure = client.connect("https://localhost:8501", token="secret")
    assert secure._transport.session.headers["Authorization"] == "Bearer secret"
    assert client.connect("grpcs://localhost:1", token="s")._transport.how["metadata"] == [
        ("authorization", "Bearer s")
    ]
