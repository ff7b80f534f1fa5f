"""Systems from outside, on stand-ins for their networks: exact where these change nothing, and states from frame to frame."""

import numpy as np
import pytest

from zoo.enhancement import evaluate, outside
from zoo.errors import InputError

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra onnx")

RATE = 16000
DTLN_STATES = [(1, 2, 128, 2)]
GTCRN_STATES = [(2, 1, 16, 16, 33), (2, 3, 1, 1, 16), (2, 1, 33, 16)]


def write(path, frame, states, gain=1.0, per_frame=0.0, offset=0.0):
    """A network whose frame is offset + (gain + per_frame frames before) times what it takes; states count frames."""
    floats, value = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    names = [f"state{i}" for i in range(len(states))]
    constants = {"gain": gain, "per_frame": per_frame, "offset": offset, "one": 1.0}
    node = onnx.helper.make_node
    nodes = [
        node("ReduceMax", [names[0]], ["before"], keepdims=0),
        node("Mul", ["before", "per_frame"], ["more"]),
        node("Add", ["gain", "more"], ["factor"]),
        node("Mul", ["x", "factor"], ["scaled"]),
        node("Add", ["scaled", "offset"], ["y"]),
        *(node("Add", [name, "one"], [f"{name}_out"]) for name in names),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "stand-in",
        [value("x", floats, frame), *(value(*pair) for pair in zip(names, [floats] * len(names), states))],
        [value("y", floats, frame), *(value(f"{name}_out", floats, shape) for name, shape in zip(names, states))],
        [onnx.helper.make_tensor(name, floats, (), [number]) for name, number in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(exist_ok=True)
    onnx.save(model, path)


def dtln(folder, mask=1.0, **block):
    """A DTLN that multiplies magnitudes by `mask`; its blocks overlap four times."""
    write(folder / "model_1.onnx", (1, 1, 257), DTLN_STATES, gain=0.0, offset=mask)
    write(folder / "model_2.onnx", (1, 1, 512), DTLN_STATES, **({"gain": 0.25} | block))
    return outside.read([f"dtln={folder}"])["DTLN"]


def gtcrn(file, **settings):
    write(file, (1, 257, 1, 2), GTCRN_STATES, **settings)
    return outside.read([f"gtcrn={file}"])["GTCRN"]


@pytest.fixture
def systems(tmp_path):
    return [dtln(tmp_path / "dtln"), gtcrn(tmp_path / "gtcrn.onnx")]


@pytest.mark.parametrize("samples", [1, 100, 511, 512, 5000, 5120])
def test_networks_that_change_nothing_give_the_recording_back(systems, samples):
    recording = np.random.default_rng(0).uniform(-1, 1, samples).astype("float32")
    for system in systems:
        enhanced = system.enhance(recording, RATE)
        assert enhanced.dtype == np.float32
        np.testing.assert_allclose(enhanced, recording, atol=1e-5, err_msg=system.name)


def test_the_mask_is_of_the_spectrum(tmp_path):
    recording = np.random.default_rng(0).uniform(-1, 1, 2000).astype("float32")
    np.testing.assert_allclose(dtln(tmp_path / "x", mask=0.5).enhance(recording, RATE), recording / 2, atol=1e-5)


def test_states_go_from_frame_to_frame_and_begin_anew_with_each_recording(tmp_path):
    """In the frame `i` the gain is `i` of so many; a sample in the middle of a hop of 256 is in two frames."""
    system = gtcrn(tmp_path / "x.onnx", gain=0.0, per_frame=1.0)
    ones = np.ones((2, 1024), "float32")
    enhanced = system.enhance(ones, RATE)
    np.testing.assert_array_equal(enhanced[0], enhanced[1])
    np.testing.assert_allclose(enhanced[0, 128::256], [0.5, 1.5, 2.5, 3.5], atol=1e-5)
    counting = dtln(tmp_path / "y", gain=0.0, per_frame=0.25).enhance(ones, RATE)
    np.testing.assert_allclose(counting[:, ::128], [1.5 + np.arange(8)] * 2, atol=1e-5)


def test_batches_are_their_recordings_up_to_their_lengths(systems):
    noisy = np.random.default_rng(0).uniform(-1, 1, (2, 3000)).astype("float32")
    for system in systems:
        enhanced = system.enhance(noisy, RATE, lengths=[1000, 3000])
        np.testing.assert_array_equal(enhanced[0, :1000], system.enhance(noisy[0, :1000], RATE))
        assert not enhanced[0, 1000:].any()
        by_list = evaluate.enhance(system, [noisy[0, :1000], noisy[1]])
        np.testing.assert_array_equal(by_list[1], enhanced[1])


def test_other_rates_and_channels_are_as_for_every_enhancer(systems):
    stereo = np.random.default_rng(0).uniform(-1, 1, (1, 4410, 2)).astype("float32")
    for system in systems:
        assert system.enhance(stereo, 44100, resample=True).shape == stereo.shape
        with pytest.raises(InputError, match="44100"):
            system.enhance(stereo, 44100)


def test_digests_name_the_files(systems):
    assert [list(system.digests()) for system in systems] == [["model_1.onnx", "model_2.onnx"], ["gtcrn.onnx"]]
    assert {len(digest) for system in systems for digest in system.digests().values()} == {64}


def test_files_that_are_not_these_networks(tmp_path):
    with pytest.raises(InputError, match="model_1.onnx is not there"):
        outside.DTLN(tmp_path)
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(InputError, match="text.onnx is not ONNX"):
        outside.GTCRN(tmp_path / "text.onnx")
    dtln(tmp_path / "dtln")
    with pytest.raises(InputError, match="model_1.onnx is of another network"):
        outside.GTCRN(tmp_path / "dtln" / "model_1.onnx")


@pytest.mark.parametrize("text", ["dtln", "dtln=", "other=x", "=x"])
def test_what_is_no_system(text):
    with pytest.raises(InputError, match="give dtln=FOLDER or gtcrn=FILE.onnx"):
        outside.read([text])


def test_a_system_is_there_once(tmp_path):
    dtln(tmp_path / "x")
    with pytest.raises(InputError, match="twice"):
        outside.read([f"dtln={tmp_path}/x", f"dtln={tmp_path}/x"])
