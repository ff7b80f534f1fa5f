"""TF Serving's REST face."""

import base64
import json
from urllib.parse import quote

import numpy as np
import requests
from urllib3.util import Retry

from zoo.serving.client import BACKOFF, refusal


class Rest:
    """A connection; see `zoo.serving.client.connect` for the arguments."""

    def __init__(self, address, timeout, attempts, token):
        retry = Retry(
            attempts - 1, backoff_factor=BACKOFF, status_forcelist=[503], allowed_methods=None, raise_on_status=False,
            read=False, respect_retry_after_header=False,
        )  # fmt: skip
        self.session = requests.Session()
        self.session.mount(f"{address}/", requests.adapters.HTTPAdapter(max_retries=retry))
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.address, self.timeout = address, timeout

    def close(self):
        self.session.close()

    def predict(self, target, signature, arrays):
        inputs = {
            name: [{"b64": base64.b64encode(one).decode()} for one in value]
            if value.dtype == object
            else value.tolist()
            for name, value in arrays.items()
        }
        body = {"signature_name": signature, "inputs": inputs}
        outputs = self._call("POST", f"{self._path(*target)}:predict", data=json.dumps(body))["outputs"]
        if not isinstance(outputs, dict):  # of a single output the server sends no name
            outputs = {next(iter(self.output_shapes(target, signature))): outputs}
        return {name: np.asarray(value, "float32") for name, value in outputs.items()}

    def output_shapes(self, target, signature):
        signatures = self._call("GET", f"{self._path(*target)}/metadata")["metadata"]["signature_def"]["signature_def"]
        outputs = signatures[signature]["outputs"]
        return {name: [int(axis["size"]) for axis in info["tensor_shape"]["dim"]] for name, info in outputs.items()}

    def status(self, model):
        versions = self._call("GET", self._path(model))["model_version_status"]
        return {int(one["version"]): one["state"] for one in versions}

    def _path(self, model, version=None, label=None):
        path = f"{self.address}/v1/models/{quote(model, safe='')}"
        if version is not None:
            return f"{path}/versions/{version}"
        return path if label is None else f"{path}/labels/{quote(label, safe='')}"

    def _call(self, method, path, **body):
        try:
            reply = self.session.request(method, path, timeout=self.timeout, **body)
        except requests.Timeout:
            raise TimeoutError(f"no answer within {self.timeout:g} s") from None
        except requests.RequestException as error:
            raise ConnectionError(f"the server cannot be reached: {error}") from None
        if reply.status_code in (401, 403):
            raise ConnectionError(f"the server wants another token: {reply.status_code} {reply.reason}")
        if reply.status_code == 504:
            raise TimeoutError(f"the server gave up: {reply.text[:100]!r}")
        try:
            answer = json.loads(reply.content)  # with NaN, which reply.json() may refuse
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not answer.keys() & {"error", "outputs", "metadata", "model_version_status"}:
            raise ConnectionError(f"{path} is no TF Serving ({reply.status_code}): {reply.text[:100]!r}")
        if reply.status_code in (400, 404, 412):
            raise refusal(str(answer.get("error")))
        if not reply.ok:
            raise ConnectionError(f"the server fails ({reply.status_code}): {answer.get('error')}")
        return answer
