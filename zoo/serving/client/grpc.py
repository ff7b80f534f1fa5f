"""TF Serving's gRPC face, by its own protos; these import TensorFlow."""

import json

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from zoo.serving.client import BACKOFF, refusal


class Grpc:
    """A connection; see `zoo.serving.client.connect` for the arguments."""

    def __init__(self, place, timeout, attempts, token, secure, retry_buffer):
        policy = {"initialBackoff": f"{BACKOFF}s", "maxBackoff": "5s", "backoffMultiplier": 2}
        policy |= {"maxAttempts": attempts, "retryableStatusCodes": ["UNAVAILABLE"]}
        config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]} if attempts > 1 else {}
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.service_config", json.dumps(config)),
            ("grpc.per_rpc_retry_buffer_size", retry_buffer),  # larger requests are not sent again
            ("grpc.initial_reconnect_backoff_ms", int(1000 * BACKOFF)),  # else a server that starts is missed for 1 s
        ]
        if secure:
            self.channel = grpc.secure_channel(place, grpc.ssl_channel_credentials(), options)
        else:
            self.channel = grpc.insecure_channel(place, options)
        self.how = {"timeout": timeout, "metadata": [("authorization", f"Bearer {token}")] if token else None}
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def close(self):
        self.channel.close()

    def predict(self, target, signature, arrays):
        reply = self._call(self.predictions.Predict, predict_request(*target, signature, arrays))
        return {name: tf.make_ndarray(tensor) for name, tensor in reply.outputs.items()}

    def output_shapes(self, target, signature):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        _specify(request.model_spec, *target)
        reply = self._call(self.predictions.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        reply.metadata["signature_def"].Unpack(signatures)
        outputs = signatures.signature_def[signature].outputs
        return {name: [axis.size for axis in info.tensor_shape.dim] for name, info in outputs.items()}

    def status(self, model):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        reply = self._call(self.models.GetModelStatus, request)
        states = get_model_status_pb2.ModelVersionStatus.State
        return {version.version: states.Name(version.state) for version in reply.model_version_status}

    def _call(self, method, request):
        try:
            return method(request, **self.how)
        except grpc.RpcError as error:
            code, message = error.code(), error.details()
        if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION):
            raise refusal(message)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise TimeoutError(f"no answer within {self.how['timeout']:g} s")
        if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            raise ConnectionError(f"the server wants another token: {message}")
        raise ConnectionError(f"the server cannot be reached or fails ({code.name}): {message}")


def predict_request(model, version, label, signature, arrays):
    """A PredictRequest of TF Serving.

    Args:
        model: its name.
        version, label: of the model, or None.
        signature: its name.
        arrays: {input: array}; arrays of bytes objects become strings.

    Returns:
        tensorflow_serving.apis.predict_pb2.PredictRequest.

    Example:
        >>> predict_request("pesq", None, "stable", "wav", {"waveform_wav": files})  # needs recordings  # doctest: +SKIP
    """
    request = predict_pb2.PredictRequest()
    _specify(request.model_spec, model, version, label)
    request.model_spec.signature_name = signature
    for name, value in arrays.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def _specify(spec, model, version, label):
    spec.name = model
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
