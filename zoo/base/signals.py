"""Signals that end a process, where its work is a stream of blocks: none of them is left in the middle."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Self

# They end a process that does not handle them: of `kill`, a closed terminal, Ctrl-\\, a batch system.
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU")


class Stopped(BaseException):
    """A signal came while the stream waited: no error, so that nothing takes it for one."""


class SignalsAfterABlock:
    """Context in which a signal ends a wait at once, and otherwise waits for the end of the block that is being worked on.

    What it does outside, an exception as a rule, it does at the end of the context; a second signal does it at once. One
    that is ignored, as by nohup, stays so.

    Attributes:
        number: of the signal that came, or None.

    Example:
        >>> with SignalsAfterABlock() as signals:
        ...     while signals.number is None:
        ...         with signals.waiting():
        ...             pass  # here a signal raises `Stopped`
        ...         break
    """

    def __init__(self):
        self.number, self._waits, self._handlers = None, False, {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # where Python allows handlers
            for number in (getattr(signal, name) for name in ("SIGINT", *ENDING) if hasattr(signal, name)):
                if callable(signal.getsignal(number)):
                    self._handlers[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self.number is not None:
            self._handlers[self.number](self.number, None)

    def _stop(self, number, frame):
        is_second, self.number = self.number is not None, number
        if is_second:
            self._handlers[number](number, frame)
        if self._waits:
            raise Stopped

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Context in which a signal raises `Stopped`."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
