"""A study is served at an address of this machine, or a line says why not."""

import logging

import pytest

from tests.support.listening import make_preference
from zoo.errors import InputError
from zoo.listening import serve


def test_a_port_in_use_is_refused():
    with serve.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=rf"127.0.0.1:{port} cannot be served at \(Address already in use\); give another --port"
        ):
            serve.bind("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70000)])
def test_an_address_that_is_none_is_refused(host, port):
    with pytest.raises(InputError, match="cannot be served at"):
        serve.bind(host, port)


def test_a_server_leaves_the_logs_of_others_alone(tmp_path):
    store, kind = make_preference(tmp_path, 1)
    handler = logging.StreamHandler()
    handler.close = lambda: pytest.fail("closed")
    logging.getLogger("another package").addHandler(handler)
    serve.server(store, kind)
    store.close()
    logging.getLogger("another package").removeHandler(handler)


def test_the_address_is_printed(tmp_path, monkeypatch, capsys):
    store, kind = make_preference(tmp_path, 1)
    monkeypatch.setattr(serve.uvicorn.Server, "run", lambda self, sockets: None)
    serve.serve(store, kind, port=0)
    serve.serve(store, kind, port=0, base_url="https://lab.example/study/")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("open http://127.0.0.1:") and printed[1].startswith("open https://lab.example/study/ ")
    store.close()
