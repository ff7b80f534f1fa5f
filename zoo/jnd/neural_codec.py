"""Lyra (Google, Apache-2.0), a neural speech codec, from its published TensorFlow Lite networks."""

from pathlib import Path

import numpy as np

from zoo.errors import InputError

SAMPLE_RATE = 16000
_FRAME = 320  # samples, 20 ms
_BITS = 4  # of each quantizer
_FILES = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")


class Lyra:
    """Encodes and decodes speech at 3.2, 6 or 9.2 kb/s.

    Args:
        folder: with the three networks of version 1.3, `lyra/model_coeffs` of github.com/google/lyra.

    Raises:
        InputError: a network is missing, or TensorFlow is not installed.

    Example:
        >>> codec = Lyra("lyra/model_coeffs")  # needs the networks  # doctest: +SKIP
    """

    def __init__(self, folder: Path | str):
        missing = [name for name in _FILES if not (Path(folder) / name).exists()]
        if missing:
            raise InputError(f"{folder} lacks {', '.join(missing)}: give lyra/model_coeffs of github.com/google/lyra")
        try:
            import tensorflow
        except ImportError as error:
            raise InputError('Lyra needs TensorFlow: pip install "audio-zoo[tensorflow]"') from error
        self._networks = [tensorflow.lite.Interpreter(str(Path(folder) / name), num_threads=1) for name in _FILES]

    def __call__(self, speech: np.ndarray, kbps: float | None) -> np.ndarray:
        """Speech after the codec, aligned with it.

        Args:
            speech: float (samples,) at 16 kHz.
            kbps: bit rate in kb/s, at most 9.2; each 0.2 is a quantizer more. None leaves the quantizer out.

        Returns:
            float32 (samples,).
        """
        encoder, quantizer, decoder = self._networks
        for network in (encoder, decoder):
            network.reset_all_variables()
            network.allocate_tensors()
        encode, decode = (quantizer.get_signature_runner(name) for name in ("encode", "decode"))
        out = []
        for frame in np.pad(np.asarray(speech, "float32"), (0, -len(speech) % _FRAME)).reshape(-1, 1, _FRAME):
            features = _run(encoder, frame)
            if kbps is not None:
                count = np.int32(round(kbps * 1000 * _FRAME / SAMPLE_RATE / _BITS))
                codes = encode(input_frames=features, num_quantizers=count)["output_0"]
                features = decode(encoding_indices=codes)["output_0"]
            out.append(_run(decoder, features))
        return np.concatenate(out, axis=1)[0, : len(speech)]


def _run(network, x):
    """The output of a network with one input and one output."""
    network.set_tensor(network.get_input_details()[0]["index"], x)
    network.invoke()
    return network.get_tensor(network.get_output_details()[0]["index"])
