"""A small Hugging Face Hub on loopback: repositories, commits, downloads, tokens, and faults on demand."""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"
LARGE = (".h5", ".npz", ".pb")  # suffixes that go through LFS, and files beyond 10 kB


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    commits: dict = field(default_factory=dict)  # sha -> {path: bytes}
    refs: dict = field(default_factory=dict)  # branch or tag -> sha

    def commit(self, changes, ref="main"):
        files = {**self.commits.get(self.refs.get(ref), {}), **changes}
        told = repr((len(self.commits), sorted((path, hashlib.sha1(data).hexdigest()) for path, data in files.items())))
        sha = hashlib.sha1(told.encode()).hexdigest()
        self.commits[sha], self.refs[ref] = files, sha
        return sha

    def find(self, revision):
        return revision if revision in self.commits else self.refs.get(revision)


class Hub:
    """What the server holds and how it misbehaves.

    Attributes:
        repositories: {"org/name": Repository}.
        requests: [(method, path)] as they came.
        corrupt: names of files that are served with a byte changed.
        cut: {name of a file: bytes after which the connection is cut}.
    """

    def __init__(self):
        self.repositories, self.requests = {}, []
        self.corrupt, self.cut = set(), {}

    def add(self, name, directory, **options):
        """A repository with a directory's files; the commit's sha."""
        files = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        return self.repositories.setdefault(name, Repository(**options)).commit(files)

    @contextmanager
    def serving(self):
        """Its address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ROUTES = (
        ("GET", r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", "tree"),
        ("GET", r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", "info"),
        ("GET", r"/api/models/([^/]+/[^/]+)", "info"),
        ("HEAD", r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
        ("GET", r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
    )

    def log_message(self, *_):
        pass

    def _handle(self):
        path = urlsplit(self.path).path
        self.hub.requests.append((self.command, path))
        for method, pattern, name in self.ROUTES:
            found = re.fullmatch(pattern, path)
            if method == self.command and found:
                return getattr(self, name)(*map(unquote, found.groups()))
        return self.refuse(404, "EntryNotFound")

    do_GET = do_HEAD = _handle

    def reply(self, body, status=200, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def refuse(self, status, code):
        self.reply({"error": code}, status, X_Error_Code=code)

    def unknown_token(self):
        told = "Invalid credentials in Authorization header"
        self.reply({"error": told}, 401, X_Error_Message=told)

    def token(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def opened(self, name, revision=None):
        """The repository, and the commit of a revision; None after an answer that says what is wrong."""
        repository = self.hub.repositories.get(name)
        if self.token() not in ("", TOKEN):
            return self.unknown_token()
        if repository is None or (repository.private and self.token() != TOKEN):
            return self.refuse(401 if not self.token() else 404, "RepoNotFound")
        if repository.gated:
            return self.refuse(403, "GatedRepo")
        if revision is not None and repository.find(revision) is None:
            return self.refuse(404, "RevisionNotFound")
        return repository, repository.find(revision) if revision else None

    def info(self, name, revision="main"):
        if opened := self.opened(name, revision):
            repository, sha = opened
            files = [{"rfilename": path} for path in repository.commits[sha]]
            self.reply({"id": name, "sha": sha, "private": repository.private, "siblings": files, "tags": []})

    def tree(self, name, revision):
        if opened := self.opened(name, revision):
            repository, sha = opened
            self.reply([_entry(path, data) for path, data in repository.commits[sha].items()])

    def resolve(self, name, revision, path):
        opened = self.opened(name, revision)
        if not opened:
            return
        repository, sha = opened
        if path not in repository.commits[sha]:
            return self.refuse(404, "EntryNotFound")
        data = repository.commits[sha][path]
        etag = _entry(path, data).get("lfs", {}).get("oid") or _blob(data)
        headers = {"ETag": f'"{etag}"', "X_Repo_Commit": sha, "Accept_Ranges": "bytes"}
        if path in self.hub.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        status = 206 if found else 200
        if found:
            first, last = int(found[1]), int(found[2] or len(data) - 1)
            headers["Content_Range"] = f"bytes {first}-{last}/{len(data)}"
            data = data[first : last + 1]
        if self.command == "GET" and path in self.hub.cut:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: self.hub.cut[path]])
            self.close_connection = True
            return
        self.reply(data, status, **headers)


def _large(path, size):
    return path.endswith(LARGE) or size > 10_000


def _blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entry(path, data):
    entry = {"type": "file", "path": path, "size": len(data), "oid": _blob(data)}
    if _large(path, len(data)):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry
