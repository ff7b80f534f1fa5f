"""Stands in for TF Serving on loopback: its gRPC and REST faces over exported SavedModels, and faults on demand."""

import base64
import io
import json
import re
import threading
import time
from concurrent import futures
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import numpy as np
import soundfile
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

CODES = {grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.UNAVAILABLE: 503}


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class StandIn:
    """Models, and how the server misbehaves.

    Attributes:
        models: {name: {version: directory}}.
        labels: {name: {label: version}}.
        unavailable: requests to come that are answered with UNAVAILABLE.
        delay: seconds before each answer.
        padding: samples that another request in the batch is longer; the server pads with a tensor's first value.
        max_batch: recordings that the server takes in a request.
        requests: [(face, what)] as they came.
        loaded: {directory: SavedModel} that are in memory; several servers can share them.
    """

    def __init__(self, models, labels=None, loaded=None):
        self.models, self.labels, self.requests = models, labels or {}, []
        self.unavailable, self.delay, self.padding, self.max_batch = 0, 0.0, 0, 32
        self.loaded = {} if loaded is None else loaded

    def find(self, name, version=None, label=None):
        if name not in self.models:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({name})")
        if label is not None:
            if label not in self.labels.get(name, {}):
                raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
            version = self.labels[name][label]
        version = max(self.models[name]) if version is None else version
        if version not in self.models[name]:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Specific({name}, {version})")
        return version, Path(self.models[name][version])

    def signatures(self, directory):
        """{name: SignatureDef}"""
        saved = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
        return dict(saved.meta_graphs[0].signature_def)

    def answer(self, face, signature, inputs, **which):
        """{output: array}."""
        _, directory = self.find(**which)
        size = sum(len(x) if x.dtype == object else x.nbytes for x in inputs.values())
        self.requests.append((face, {"signature": signature, "bytes": size, **which}))
        time.sleep(self.delay)
        if self.unavailable:
            self.unavailable -= 1
            raise Refused(grpc.StatusCode.UNAVAILABLE, "loading")
        if directory not in self.loaded:
            self.loaded[directory] = tf.saved_model.load(str(directory))
        function = self.loaded[directory].signatures.get(signature)
        if function is None:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f'signature_name: "{signature}" not found in signature def')
        count = len(next(iter(inputs.values())))
        if count > self.max_batch:
            message = f"Task size {count} is larger than maximum input batch size {self.max_batch}"
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, message)
        fed = {}
        for name, spec in function.structured_input_signature[1].items():
            if name not in inputs:
                raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"input tensor alias not found in signature: {name}")
            fed[name] = tf.constant(self.merge(inputs[name]), spec.dtype)
        try:
            return {name: tensor.numpy()[:count] for name, tensor in function(**fed).items()}
        except tf.errors.OpError as error:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, error.message) from None

    def merge(self, array):
        """A tensor as it is after another request's was joined to it."""
        if not self.padding or array.ndim == 1 and array.dtype != object:
            return array
        if array.dtype == object:
            longest = max((soundfile.info(io.BytesIO(file)) for file in array), key=lambda info: info.frames)
            file = io.BytesIO()
            soundfile.write(file, np.zeros(longest.frames + self.padding), longest.samplerate, format="WAV")
            return _objects([*array, file.getvalue()])
        widths = [(0, 0), (0, self.padding), *[(0, 0)] * (array.ndim - 2)]
        return np.pad(array, widths, constant_values=array.flat[0])

    @contextmanager
    def serving(self):
        """{"grpc": address, "rest": address}."""
        server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(self), server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(self), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        web = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stand_in": self}))
        web.daemon_threads = True
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield {"grpc": f"127.0.0.1:{port}", "rest": f"http://127.0.0.1:{web.server_port}"}
        finally:
            server.stop(None)
            web.shutdown()
            web.server_close()


def _reported(method):
    """A gRPC method whose refusals become statuses."""

    def call(self, request, context):
        try:
            return method(self, request, context)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    return call


def _which(spec):
    return {
        "name": spec.name,
        "version": spec.version.value if spec.HasField("version") else None,
        "label": spec.version_label or None,
    }


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, stand_in):
        self.stand_in = stand_in

    @_reported
    def Predict(self, request, context):
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        outputs = self.stand_in.answer("grpc", request.model_spec.signature_name, inputs, **_which(request.model_spec))
        tensors = {name: tf.make_tensor_proto(array) for name, array in outputs.items()}
        return predict_pb2.PredictResponse(outputs=tensors)

    @_reported
    def GetModelMetadata(self, request, context):
        assert list(request.metadata_field) == ["signature_def"]
        _, directory = self.stand_in.find(**_which(request.model_spec))
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=self.stand_in.signatures(directory))
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.metadata["signature_def"].Pack(signatures)
        return reply


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, stand_in):
        self.stand_in = stand_in

    @_reported
    def GetModelStatus(self, request, context):
        self.stand_in.find(request.model_spec.name)
        reply = get_model_status_pb2.GetModelStatusResponse()
        for version in self.stand_in.models[request.model_spec.name]:
            reply.model_version_status.add(version=version, state="AVAILABLE")
        return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_with(r"/v1/models/(?P<name>[^/:]+)", self.tell_status)
        self.handle_with(rf"{_MODEL}/metadata", self.tell_metadata)

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.handle_with(rf"{_MODEL}:predict", self.predict)

    def handle_with(self, pattern, method):
        if not (signatures := re.fullmatch(pattern, self.path)):
            return
        which = signatures.groupdict()
        if which.get("version"):
            which["version"] = int(which["version"])
        try:
            status, metadata = 200, method(**which)
        except Refused as refused:
            status, metadata = CODES[refused.code], {"error": str(refused)}
        data = json.dumps(metadata).encode()  # NaN as TF Serving writes it
        with suppress(BrokenPipeError):  # who asked is gone
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def tell_status(self, name):
        self.stand_in.find(name)
        versions = self.stand_in.models[name]
        return {"model_version_status": [{"version": str(version), "state": "AVAILABLE"} for version in versions]}

    def tell_metadata(self, **which):
        _, directory = self.stand_in.find(**which)
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=self.stand_in.signatures(directory))
        metadata = json_format.MessageToDict(signatures, preserving_proto_field_name=True)
        return {"metadata": {"signature_def": metadata}}

    def predict(self, **which):
        inputs = {name: _array(rows) for name, rows in self.body["inputs"].items()}
        signatures = self.stand_in.answer("rest", self.body["signature_name"], inputs, **which)
        outputs = {name: array.tolist() for name, array in signatures.items()}
        return {"outputs": next(iter(outputs.values())) if len(outputs) == 1 else outputs}


_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?(?:/labels/(?P<label>[^/:]+))?"


def _array(rows):
    return _objects([base64.b64decode(row["b64"]) for row in rows]) if isinstance(rows[0], dict) else np.array(rows)


def _objects(files):
    """An array of bytes objects: NumPy's own bytes lose zeros at the end."""
    array = np.empty(len(files), dtype=object)
    array[:] = files
    return array
