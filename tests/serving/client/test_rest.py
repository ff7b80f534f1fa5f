"""REST: what other servers answer, and that no backend is imported."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.harness import REPOSITORY
from zoo.serving import client


@pytest.mark.parametrize(
    "status, body, error, says",
    [
        (404, b"<html>", ConnectionError, r"is no TF Serving \(404\)"),
        (404, b'{"detail": "Not Found"}', ConnectionError, r"is no TF Serving \(404\)"),
        (200, b"[1]", ConnectionError, r"is no TF Serving \(200\)"),
        (401, b"", ConnectionError, "wants another token: 401"),
        (500, b'{"error": "out of memory"}', ConnectionError, r"fails \(500\): out of memory"),
        (504, b"", TimeoutError, "gave up"),
    ],
)
def test_what_other_servers_answer(status, body, error, says):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with client.connect(f"http://127.0.0.1:{server.server_port}") as connected, pytest.raises(error, match=says):
        connected.status("stoi")
    server.shutdown()
    server.server_close()


def test_over_rest_no_backend_is_imported():
    script = (
        "import sys, zoo; zoo.serving.client.connect('http://127.0.0.1:9');"
        "print({'tensorflow', 'keras'} & set(sys.modules) != set())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
