"""A client of TF Serving for exported models, over gRPC or REST.

    client = zoo.serving.client.connect("localhost:8500")
    client.predict("pesq", {"reference": [a, b], "degraded": [c, d]})["pesq"]      # recordings of any lengths

Waveforms go through the signature `lengths`, which stays right however the server batches and pads them; WAV files, as
bytes, through `wav`. Over REST no TensorFlow is imported; gRPC's protos do, and carry waveforms several times faster.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np

from zoo.errors import InputError, extras

BACKOFF = 0.1  # seconds; the pauses between attempts double


def connect(
    address: str,
    timeout: float = 30.0,
    attempts: int = 4,
    max_batch: int = 32,
    max_request: int = 2**26,
    token: str | None = None,
) -> "Client":
    """A client of the server at an address.

    Args:
        address: "host:port" for gRPC, "grpcs://host:port" for gRPC with TLS, "http://host:port" or "https://..." for
            REST.
        timeout: in seconds, of one request with all its attempts over gRPC, of each attempt over REST.
        attempts: at most, 1 to 5, while the server is unavailable (gRPC's UNAVAILABLE, REST's 503, or no connection);
            the pauses between them double, and are 1.5 s at most in all.
        max_batch: recordings in a request; larger batches go in several. A server that batches refuses more than its
            own `max_batch_size`, 32 as `zoo serve-config` writes it.
        max_request: bytes of padded float32 waveforms, or of files, in a request; over REST they become four to five
            times as many as JSON.
        token: sent as "Authorization: Bearer", for servers behind a proxy that asks for one; only over TLS.

    Returns:
        A Client. Nothing is sent yet.

    Raises:
        InputError: an address of another kind, a token without TLS, or a number out of range.

    Example:
        >>> client = connect("localhost:8500", timeout=5)
    """
    if not 1 <= attempts <= 5 or timeout <= 0 or max_batch < 1:
        raise InputError(f"attempts={attempts}, timeout={timeout}, max_batch={max_batch}: give 1 to 5, and above 0")
    scheme, separator, place = address.rpartition("://")
    if not place or (separator and scheme not in ("http", "https", "grpcs")):
        raise InputError(f"{address!r}: give host:port (gRPC), grpcs://host:port, or http://host:port (REST)")
    if token and scheme not in ("https", "grpcs"):
        raise InputError(f"{address!r} would carry the token unencrypted: give grpcs:// or https://")
    if scheme in ("http", "https"):
        with extras():
            from zoo.serving.client.rest import Rest

        return Client(Rest(address.rstrip("/"), timeout, attempts, token), max_batch, max_request)
    with extras():
        from zoo.serving.client.grpc import Grpc

    # A request that is to be sent again must fit in the channel's buffer, with its names and shapes.
    transport = Grpc(place, timeout, attempts, token, secure=scheme == "grpcs", retry_buffer=2 * max_request)
    return Client(transport, max_batch, max_request)


class Client:
    """What `connect` gives; also a context manager that closes its connections."""

    def __init__(self, transport, max_batch: int, max_request: int):
        self._transport, self._max_batch, self._max_request = transport, max_batch, max_request
        self._along_samples: dict[tuple, set[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def status(self, model: str) -> dict[int, str]:
        """{version: state} of a model: "AVAILABLE", "LOADING", ...

        Raises:
            InputError: the server has no such model.
            ConnectionError, TimeoutError: as for `predict`.
        """
        return self._transport.status(model)

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Sequence | np.ndarray],
        version: int | None = None,
        label: str | None = None,
    ) -> dict[str, np.ndarray]:
        """What a model gives for recordings.

        Args:
            model: its name on the server.
            inputs: {name: recordings}, by the names of `zoo.serving.export`'s table: a list of float waveforms (samples,)
                of any lengths or an array (batch, samples), at the model's rate; or a list of WAV files as bytes. Of
                several inputs, those in one place are of one length. A texture ensemble takes spectrograms
                (frames, bins).
            version: of the model; None for the newest that is served.
            label: of a version, such as "stable", instead.

        Returns:
            {output: array (batch, ...)}. Outputs along the samples are as long as the longest recording, zero after each
            one's end.

        Raises:
            InputError: the inputs do not fit together, one recording alone exceeds `max_request`, or the server refuses:
                no such model or version, or its own check failed.
            ConnectionError: the server cannot be reached, is unavailable at each attempt, or wants a token.
            TimeoutError: it did not answer in time.

        Example:
            >>> client.predict("enhancer", {"waveform": [noisy]})["enhanced"]  # needs a server  # doctest: +SKIP
        """
        if version is not None and label is not None:
            raise InputError("give a version or a label, not both")
        target, checked = (model, version, label), _checked(inputs)
        signature = "wav" if isinstance(next(iter(checked.values()))[0], bytes) else "lengths"
        answers = []
        for start, stop in self._parts(checked):
            part = {name: recordings[start:stop] for name, recordings in checked.items()}
            answer = self._transport.predict(target, signature, _arrays(signature, part))
            # The server may have padded this request to the length of another in its batch.
            longest = max(map(_samples, next(iter(part.values()))))
            along = self._outputs_along_samples(target, signature)
            answers.append({name: value[:, :longest] if name in along else value for name, value in answer.items()})
        return {name: _join([part[name] for part in answers]) for name in answers[0]}

    def _parts(self, inputs) -> Iterator[tuple[int, int]]:
        """Where to cut a batch so that no request exceeds `max_batch` recordings and `max_request` bytes, padded."""
        sizes = [max(_bytes(one) for one in row) for row in zip(*inputs.values(), strict=True)]
        if (most := max(sizes) * len(inputs)) > self._max_request:
            raise InputError(
                f"one recording is {most / 1e6:.1f} MB and a request at most {self._max_request / 1e6:.1f} MB: cut it, or "
                "connect with a larger max_request"
            )
        start = 0
        for stop in range(1, len(sizes) + 1):
            full = stop - start == self._max_batch or stop == len(sizes)
            if full or (stop + 1 - start) * max(sizes[start : stop + 1]) * len(inputs) > self._max_request:
                yield start, stop
                start = stop

    def _outputs_along_samples(self, target, signature) -> set[str]:
        """Names of the outputs (batch, samples): those whose second of two axes is open."""
        key = (target, signature)
        if key not in self._along_samples:
            shapes = self._transport.output_shapes(target, signature)
            self._along_samples[key] = {name for name, shape in shapes.items() if len(shape) == 2 and shape[1] == -1}
        return self._along_samples[key]


def refusal(message: str) -> InputError:
    """The error for what a server says of a request; of a check in the graph that failed, its message alone."""
    check = re.search(r"assertion failed: \[(.*?)\]", message)
    return InputError(f"the server refuses: {check[1] if check else message}")


def _checked(inputs):
    """{name: list of float32 waveforms, or of WAV files as bytes}, which fit together."""
    if not inputs:
        raise InputError("there are no inputs; give {name: recordings}")
    checked = {name: _recordings(name, recordings) for name, recordings in inputs.items()}
    counts = {name: len(recordings) for name, recordings in checked.items()}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise InputError(f"the inputs hold {counts} recordings; give the same number of each, one or more")
    if len({isinstance(one, bytes) for recordings in checked.values() for one in recordings}) > 1:
        raise InputError("give WAV files as bytes or waveforms, not both")
    lengths = {name: [_samples(one) for one in recordings] for name, recordings in checked.items()}
    first, *others = lengths
    for name in others:
        if lengths[name] != lengths[first]:
            raise InputError(f"{name} and {first} differ in length; cut them alike")
    return checked


def _recordings(name, recordings):
    kinds = f"{name}: give a list of float waveforms (samples,), or of WAV files as bytes, Path.read_bytes()"
    if not isinstance(recordings, (list, tuple, np.ndarray)):
        raise InputError(f"{kinds}; this is a {type(recordings).__name__}")
    checked = []
    for one in recordings:
        if isinstance(one, (bytes, bytearray, memoryview)):
            checked.append(bytes(one))
            continue
        one = np.asarray(one)
        if one.ndim not in (1, 2) or not np.issubdtype(one.dtype, np.floating):
            raise InputError(f"{kinds}; one of them is {one.dtype} of shape {one.shape}")
        if checked and (isinstance(checked[0], bytes) or one.shape[1:] != checked[0].shape[1:]):
            raise InputError(f"{kinds}; these are of several kinds")
        checked.append(one.astype("float32"))
    return checked


def _bytes(recording):
    return len(recording) if isinstance(recording, bytes) else recording.nbytes


def _samples(recording):
    """Samples of a waveform or a WAV file; frames of a spectrogram."""
    if not isinstance(recording, bytes):
        return len(recording)
    import soundfile

    try:
        return soundfile.info(io.BytesIO(recording)).frames
    except soundfile.LibsndfileError:
        raise InputError(f"a file of {len(recording)} bytes is no WAV file") from None


def _arrays(signature, part):
    """{name: array} of a request; files are arrays of bytes objects, for NumPy's own would lose zeros at the end."""
    if signature == "wav":
        arrays = {f"{name}_wav": np.empty(len(files), dtype=object) for name, files in part.items()}
        for array, files in zip(arrays.values(), part.values(), strict=True):
            array[:] = files
        return arrays
    lengths = np.array([len(one) for one in next(iter(part.values()))], "int32")
    arrays = {}
    for name, recordings in part.items():
        arrays[name] = np.zeros((len(recordings), lengths.max(), *recordings[0].shape[1:]), "float32")
        for row, one in zip(arrays[name], recordings, strict=True):
            row[: len(one)] = one
    return arrays | {"lengths": lengths}


def _join(parts):
    """Parts of an output along the batch; those along the samples may be of unlike lengths."""
    if parts[0].ndim > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [np.pad(part, [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts]
    return np.concatenate(parts)
