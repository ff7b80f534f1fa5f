"""Labels of a fine-tuning, from whatever they come: those outside the metric's range are refused, with the fix."""

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.quality_net import ranges
from zoo.quality_net.model import QualityNetLite

RATE = 16000
INSIDE, OUTSIDE = (1.0, 4.64), (1.0, 14.0)


class Batches(keras.utils.PyDataset):
    """Two batches of a pair each, the second with the second label."""

    def __init__(self, labels, **options):
        super().__init__(**options)
        self.labels, self.ended = labels, 0

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return pair(), np.array([self.labels[index]], "float32")

    def on_epoch_end(self):
        self.ended += 1


def pair(count=1):
    rng = np.random.default_rng(0)
    return tuple(0.1 * rng.standard_normal((count, 9000), dtype="float32") for _ in range(2))


def from_tf_data(labels):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((pair(2), np.array(labels, "float32"))).batch(1)


SOURCES = {
    "PyDataset": Batches,
    "PyDataset, threads": lambda labels: Batches(labels, workers=2),
    "tf.data": from_tf_data,
    "generator": lambda labels: (Batches(labels)[i] for i in range(2)),
}


@pytest.fixture(scope="module")
def metric():
    metric = QualityNetLite(convolutions=((4, 1, 2),), bands=24)
    metric.compile("sgd", loss="mse")
    return metric


@pytest.mark.parametrize("source", SOURCES)
def test_labels_outside_the_range_are_refused_as_they_come(metric, source):
    metric.fit(SOURCES[source](INSIDE), steps_per_epoch=2, shuffle=False, verbose=0)
    with pytest.raises(
        InputError, match=r"^the labels are 14 to 14, and the metric goes from -0\.5 to 4\.5; say .*\)$"
    ):
        metric.fit(SOURCES[source](OUTSIDE), steps_per_epoch=2, shuffle=False, verbose=0)


def test_labels_of_a_single_step_are_checked(metric):
    metric.train_on_batch(pair(), np.array([4.0]))
    with pytest.raises(InputError, match="the labels are 14 to 14"):
        metric.train_on_batch(pair(), np.array([14.0]))


def test_data_stays_what_it_is():
    data = ranges.checked(Batches(INSIDE, workers=2), 0.0, 5.0)
    assert data.num_batches == 2 and data.workers == 2
    np.testing.assert_array_equal(data[1][1], np.float32([4.64]))
    data.on_epoch_end()
    assert data.batches.ended == 1
    weighted = list(ranges.checked(from_tf_data(INSIDE).map(lambda x, y: (x, y, y)), 0.0, 5.0))
    assert len(weighted) == 2 and [len(batch) for batch in weighted] == [3, 3]
    assert ranges.checked("anything else", 0.0, 1.0) == "anything else"


def test_another_error_is_not_mistaken(metric):
    with pytest.raises(ZeroDivisionError):
        metric.fit((1 / 0 for _ in range(2)), verbose=0)
    assert ranges.refusal(ValueError("the labels are lost")) == ""
