"""Our own JND network whose distance goes on where everybody hears a difference: it then grows with annoyance."""

import keras
import numpy as np
from keras import layers, ops

from zoo.audio import dsp
from zoo.jnd.inference import FAINTEST, LEVEL, OnnxQualityJND
from zoo.jnd.spectral import CENTRE, FLOOR, SPREAD, MelJND, MelPower, convolved
from zoo.nn.layers import MaskTime

_LOUDNESS = 0.25  # exponent of power, near that of loudness (0.23 to 0.3)
_MAX_OFFSET = 16  # frames, 186 ms
_PREFERENCE = 0.01  # by which a frame of offset must lower the difference
_EDGE = 2  # frames at either end whose window reaches over it: with an offset they differ
_OFFSETS = sorted(range(-_MAX_OFFSET, _MAX_OFFSET + 1), key=abs)  # of equal ones the first is taken
_STARTS = [(max(-o, 0) + _EDGE, max(o, 0) + _EDGE) if o else (0, 0) for o in _OFFSETS]  # of both recordings
_LOST = [abs(o) + 2 * _EDGE if o else 0 for o in _OFFSETS]  # frames
_WINDOW = 16  # frames, 186 ms, over which statistics are compared
_POWER = 4.0  # of the mean that lets a short, large difference count
_FAINT = 0.05  # share of the mean loudness that a silent frame counts as
_EPS = 1e-8


