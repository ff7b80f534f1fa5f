"""The study as a web application: the page, its sounds, and the answers.

A session is a secret token, which requests carry in a header rather than a cookie, so that no other site can use it. No
part of a path opens a file: the page's own files are read once, and sounds are numbers of a trial.
"""

import json
from pathlib import Path

import sqlalchemy
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zoo.listening import flow
from zoo.listening.flow import Refused
from zoo.listening.store import Store
from zoo.listening.study import Kind

PAGE = Path(__file__).resolve().parent / "page"
LARGEST_BODY = 65536  # bytes
# In a class room many listeners share one address.
SESSIONS = RateLimitItemPerMinute(600)
REQUESTS = RateLimitItemPerSecond(400, 10)
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def application(store: Store, kind: Kind) -> Starlette:
    """The web application of a study.

    | request | answer |
    | --- | --- |
    | GET / and GET /NAME | the page and its files |
    | POST /api/sessions {"worker", "assignment", "campaign", "token"}, all optional | {"token"} |
    | GET /api/state | `zoo.listening.flow.state` |
    | POST /api/answers, as `zoo.listening.flow.save` takes it | the state, and "feedback", once it is committed |
    | GET /api/sounds/NUMBER/PLACE | a WAV file |

    All under /api but the first need the header `Authorization: Bearer TOKEN`. Errors are {"error": a line}.

    Args:
        store, kind: of the study.

    Returns:
        An ASGI application.
    """
    handlers = _Handlers(store, kind)
    routes = [
        Route("/", handlers.page),
        Route("/{name:str}", handlers.page),
        Route("/api/sessions", handlers.begin, methods=["POST"]),
        Route("/api/state", handlers.state),
        Route("/api/answers", handlers.answer, methods=["POST"]),
        Route("/api/sounds/{number:int}/{place:int}", handlers.sound),
    ]
    errors = {
        Refused: _refused, HTTPException: _failed, sqlalchemy.exc.SQLAlchemyError: _unsaved, ClientDisconnect: _failed
    }  # fmt: skip
    app = Starlette(routes=routes, exception_handlers=errors)
    app.add_middleware(_Headers)
    return app


class _Headers:
    """Adds the headers of security to every response."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class _Handlers:
    """The handlers of requests, on one study."""

    def __init__(self, store, kind):
        self.store, self.kind = store, kind
        self.files = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in _TYPES}
        self.limiter = MovingWindowRateLimiter(MemoryStorage())

    async def page(self, request):
        name = request.path_params.get("name", "index.html")
        if name not in self.files:
            raise Refused("there is no such page", 404)
        media_type = _TYPES[Path(name).suffix]
        return Response(self.files[name], media_type=media_type, headers={"Cache-Control": "no-cache"})

    async def begin(self, request):
        self._limit(SESSIONS, request.client.host if request.client else "")
        message = await _message(request)
        ids = {key: message.get(key) or "" for key in ("worker", "assignment", "campaign", "token")}
        if not all(isinstance(value, str) for value in ids.values()):
            raise Refused("ids and the token are text", 400)
        token = await run_in_threadpool(flow.begin, self.store, self.kind, **ids)
        return JSONResponse({"token": token}, status_code=201)

    async def state(self, request):
        token = self._token(request)
        shown = await run_in_threadpool(flow.state, self.store, self.kind, token)
        return JSONResponse(shown, background=self._ahead(token))

    async def answer(self, request):
        token = self._token(request)
        message = await _message(request)
        shown = await run_in_threadpool(self._save, token, message)
        return JSONResponse(shown, background=self._ahead(token))

    async def sound(self, request):
        token, places = self._token(request), request.path_params
        data = await run_in_threadpool(flow.sound, self.store, token, places["number"], places["place"])
        return Response(data, media_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"})

    def _save(self, token, message):
        feedback = flow.save(self.store, self.kind, token, message)
        return flow.state(self.store, self.kind, token) | {"saved": message["client_id"], "feedback": feedback}

    def _ahead(self, token):
        """After the response, make ready what may follow."""

        def prepare():
            trial = flow.current_trial(self.store, token)
            if trial is not None:
                self.kind.prepare_ahead(self.store, trial)

        return BackgroundTask(prepare)

    def _token(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused("a session's token is needed; open the study's address again", 401)
        self._limit(REQUESTS, token)
        return token

    def _limit(self, item: RateLimitItem, key: str):
        if not self.limiter.hit(item, key):
            raise Refused("too many requests; wait a moment", 429)


async def _message(request: Request):
    """The JSON object of a request, of bounded size."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise Refused("send application/json", 415)  # which no form of another site can
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refused(f"the request has more than {LARGEST_BODY} bytes", 413)
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Refused("the request is no JSON object", 400)
    return message


def _refused(request, error):
    return JSONResponse({"error": str(error)}, status_code=error.status)


def _failed(request, error):
    return JSONResponse({"error": str(getattr(error, "detail", error))}, getattr(error, "status_code", 400))


def _unsaved(request, error):
    """The database refused, such as on a full disk: nothing was stored, and the page tries again."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return JSONResponse({"error": f"the answer could not be stored ({reason}); it is sent again"}, status_code=503)
