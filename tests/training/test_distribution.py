"""Trainings on two devices and in two processes: the losses of one, and of a batch nothing is lost or doubled."""

import dataclasses
import functools
import json
import os
import socket
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest

from tests.support.harness import REPOSITORY
from tests.support.jnd_training import TINY, judged, ladders
from tests.support.separation import songs
from zoo.checkpoint import preset
from zoo.enhancement.train import Recipe, train
from zoo.errors import InputError
from zoo.jnd.batches import Batches
from zoo.quality_net.model import QualityNetLite
from zoo.training.distribution import Distribution, distribute
from zoo.training.run import ArrayBatches, read_log

RECIPES = ("quality_net", "jnd", "texture", "separation", "enhancement")
# On JAX, where a compilation takes seconds, what is dealt out in a way of its own, and one plain recipe.
ON_JAX_DEVICES = ("jnd", "enhancement")
IN_PROCESSES = ("quality_net", "jnd", "separation")


def start(backend, how, folder, recipes, **environment):
    paths = str(REPOSITORY)
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": paths, **environment}
    if backend == "jax" and how == "devices":
        environment["XLA_FLAGS"] += " --xla_force_host_platform_device_count=2"
    command = [
        sys.executable,
        str(REPOSITORY / "tests" / "support" / "distributed_training.py"),
        how,
        str(folder),
        *recipes,
    ]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    stdout, stderr = process.communicate(timeout=200)
    assert process.returncode == 0, stderr[-3000:]
    return json.loads(stdout.splitlines()[-1])


def prepared(folder):
    """A folder with what the recipes need."""
    songs(folder / "separation" / "songs")
    keras.utils.set_random_seed(0)
    preset.save(QualityNetLite(bands=8), folder / "enhancement" / "surrogate")
    return folder


def losses(folder, recipes):
    """The losses of every epoch, (recipes, epochs, columns)."""
    actual = []
    for name in recipes:
        (log,) = (folder / name).glob("run*/log.csv")
        columns = ("loss", "pesq-wb" if name == "enhancement" else "val_loss")
        actual.append([[float(row[column]) for column in columns] for row in read_log(log)])
    return np.array(actual)


class Reader:
    """A model whose fit is a function of its batches."""

    def __init__(self, read):
        self.read = read

    def fit(self, batches, validation_data, **how):
        assert validation_data is None
        self.read(batches)


def parts(size, **spread):
    """What each process is given of a batch of 0, 1, ..."""
    actual = []

    def read(batches):
        rows, others = batches[0]
        np.testing.assert_array_equal(others, -rows)
        assert len(batches) == 1
        actual.append(rows.tolist())

    for process in range(spread.get("processes", 1)):
        distribution = Distribution(process=process, **spread)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Distribution, "_meet", lambda self: None)
            distribution.fit(Reader(read), ArrayBatches((np.arange(size), -np.arange(size)), size), None, [], 1)
    return actual


def test_a_batch_is_shared_evenly():
    assert parts(4) == [[0, 1, 2, 3]]
    assert parts(5, replicas=2) == [[0, 1, 2, 3]]
    assert parts(8, replicas=4, processes=2) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert parts(3, replicas=4, processes=2) == [[0, 1], [2, 0]]  # fewer than devices: repeated


class Counted(keras.utils.PyDataset):
    """Batches of (epoch, index), which say when they are drawn."""

    def __init__(self, count):
        super().__init__()
        self.epoch, self.begun, self.drawn = 0, 0, [threading.Event() for _ in range(count)]

    def on_epoch_begin(self):
        self.begun += 1

    def __len__(self):
        return len(self.drawn)

    def __getitem__(self, index):
        self.drawn[index].set()
        return np.array([[self.epoch, index]])


