"""A study served on this machine, until it is stopped."""

import socket

import uvicorn

from zoo.errors import InputError
from zoo.listening.server import application
from zoo.listening.store import Store
from zoo.listening.study import Kind


def serve(store: Store, kind: Kind, host: str = "127.0.0.1", port: int = 8000, base_url: str | None = None) -> None:
    """Serve a study; prints the address to open. Returns when a signal ends it, after the open requests are answered.

    Args:
        store, kind: of the study.
        host: address to listen at; "0.0.0.0" for all of this machine.
        port: 0 for a free one.
        base_url: address that listeners open, where a proxy stands before the server; None for the server's own.

    Raises:
        InputError: the port is in use or the host is none of this machine's.
    """
    listening = bind(host, port)
    with listening:
        port = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        print(f"open {base_url or f'http://{shown}:{port}/'}   (Ctrl-C ends; answers stay)", flush=True)
        server(store, kind).run(sockets=[listening])


def server(store: Store, kind: Kind) -> uvicorn.Server:
    """The server of a study, for sockets of `bind`."""
    # uvicorn's own settings of logs would close the handlers of other packages, and absl's closes its stream with it.
    config = uvicorn.Config(
        application(store, kind), log_config=None, log_level="warning", server_header=False, timeout_graceful_shutdown=5
    )
    return uvicorn.Server(config)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens, before anything is printed.

    Raises:
        InputError: the port is in use or the host is none of this machine's.

    Example:
        >>> with bind("127.0.0.1", 0) as listening:
        ...     listening.getsockname()[1] > 0
        True
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
        )
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise InputError(f"{host}:{port} cannot be served at ({reason}); give another --port or --host") from None
