"""The folder of a training: whose it is, what its log says, going on, and weights without an optimizer."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.training.callbacks import Epoch
from zoo.training.run import ArrayBatches, Run, read_log, without_optimizer


@dataclass(frozen=True)
class Recipe:
    name: str = "mine"
    epochs: int = 3


class Batches(ArrayBatches):
    def shuffle(self, epoch):
        pass


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def compiled():
    model = network()
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def batches():
    x = np.random.default_rng(0).standard_normal((8, 2)).astype("float32")
    return Batches((x, x.sum(axis=1, keepdims=True)), 4)


def write_log(run, column, values):
    rows = [f"{epoch},{value},6" for epoch, value in enumerate(values)]
    (run.folder / "log.csv").write_text("\n".join([f"epoch,{column},seconds", *rows, ""]))


def test_a_run_goes_on_with_its_own_recipe_and_data_only(tmp_path):
    Run(tmp_path, Recipe(), "val_loss", data={"first_batch": "a"})
    Run(tmp_path, Recipe(), "val_loss", data={"first_batch": "a"})
    for recipe, data in ((Recipe(epochs=4), {"first_batch": "a"}), (Recipe(), {"first_batch": "b"}), (Recipe(), None)):
        with pytest.raises(InputError, match="the run of another recipe, or one on other data: delete it"):
            Run(tmp_path, recipe, "val_loss", data=data)


def test_of_an_epoch_that_was_done_twice_the_last_counts(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss\n0,3.0\n1,2.0\n1,1.0\n")
    assert [row["loss"] for row in read_log(tmp_path / "log.csv")] == ["3.0", "1.0"]
    assert read_log(tmp_path / "none.csv") == []


@pytest.mark.parametrize(("mode", "best"), [("min", 2), ("max", 3)])
def test_the_log_says_what_was_best_and_how_long_it_took(mode, best, tmp_path):
    run = Run(tmp_path, Recipe(), "val_loss", mode)
    write_log(run, "val_loss", ["nan", 1.00004, 3.0])
    assert run.best() == best
    assert run.minutes() == pytest.approx(0.3)
    curve = run.curve(("val_loss",))
    assert curve["epoch"] == [1, 2, 3] and np.isnan(curve["val_loss"][0]) and curve["val_loss"][1:] == [1.0, 3.0]
    assert run.curve(("val_loss",), digits=5)["val_loss"][1] == 1.00004


def test_it_is_finished_after_all_epochs_or_enough_without_a_better_one(tmp_path):
    run = Run(tmp_path, Recipe(), "val_loss", patience=1)
    assert not run.finished()
    write_log(run, "val_loss", [2.0, 1.0])
    assert not run.finished()
    write_log(run, "val_loss", [1.0, 2.0])
    assert run.finished()
    write_log(run, "val_loss", [3.0, 2.0, 1.0])
    assert run.finished()
    run.patience, run.recipe = None, replace(run.recipe, epochs=4)
    assert not run.finished()


def test_the_start_counts_as_an_epoch_before_the_first(tmp_path):
    run, model = Run(tmp_path, Recipe(), "score", "max", patience=2), compiled()
    run.measure_start(model, lambda: {"score": 5.0, "other": 1})
    write_log(run, "score", [4.0, 3.0])
    assert run.values() == [5.0, 4.0, 3.0] and run.finished()
    again = Run(tmp_path, Recipe(), "score", "max", patience=2)
    again.measure_start(model, lambda: pytest.fail("it is measured once"))
    assert again.start == {"score": 5.0, "other": 1}
    stored = network()
    stored.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(stored.get_weights()[0], model.get_weights()[0])


@pytest.mark.on_torch
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    ends = {}
    for name, callbacks in (("whole", []), ("cut", [Interrupt()])):
        run, model = Run(tmp_path / name, Recipe(), "val_loss"), compiled()
        if callbacks:
            with pytest.raises(KeyboardInterrupt):
                run.fit(model, batches(), batches(), [Epoch(batches()), *callbacks], verbose=0)
            assert len(run.log()) == 2 and not run.finished()
            run, model = Run(tmp_path / name, Recipe(), "val_loss"), compiled()
        run.fit(model, batches(), batches(), verbose=0)
        run.restore_best(model)
        assert run.finished() and len(run.log()) == 3 and not (run.folder / "state").exists()
        run.fit(model, batches(), batches(), verbose=0)  # finished: nothing more to do
        ends[name] = [float(row["val_loss"]) for row in run.log()], model.get_weights()
    assert ends["whole"][0] == pytest.approx(ends["cut"][0], rel=1e-6)
    for one, other in zip(ends["whole"][1], ends["cut"][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_no_epoch_with_a_number_is_an_error_that_says_so(tmp_path):
    with pytest.raises(InputError, match="no epoch has a val_loss that is a number: lower the learning rate"):
        Run(tmp_path, Recipe(), "val_loss").restore_best(compiled())


def test_weights_without_the_optimizer():
    trained = compiled()
    trained.fit(batches(), epochs=1, verbose=0)
    fresh = without_optimizer(network(), trained)
    assert getattr(fresh, "optimizer", None) is None
    for one, other in zip(fresh.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_array_batches_keep_order_and_every_example():
    parts = [ArrayBatches((np.arange(5), -np.arange(5)), 2)[i] for i in range(3)]
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), np.arange(5))
    assert all(np.array_equal(x, -y) for x, y in parts) and [len(x) for x, _ in parts] == [2, 2, 1]
