"""Callbacks of every recipe: seeds of an epoch, who writes, and the end of a training."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.errors import InputError
from zoo.training.callbacks import Epoch, StopWhenNoBetter, checkpoint_callbacks


class Batches(keras.utils.PyDataset):
    """Two batches that remember which epochs they were shuffled for."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def shuffle(self, epoch):
        self.epochs.append(epoch)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def model(*layers):
    network = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    return network


def test_an_epoch_seeds_its_batches_and_its_dropout():
    batches, network, logs = Batches(), model(keras.layers.Dropout(0.5, seed=7)), {}
    (state,) = [variable for variable in network.variables if variable.name == "seed_generator_state"]
    epoch = Epoch(batches)
    epoch.set_model(network)
    network.predict(np.ones((1, 2)), verbose=0)
    epoch.on_epoch_begin(3)
    assert batches.epochs == [3]
    assert ops.convert_to_numpy(state).tolist() == [7, 6]  # 3 epochs of 2 batches
    epoch.on_epoch_end(3, logs)
    assert logs["seconds"] >= 0


def test_only_the_leader_writes(tmp_path):
    (reader,) = checkpoint_callbacks(tmp_path, "val_loss", "min", leads=False)
    model().fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[reader])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("mode", "values", "written"), [("min", [1e-9], False), ("min", [], True), ("max", [0], True)])
def test_weights_are_written_where_they_are_better_than_before(mode, values, written, tmp_path):
    callbacks = checkpoint_callbacks(tmp_path, "loss", mode, values)
    model().fit(np.ones((4, 2)), np.full((4, 1), 9.0), epochs=1, verbose=0, callbacks=callbacks)
    assert (tmp_path / "best.weights.h5").exists() == written
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss") and (tmp_path / "state").is_dir()


@pytest.mark.parametrize(
    ("mode", "values", "ended"),
    [("max", [1, 3, 2, 2], True), ("max", [1, 2, 3], False), ("min", [3, 1, 2, 2], True), ("min", [], False)],
)
def test_stopping_looks_back(mode, values, ended):
    assert StopWhenNoBetter("pesq-wb", mode, 2, values).ended() == ended


def test_a_training_that_diverges_says_so():
    stop = StopWhenNoBetter("pesq-wb", "max", 3)
    with pytest.raises(InputError, match="learning rate"):
        stop.on_epoch_end(0, {"loss": np.nan, "pesq-wb": 1.0})
