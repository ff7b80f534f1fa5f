"""Enhancers that are not ours, from weights that a user brings as ONNX: DTLN and GTCRN. Imports no Keras backend.

Both are made for calls: a frame at a time, with states that go from one frame to the next, and no look ahead. Here a
whole recording goes through, and comes back without their delay.

    enhancer = outside.DTLN("dtln/")                     # model_1.onnx and model_2.onnx
    enhanced = enhancer.enhance(noisy, sample_rate=16000)
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.signal

from zoo.enhancement.inference import Enhancing
from zoo.errors import InputError, first_line

_BINS = 257  # of a transform of 512 samples
_DTLN_STATES = (1, 2, 128, 2)  # of two LSTMs
_GTCRN_STATES = ((2, 1, 16, 16, 33), (2, 3, 1, 1, 16), (2, 1, 33, 16))  # of convolutions, attention over time, and GRUs


class Streaming(Enhancing):
    """Takes whole recordings through a network that takes a frame at a time; each begins with states of zero.

    A class of it has `files`, paths of the weights, and defines `enhance_blocks`.

    Attributes:
        n_fft, hop_length: samples of a block, and from one to the next.
    """

    sample_rate = 16000
    n_fft, hop_length = 512, 128
    files: tuple[Path, ...] = ()

    def enhance_blocks(self, blocks: np.ndarray) -> np.ndarray:
        """Blocks to be added up, (blocks, n_fft), of those of one recording."""
        raise NotImplementedError

    def digests(self) -> dict[str, str]:
        """{name of a file: its sha256}, which says whose weights they are.

        Example:
            >>> Streaming().digests()
            {}
        """
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}

    # All at once or in chunks would be other states than those of a call.
    def _enhance_rows(self, rows, lengths, batch_size):
        enhanced = np.zeros(rows.shape, "float32")
        for out, row, length in zip(enhanced, rows, lengths, strict=True):
            out[:length] = self._enhance_recording(row[:length])
        return enhanced

    def _enhance_recording(self, recording):
        """The blocks of a recording, from the first that holds a sample of it to the last, enhanced and added up."""
        before, after = self.n_fft - self.hop_length, self.n_fft - self.hop_length + -len(recording) % self.hop_length
        padded = np.pad(recording, (before, after))
        blocks = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[:: self.hop_length]
        enhanced = np.zeros(len(padded))
        for i, block in enumerate(self.enhance_blocks(blocks)):
            enhanced[i * self.hop_length :][: self.n_fft] += block
        return enhanced[before:][: len(recording)]


class DTLN(Streaming):
    """The Dual-signal Transformation LSTM Network (Westhausen and Meyer 2020): a mask of magnitudes, then of features.

    Blocks of 512 samples, 128 apart, without a window, added up as they are. The first network masks the magnitude of
    each, which keeps the noisy phase; the second takes the block that this gives and returns the enhanced one.

    Args:
        folder: with model_1.onnx and model_2.onnx, as its authors publish them.

    Raises:
        InputError: a file is missing, is not ONNX, or is of another network.

    Example:
        >>> enhancer = DTLN("dtln/")  # needs its weights  # doctest: +SKIP
    """

    name = "DTLN"

    def __init__(self, folder: str | Path):
        self.files = (Path(folder) / "model_1.onnx", Path(folder) / "model_2.onnx")
        self._mask = _Step(self.files[0], (1, 1, _BINS), _DTLN_STATES)
        self._block = _Step(self.files[1], (1, 1, self.n_fft), _DTLN_STATES)

    def enhance_blocks(self, blocks):
        masks, outputs = self._mask.start(), self._block.start()
        enhanced = np.empty(blocks.shape, "float32")
        for out, block in zip(enhanced, blocks, strict=True):
            spectrum = np.fft.rfft(block)
            masked = np.fft.irfft(masks(np.abs(spectrum)) * spectrum)
            out[:] = outputs(masked)
        return enhanced


class GTCRN(Streaming):
    """The Grouped Temporal Convolutional Recurrent Network (Rong et al. 2024), 48.2 K parameters: a complex mask.

    Spectra of 512 samples, 256 apart, square root of a periodic Hann window before and after.

    Args:
        file: gtcrn_simple.onnx, as its authors publish it.

    Raises:
        InputError: the file is missing, is not ONNX, or is of another network.

    Example:
        >>> enhancer = GTCRN("gtcrn_simple.onnx")  # needs its weights  # doctest: +SKIP
    """

    name = "GTCRN"
    hop_length = 256

    def __init__(self, file: str | Path):
        self.files = (Path(file),)
        self._spectrum = _Step(self.files[0], (1, _BINS, 1, 2), *_GTCRN_STATES)
        self._window = np.sqrt(scipy.signal.get_window("hann", self.n_fft))

    def enhance_blocks(self, blocks):
        spectra = self._spectrum.start()
        enhanced = np.empty(blocks.shape, "float32")
        for out, block in zip(enhanced, blocks, strict=True):
            spectrum = np.fft.rfft(block * self._window)
            real, imaginary = spectra(np.stack([spectrum.real, spectrum.imag], axis=-1)).reshape(_BINS, 2).T
            out[:] = np.fft.irfft(real + 1j * imaginary) * self._window
        return enhanced


SYSTEMS = {system.name.lower(): system for system in (DTLN, GTCRN)}  # by their names on the command line


def read(texts: Iterable[str]) -> dict[str, Streaming]:
    """The systems of `--system NAME=PATH`.

    Args:
        texts: such as "dtln=FOLDER" and "gtcrn=FILE.onnx", each name once.

    Returns:
        {heading: system}.

    Raises:
        InputError: another name, no path, a name twice, or as the system's class.

    Example:
        >>> read(["dtln"])
        Traceback (most recent call last):
        zoo.errors.InputError: --system dtln: give dtln=FOLDER or gtcrn=FILE.onnx
    """
    systems = {}
    for text in texts:
        name, _, path = text.partition("=")
        if name not in SYSTEMS or not path:
            raise InputError(f"--system {text}: give dtln=FOLDER or gtcrn=FILE.onnx")
        if SYSTEMS[name].name in systems:
            raise InputError(f"--system {name} is there twice; give it once")
        systems[SYSTEMS[name].name] = SYSTEMS[name](path)
    return systems


class _Step:
    """A network that takes a frame and states, and gives a frame and states.

    Args:
        path: of a file of ONNX.
        frame, states: their shapes, in the order of its inputs and outputs.
    """

    def __init__(self, path, frame, *states):
        import onnxruntime

        if not path.is_file():
            raise InputError(f"{path} is not there: get the weights from their authors (docs/enhancement.md)")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone
        options.intra_op_num_threads = 1  # a frame is too little work to share
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, ["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no class in common
            raise InputError(f"{path} is not ONNX that onnxruntime can run: {first_line(error)}") from error
        self._names = [one.name for one in self._session.get_inputs()]
        self._shapes = [frame, *states]
        for symbols in (self._session.get_inputs(), self._session.get_outputs()):
            shapes = [tuple(one.shape) for one in symbols]
            if shapes != self._shapes:
                raise InputError(f"{path} is of another network: it has {shapes}, not {self._shapes}")

    def start(self):
        """A function of a frame, of any shape with as many numbers, whose states begin at zero: gives a frame, flat."""
        states = [np.zeros(shape, "float32") for shape in self._shapes[1:]]

        def step(frame):
            frame = np.asarray(frame, "float32").reshape(self._shapes[0])
            output, *states[:] = self._session.run(None, dict(zip(self._names, [frame, *states], strict=True)))
            return output.ravel()

        return step
