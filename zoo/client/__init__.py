"""A client of TF Serving for exported models, over gRPC or REST.

    client = zoo.client.connect("localhost:8500")
    client.predict("pesq", {"reference": [a, b], "degraded": [c, d]})["pesq"]      # recordings of any lengths

Over REST it imports no TensorFlow; gRPC's protos do, and carry waveforms several times faster. Waveforms go through the signature `lengths`, which stays right however the server
batches and pads them; WAV files, as bytes, through `wav`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from zoo.errors import InputError

BACKOFF = 0.1  # seconds before the second attempt; each further one waits twice as long


def connect(
    address: str, timeout: float = 30.0, attempts: int = 4, max_request: int = 2**26, token: str | None = None
) -> "Client":
    """A client of the server at an address.

    Args:
        address: "host:port" for gRPC, "grpcs://host:port" for gRPC with TLS, "http://host:port" or "https://..." for
            REST.
        timeout: of one request in seconds.
        attempts: at most, 1 to 5, while the server is unavailable (gRPC's UNAVAILABLE, REST's 503, or no connection),
            with pauses of about 0.1 s, 0.2 s, 0.4 s ...
        max_request: bytes; larger batches are sent in parts.
        token: sent as "Authorization: Bearer", for servers behind a proxy that asks for one.

    Returns:
        A Client. Nothing is sent yet.

    Raises:
        InputError: an address of another kind, or a number out of range.

    Example:
        >>> client = connect("localhost:8500", timeout=5)
    """
    if not 1 <= attempts <= 5 or timeout <= 0:
        raise InputError(f"attempts is {attempts} and timeout {timeout}; give 1 to 5, and seconds above 0")
    scheme, separator, place = address.rpartition("://")
    if not place or (separator and scheme not in ("http", "https", "grpcs")):
        raise InputError(f"{address!r}: give host:port (gRPC), grpcs://host:port, or http://host:port (REST)")
    if scheme in ("http", "https"):
        from zoo.client.rest import Rest

        return Client(Rest(address.rstrip("/"), timeout, attempts, token), max_request)
    from zoo.client.grpc import Grpc

    return Client(Grpc(place, timeout, attempts, token, secure=scheme == "grpcs"), max_request)


class Client:
    """What `connect` gives; also a context manager that closes its connections."""

    def __init__(self, transport, max_request: int):
        self._transport, self._max_request = transport, max_request
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
            inputs: {name: recordings}, by the names of `zoo.export`'s table: a list of float waveforms (samples,) of any
                lengths or an array (batch, samples), at the model's rate; or a list of WAV files as bytes. Of several
                inputs, those in one place are of one length. A texture ensemble takes spectrograms (frames, bins).
            version: of the model; None for the newest that is served.
            label: of a version, such as "stable", instead.

        Returns:
            {output: array (batch, ...)}. Outputs along the samples are as long as the longest waveform, zero after each
            one's end.

        Raises:
            InputError: the inputs do not fit together, one recording alone exceeds `max_request`, or the server refuses:
                no such model or version, or its own check failed.
            ConnectionError: the server cannot be reached, or is unavailable at each attempt.
            TimeoutError: it did not answer in time.

        Example:
            >>> client.predict("enhancer", {"waveform": [noisy]})["enhanced"]  # doctest: +SKIP
        """
        if version is not None and label is not None:
            raise InputError("give a version or a label, not both")
        target = (model, version, label)
        signature, arrays = _request(inputs)
        longest = arrays["lengths"].max(initial=0) if "lengths" in arrays else None
        parts = [self._transport.predict(target, signature, part) for part in self._parts(arrays)]
        joined = {name: _join([part[name] for part in parts]) for name in parts[0]}
        if longest is None:
            return joined
        # The server may have padded this request to the length of another in its batch.
        along = self._outputs_along_samples(target, signature)
        return {name: value[:, :longest] if name in along else value for name, value in joined.items()}

    def _parts(self, arrays):
        """A request cut along the batch into requests of at most `max_request` bytes."""
        rows = [
            sum(len(value[i]) if value.dtype == object else value[i].nbytes for value in arrays.values())
            for i in range(len(next(iter(arrays.values()))))
        ]
        if (most := max(rows)) > self._max_request:
            raise InputError(
                f"one recording is {most / 1e6:.1f} MB and a request at most {self._max_request / 1e6:.1f} MB: cut it, or "
                "connect with a larger max_request"
            )
        start = 0
        while start < len(rows):
            stop, size = start, 0
            while stop < len(rows) and size + rows[stop] <= self._max_request:
                size, stop = size + rows[stop], stop + 1
            yield {name: value[start:stop] for name, value in arrays.items()}
            start = stop

    def _outputs_along_samples(self, target, signature):
        """Names of the outputs (batch, samples): those whose second of two axes is open."""
        key = (target, signature)
        if key not in self._along_samples:
            shapes = self._transport.output_shapes(target, signature)
            self._along_samples[key] = {name for name, shape in shapes.items() if len(shape) == 2 and shape[1] == -1}
        return self._along_samples[key]


def refusal(told: str) -> InputError:
    """The error for what a server says of a request; of a check in the graph that failed, its message alone."""
    found = re.search(r"assertion failed: \[(.*?)\]", told)
    return InputError(f"the server refuses: {found[1] if found else told}")


def _request(inputs):
    """(signature, {name: array}) for recordings; WAV files are arrays of bytes objects."""
    if not inputs:
        raise InputError("there are no inputs; give {name: recordings}")
    counts = {name: len(recordings) for name, recordings in inputs.items()}
    if min(counts.values()) != max(counts.values()) or not min(counts.values()):
        raise InputError(f"the inputs hold {counts} recordings; give the same number of each, one or more")
    if any(isinstance(one, bytes) for recordings in inputs.values() for one in recordings):
        return "wav", {f"{name}_wav": _files(name, recordings) for name, recordings in inputs.items()}
    arrays, lengths = {}, None
    for name, recordings in inputs.items():
        recordings = [np.asarray(one, "float32") for one in recordings]
        if any(one.ndim not in (1, 2) or one.shape[1:] != recordings[0].shape[1:] for one in recordings):
            raise InputError(f"{name}: give waveforms (samples,), each of one channel")
        own = np.array([len(one) for one in recordings], "int32")
        if lengths is not None and not np.array_equal(own, lengths):
            raise InputError(f"{name} and {next(iter(arrays))} differ in length; cut them alike")
        lengths = own
        arrays[name] = np.zeros((len(own), own.max(), *recordings[0].shape[1:]), "float32")
        for row, one in zip(arrays[name], recordings, strict=True):
            row[: len(one)] = one
    return "lengths", arrays | {"lengths": lengths}


def _files(name, recordings):
    """An array of bytes objects: NumPy's own bytes would lose zeros at the end."""
    if not all(isinstance(one, bytes) for one in recordings):
        raise InputError(f"{name}: give WAV files as bytes or waveforms, not both")
    array = np.empty(len(recordings), dtype=object)
    array[:] = recordings
    return array


def _join(parts):
    """Parts of an output along the batch; those along the samples may be of unlike lengths."""
    if len(parts) > 1 and parts[0].ndim > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [np.pad(part, [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts]
    return np.concatenate(parts)