@keras.saving.register_keras_serializable(package="zoo")
class QualityJND(MelJND):
    """Convolutions on loudness and log power, and a distance with two readings: heard or not, and how annoying.

    Both recordings get one gain, and are aligned in time to a frame, 12 ms, within 186 ms. Of mel bands (Hamming window),
    the log of power, in which faint differences show, and its fourth root, near to loudness, in which they do not, go
    through convolutions 3 x 3 with LeakyReLU 0.2. Each layer, the bands themselves too, gives a weighted L1 per frame and one of
    the mean and deviation in windows of 186 ms, which a new phase leaves alone; frames count by a power of their
    loudness that is learned, and are pooled as a mean and as a mean of fourth powers. The distance D is the sum over
    layers. P("different") = a + (1 - a - b) D^s / (1 + D^s) is at its threshold at 1; from there on D has learned the
    order of degradations beside each other.

    Args:
        channels: of the convolutions; all but the first halve time, all but the last halve frequency.
        bands: mel bands.
        dropout: share of each layer's features that training leaves out, the same of both recordings.
        sample_rate, n_fft, hop_length: of the spectra, in Hz and samples.
        name: of the model.

    Example:
        >>> model = QualityJND()
        >>> tuple(model([ops.ones((2, 22050)), ops.ones((2, 22050))]).shape)
        (2,)
    """

    onnx_class = OnnxQualityJND

    default_name = "quality_jnd"

    def band_distances(self, magnitude, frames, sample_rate):
        power = MelPower(self.bands, self.n_fft, sample_rate, dtype="float32")(magnitude)
        power, counted = Align(dtype="float32")(power, frames)
        x, energy = LoudnessAndLog(dtype="float32")(power, counted)
        counted = layers.Concatenate(axis=0)([counted, counted])
        distances = []
        for i, (features, rows, stride) in enumerate(
            convolved(MaskTime()(x, counted), counted, self.channels, self.dropout)
        ):
            layer = LocalDistance(max(_WINDOW // stride, 1), name=f"distance_{i}", dtype="float32")
            distances.append(layer(features, energy[:, ::stride], rows))
        return distances

    def core_features(self, reference, degraded, lengths):
        energy = sum(ops.sum(ops.square(x), axis=1) for x in (reference, degraded))
        power = energy / (2 * ops.cast(ops.maximum(lengths, 1), "float32")) + FAINTEST**2
        gain = ops.expand_dims(LEVEL / ops.sqrt(power), 1)
        return super().core_features(gain * reference, gain * degraded, lengths)


@keras.saving.register_keras_serializable(package="zoo")
class Align(keras.layers.Layer):
    """Moves the later of two recordings forward by whole frames, at most 16, so that their loudness differs least.

    Of recordings that it moves, the frames at the ends that reach over the cut are left out too.

    Call:
        power: float (2 n, time, bands), the references and then the degraded recordings.
        frames: int32 (n,), the time that counts of both.
        Returns the power, of the same shape, and the frames that count of it, int32 (n,). The offset has no gradient.
    """

    def call(self, power, frames):
        size = ops.shape(power)[1]
        loudness = _padded((power + FLOOR) ** _LOUDNESS)
        costs = []
        for (first, second), lost in zip(_STARTS, _LOST, strict=True):
            left = frames - lost
            difference = ops.mean(
                ops.abs(loudness[0][:, first : first + size] - loudness[1][:, second : second + size]), 2
            )
            total = ops.sum(difference * dsp.sequence_mask(left, size), axis=1)
            cost = (1 + _PREFERENCE * abs(first - second)) * total / ops.cast(ops.maximum(left, 1), "float32")
            costs.append(ops.where(2 * left >= frames, cost, float("inf")) if lost else cost)
        costs = ops.stack(costs, axis=1)
        least = ops.cast(costs <= ops.min(costs, axis=1, keepdims=True), "float32")
        best = least * ops.cast(ops.cumsum(least, axis=1) < 1.5, "float32")  # the first; ONNX lacks Keras's argmin
        moved = [
            _moved(x, best, starts, size) for x, starts in zip(_padded(power), zip(*_STARTS, strict=True), strict=True)
        ]
        lost = ops.cast(ops.sum(best * ops.convert_to_tensor(np.array(_LOST, "float32")), axis=1), "int32")
        return ops.concatenate(moved, axis=0), frames - lost

    def compute_output_shape(self, power_shape, frames_shape):
        return power_shape, frames_shape


def _padded(power):
    """Both halves of a batch, with as many zeros after the end as a start can lie behind."""
    return ops.split(ops.pad(power, ((0, 0), (0, _MAX_OFFSET + _EDGE), (0, 0))), 2)


def _moved(padded, best, starts, size):
    """`size` frames of (n, time, bands) from that one of `starts` which `best`, one-hot (n, starts), says."""
    for bit in (1 << i for i in range(max(starts).bit_length())):
        column = np.array([[bool(start & bit)] for start in starts], "float32")
        chosen = ops.expand_dims(ops.matmul(best, ops.convert_to_tensor(column)), 2)
        padded = ops.where(chosen > 0.5, ops.pad(padded[:, bit:], ((0, 0), (0, bit), (0, 0))), padded)
    return padded[:, :size]


@keras.saving.register_keras_serializable(package="zoo")
class LoudnessAndLog(keras.layers.Layer):
    """Power (2 n, time, bands) -> log and fourth root of it, (2 n, time, bands, 2), and the frames' loudness (n, time).

    The latter is relative to its mean over the time that counts, of both recordings together, plus 0.05.
    """

    def call(self, power, frames):
        loudness = (power + FLOOR) ** _LOUDNESS
        features = ops.stack([(ops.log(power + FLOOR) - CENTRE) / SPREAD, loudness], axis=-1)
        by_frame = sum(ops.split(ops.mean(loudness, axis=2), 2))
        counted = dsp.sequence_mask(frames, ops.shape(power)[1])
        count = ops.cast(ops.maximum(frames, 1), "float32")
        mean = ops.sum(by_frame * counted, axis=1) / count + _EPS
        return features, (by_frame / ops.expand_dims(mean, 1) + _FAINT) * counted

    def compute_output_shape(self, power_shape, frames_shape):
        return (*power_shape, 2), (None, power_shape[1])


@keras.saving.register_keras_serializable(package="zoo")
class LocalDistance(keras.layers.Layer):
    """How features and their local statistics differ, weighted by channel and loudness.

    d_t = mean |w (x_t - y_t)|, and of windows e_t = mean |v (m(x) - m(y))| + mean |u (s(x) - s(y))|, m and s the mean and
    the deviation; w, v, u >= 0. Both are pooled over time as a mean and as the root of a mean of fourth powers, in which
    a frame counts loudness^g; the four have weights >= 0.

    Args:
        window: frames whose statistics are compared; 1 for none.

    Call:
        inputs: float (2 n, time, bands, channels), the references and then the degraded recordings, zero after `frames`.
        energy: float (n, time), loudness of the frames, zero after `frames`.
        frames: int32 (2 n,), the time that counts.
        Returns float (n,), 0 for identical halves.
    """

    def __init__(self, window, **kwargs):
        super().__init__(**kwargs)
        self.window = window

    def build(self, inputs_shape, energy_shape=None, frames_shape=None):
        # softplus(0.54) = 1
        start = keras.initializers.Constant(0.54)
        kinds = 1 if self.window == 1 else 3
        self.raw = self.add_weight(shape=(kinds, *inputs_shape[2:]), initializer=start, name="raw")
        self.pooling = self.add_weight(shape=(2 if self.window == 1 else 4,), initializer=start, name="pooling")
        self.exponent = self.add_weight(shape=(), initializer=keras.initializers.Constant(-1.0), name="exponent")

    def call(self, inputs, energy, frames):
        weights, share = ops.softplus(self.raw), ops.softplus(self.pooling)
        reference, degraded = ops.split(inputs, 2)  # TensorFlow's gradients of slices are whole copies with zeros
        frames = ops.split(frames, 2)[0]
        counted = dsp.sequence_mask(frames, ops.shape(inputs)[1])
        importance = counted * (energy + _EPS) ** ops.softplus(self.exponent)
        by_frame = ops.mean(weights[0] * ops.abs(reference - degraded), axis=(2, 3))
        distance = _pooled(by_frame, importance, share[:2])
        if self.window == 1:
            return distance
        total = self._sums(ops.expand_dims(importance, (2, 3)))
        count = ops.maximum(self._sums(ops.expand_dims(counted, (2, 3))), 1.0)
        (mean_x, deviation_x), (mean_y, deviation_y) = (self._statistics(x, count) for x in (reference, degraded))
        differences = weights[1] * ops.abs(mean_x - mean_y) + weights[2] * ops.abs(deviation_x - deviation_y)
        return distance + _pooled(ops.mean(differences, axis=(2, 3)), total[:, :, 0, 0], share[2:])

    def _statistics(self, x, count):
        mean = self._sums(x) / count
        return mean, ops.sqrt(ops.maximum(self._sums(ops.square(x)) / count - ops.square(mean), 0.0) + 1e-4)

    def _sums(self, x):
        """Over windows of time, the last one shorter, (n, windows, bands, channels)."""
        windows = (ops.shape(x)[1] + self.window - 1) // self.window
        x = ops.pad(x, ((0, 0), (0, self.window - 1), (0, 0), (0, 0)))[:, : self.window * windows]
        sums = ops.sum(ops.reshape(x, (-1, self.window, *x.shape[2:])), axis=1)
        return ops.reshape(sums, (-1, windows, *x.shape[2:]))

    def scale_distances(self, factor):
        """Make every distance `factor` times as large."""
        share = factor * np.logaddexp(0, ops.convert_to_numpy(self.pooling).astype("float64"))
        self.pooling.assign(np.log(np.expm1(share)))

    def compute_output_shape(self, inputs_shape, energy_shape=None, frames_shape=None):
        return (None,)

    def get_config(self):
        return {**super().get_config(), "window": self.window}


def _pooled(values, importance, share):
    """share_0 mean + share_1 (mean of fourth powers)^(1/4) over time, (n, time) -> (n,)."""
    total = ops.sum(importance, axis=1) + _EPS
    mean = ops.sum(values * importance, axis=1) / total
    fourth = ops.sum(values**_POWER * importance, axis=1) / total
    # A root has no gradient at 0, so it starts a little after and comes back to 0.
    worst = (fourth + _EPS) ** (1 / _POWER) - _EPS ** (1 / _POWER)
    return share[0] * mean + share[1] * worst
