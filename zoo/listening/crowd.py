"""Simulated listeners who take part in a study as people do, through its web address: for rehearsals and tests."""

import functools
import secrets
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import requests

from zoo.listening.sounds import decode

Decide = Callable[[dict, list[bytes]], dict | None]
_FRAME = 400  # samples
_RETRY = 0.3  # seconds


def attend(
    url: str, decide: Decide | None, worker: str = "", seconds: float = 3.0, pause: float = 0.0, patience: float = 0.0
) -> dict[str, Any]:
    """Take part in a study from its first screen to its last.

    Args:
        url: of the study, with a slash at its end.
        decide: (trial, sounds) -> the value of an answer, or None for what anybody answers (`plain_answer`). The trial is
            that of `zoo.listening.flow.state`, the sounds are WAV files. Without it nothing is listened to.
        worker: id of a crowdsourcing platform, "" for none.
        seconds: that each answer is said to take.
        pause: seconds that each one does take.
        patience: seconds for a server that does not answer, to which the same is sent again.

    Returns:
        The last state: {"status": "done", "code", ...}, with "times", seconds from each answer to its "saved", and "saved",
        the ids of the answers that the server said it has.

    Raises:
        requests.RequestException: the server refused, or was away for too long.
    """
    with requests.Session() as http:
        send = functools.partial(_sent, http, url, patience)
        token = secrets.token_hex(32)
        send("POST", "api/sessions", json={"worker": worker, "token": token})
        http.headers["Authorization"] = f"Bearer {token}"
        state, times, saved = send("GET", "api/state").json(), [], []
        while state["status"] == "going":
            trial = state["trial"]
            places = range(trial["sounds"] if decide else 0)
            sounds = [send("GET", f"api/sounds/{trial['number']}/{place}").content for place in places]
            value = (decide and decide(trial, sounds)) or plain_answer(trial)
            message = {
                "client_id": secrets.token_hex(16),
                "number": trial["number"],
                "value": value,
                "seconds": seconds,
            }
            message["plays"] = [1] * trial["sounds"]
            time.sleep(pause)
            start = time.perf_counter()
            state = send("POST", "api/answers", json=message).json()
            times.append(time.perf_counter() - start)
            saved.append(state["saved"])
    return state | {"times": times, "saved": saved}


def plain_answer(trial: dict[str, Any]) -> dict[str, Any]:
    """What anybody answers to a screen: agree, go on, the first choice, and no comment.

    Example:
        >>> plain_answer({"screen": "consent", "form": "choice", "choices": [["agree", "I agree"]]})
        {'choice': 'agree'}
    """
    if trial["screen"] == "attention":
        return {"choice": "river"}  # of the bundled sentence
    if trial["form"] == "text":
        return {"text": ""}
    if trial["form"] == "scores":
        return {"scores": [50] * len(trial["rated"])}
    return {"choice": trial["choices"][0][0]}


def cleaner(errors: float, rng: np.random.Generator) -> Decide:
    """A listener who prefers the recording with less noise in its pauses.

    Args:
        errors: share of answers, 0..1, that are the other way.
        rng: NumPy generator.

    Returns:
        As `attend` takes it.

    Example:
        >>> decide = cleaner(0.0, np.random.default_rng(0))
        >>> decide({"screen": "consent"}, []) is None
        True
    """

    def decide(trial, sounds):
        if trial["screen"] != "preference":
            return None
        first, second = [_floor(decode(data)[0]) for data in sounds[-2:]]
        is_first = (first < second) != (rng.random() < errors)
        return {"choice": "a" if is_first else "b"}

    return decide


def noticer(snr_db: float, spread: float, rng: np.random.Generator) -> Decide:
    """A listener who tells two recordings apart where what differs is loud enough.

    Args:
        snr_db: threshold: level of the recording over that of the difference, at which half of the answers are
            "different".
        spread: standard deviation of the threshold, in dB; the answers are those of a Gaussian psychometric curve.
        rng: NumPy generator.

    Returns:
        As `attend` takes it.

    Example:
        >>> decide = noticer(20.0, 1.0, np.random.default_rng(0))
        >>> decide({"screen": "consent"}, []) is None
        True
    """

    def decide(trial, sounds):
        if trial["screen"] != "jnd":
            return None
        threshold = snr_db + spread * rng.standard_normal()
        return {"choice": "different" if _snr_db(*(decode(data)[0] for data in sounds)) < threshold else "same"}

    return decide


def _snr_db(first, second):
    """Level of a recording over that of its difference from another, at the gain that makes it least."""
    gain = np.vdot(second, first) / np.vdot(second, second)
    difference = np.mean((first - gain * second) ** 2)
    return 10 * np.log10(np.mean(first**2) / max(difference, 1e-12))


def _floor(audio):
    """Level of the softest tenth of the frames."""
    frames = audio[: len(audio) // _FRAME * _FRAME, 0].reshape(-1, _FRAME)
    return np.percentile(frames.std(axis=1), 10)


def _sent(http, url, patience, method, path, **options):
    """The response to a request, which is repeated as the page does where the server does not answer."""
    deadline = time.monotonic() + patience
    while True:
        try:
            response = http.request(method, url + path, timeout=30, **options)
            response.raise_for_status()
            return response
        except requests.RequestException as error:
            refused = error.response is not None and error.response.status_code < 500
            if refused or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