@pytest.fixture
def fit_on_jax(monkeypatch):
    """Fit counted batches by a function of what a model on JAX is given of them."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    counted = Counted(5)
    return counted, lambda read: Distribution().fit(Reader(read), counted, None, [], 1)


def test_on_jax_batches_are_drawn_ahead(fit_on_jax):
    counted, fit = fit_on_jax

    def read(batches):
        assert batches[0].tolist() == [[0, 0]]
        assert counted.drawn[1].wait(timeout=20)  # and nobody has asked for it
        assert not counted.drawn[4].is_set()  # a few only: each takes memory

    fit(read)


def test_batches_drawn_ahead_are_those_of_their_epoch(fit_on_jax):
    counted, fit = fit_on_jax
    actual = []

    def read(batches):
        assert len(batches) == 5
        batches[0]  # Keras looks at the first before an epoch begins
        for counted.epoch in (1, 2):
            batches.on_epoch_begin()
            actual.extend(batches[i][0].tolist() for i in range(5))

    fit(read)
    assert actual == [[epoch, i] for epoch in (1, 2) for i in range(5)]
    assert counted.begun == 2


def test_what_fails_ahead_fails_in_its_turn(fit_on_jax):
    counted, fit = fit_on_jax
    counted.drawn[1] = None

    def read(batches):
        assert batches[0].tolist() == [[0, 0]]
        with pytest.raises(AttributeError):
            batches[1]

    fit(read)


def test_after_an_interruption_nothing_more_is_drawn(fit_on_jax):
    counted, fit = fit_on_jax

    def read(batches):
        counted.kept = batches
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(read)
    with pytest.raises(RuntimeError, match="after shutdown"):
        counted.kept[0]


def test_a_shard_has_as_much_of_every_kind():
    recipe = dataclasses.replace(TINY, shifts=2, ladders=2, silence=0.0)
    (whole, _), targets = Batches(recipe, judged(), ladders())[0]
    (dealt, _), dealt_targets = Batches(recipe, judged(), ladders(), Distribution(replicas=2, shards=2))[0]
    order = [0, 1, 4, 6, 8, 10, 2, 3, 5, 7, 9, 11]
    np.testing.assert_array_equal(dealt, whole[order])
    np.testing.assert_array_equal(dealt_targets, targets[order])
    with pytest.raises(
        InputError, match="2 devices cannot share a batch of 4 answers, 2 shifts, 2 levels, 1 ladders and 0 graded"
    ):
        Batches(dataclasses.replace(recipe, ladders=1), judged(), ladders(), Distribution(replicas=2, shards=2))
    with pytest.raises(InputError, match="5 devices"):  # whose last rows would not be the ladders
        Batches(recipe, judged(), ladders(), Distribution(replicas=5))


@pytest.mark.parametrize("process", [0, 1])
def test_the_others_go_on_where_the_leader_fails(process, monkeypatch):
    met, done = [], []
    monkeypatch.setattr(Distribution, "_meet", lambda self: met.append(len(done)))
    with pytest.raises(InputError), Distribution(replicas=2, process=process, processes=2).leader_first():
        done.append("work")
        raise InputError("no data")
    assert met == [1 - process]  # the leader works and then meets the others, which meet it and then work


def test_enhancers_have_one_process(tmp_path):
    recipe = Recipe("x", "DNNEnhancer", {"magnitude-mse": 1.0})
    with pytest.raises(InputError, match="use --distribution devices"):
        train(recipe, None, None, tmp_path, distribution=Distribution(replicas=2, processes=2))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras on JAX has workers")
def test_workers_need_jax():
    with pytest.raises(InputError, match="KERAS_BACKEND=jax"):
        distribute("workers")


@pytest.mark.slow
@pytest.mark.jax
def test_workers_without_addresses_say_so(tmp_path):
    pytest.importorskip("jax")
    command = [sys.executable, str(REPOSITORY / "tools" / "train.py")]
    config = REPOSITORY / "tools" / "configs" / "texture-classifier-16k.toml"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [*command, str(config), "--distribution", "workers"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("train: the workers do not find each other")


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    """Losses of each backend on one device, by name."""

    @functools.cache
    def trained(backend):
        folder = prepared(tmp_path_factory.mktemp(backend))
        recipes = RECIPES if backend == "tensorflow" else dict.fromkeys(ON_JAX_DEVICES + IN_PROCESSES)
        assert finish(start(backend, "none", folder, recipes)) == {"replicas": 1, "leads": True}
        return dict(zip(recipes, losses(folder, recipes), strict=True))

    return trained


@pytest.mark.slow
def test_two_devices_on_tensorflow_train_as_one_does(one_device, tmp_path):
    expected = one_device("tensorflow")
    assert finish(start("tensorflow", "devices", prepared(tmp_path), RECIPES)) == {"replicas": 2, "leads": True}
    for name, actual in zip(RECIPES, losses(tmp_path, RECIPES), strict=True):
        # Each device clips its part of the gradient.
        np.testing.assert_allclose(actual, expected[name], rtol=1e-4 if name == "separation" else 0.03, err_msg=name)


@pytest.mark.slow
@pytest.mark.jax
def test_two_devices_on_jax_train_as_one_does(one_device, tmp_path):
    pytest.importorskip("jax")
    expected = one_device("jax")
    assert finish(start("jax", "devices", prepared(tmp_path), ON_JAX_DEVICES)) == {"replicas": 2, "leads": True}
    for name, actual in zip(ON_JAX_DEVICES, losses(tmp_path, ON_JAX_DEVICES), strict=True):
        np.testing.assert_allclose(actual, expected[name], rtol=1e-2, err_msg=name)


@pytest.mark.slow
@pytest.mark.jax
def test_two_processes_on_jax_train_as_one_does(one_device, tmp_path):
    pytest.importorskip("jax")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    addresses = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"localhost:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    folder = prepared(tmp_path)
    workers = [
        start("jax", "workers", folder, IN_PROCESSES, KERAS_DISTRIBUTION_PROCESS_ID=str(i), **addresses)
        for i in range(2)
    ]
    try:
        assert [finish(worker)["leads"] for worker in workers] == [True, False]
    finally:
        for worker in workers:
            worker.kill()
    expected = one_device("jax")
    for name, actual in zip(IN_PROCESSES, losses(folder, IN_PROCESSES), strict=True):
        np.testing.assert_allclose(actual, expected[name], rtol=1e-2, err_msg=name)
    assert not list(folder.rglob("state"))
