"""A small Hugging Face Hub on loopback: repositories, commits, downloads, tokens, and faults on demand."""

import base64
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
        """Change some files, {path: bytes, or None to remove it}; the commit's sha."""
        files = {**self.commits.get(self.refs.get(ref), {}), **changes}
        files = {path: data for path, data in files.items() if data is not None}
        facts = repr(
            (len(self.commits), sorted((path, hashlib.sha1(data).hexdigest()) for path, data in files.items()))
        )
        sha = hashlib.sha1(facts.encode()).hexdigest()
        self.commits[sha], self.refs[ref] = files, sha
        return sha

    def find(self, revision):
        return revision if revision in self.commits else self.refs.get(revision)


class Hub:
    """What the server holds and how it misbehaves.

    Attributes:
        repositories: {"org/name": Repository}.
        requests: [(method, path)] as they came.
        objects: {sha256: bytes} of large files.
        corrupt: names of files that are served with a byte changed.
        cut: {name of a file: bytes after which the connection is cut}.
        refuse_objects: whether large files are refused.
    """

    def __init__(self):
        self.repositories, self.requests, self.objects = {}, [], {}
        self.corrupt, self.cut, self.refuse_objects = set(), {}, False

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
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("POST", r"/api/models/([^/]+/[^/]+)/preupload/([^/]+)", "preupload"),
        ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/objects/(\w+)", "store"),
        ("POST", r"/api/models/([^/]+/[^/]+)/commit/([^/]+)", "commit"),
    )

    def log_message(self, *_):
        pass

    def _handle(self):
        path = urlsplit(self.path).path
        self.body = self.read_body()
        self.hub.requests.append((self.command, path))
        for method, pattern, name in self.ROUTES:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                return getattr(self, name)(*map(unquote, match.groups()))
        return self.refuse(404, "EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

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
        message = "Invalid credentials in Authorization header"
        self.reply({"error": message}, 401, X_Error_Message=message)

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
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        status = 206 if match else 200
        if match:
            first, last = int(match[1]), int(match[2] or len(data) - 1)
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

    def may_write(self, name):
        """Whether the token opens the organisation; else an answer says that it does not."""
        if self.token() != TOKEN:
            self.unknown_token()
        elif not name.startswith("org/"):
            self.refuse(403, "Forbidden")
        return self.token() == TOKEN and name.startswith("org/")

    def create(self):
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if self.may_write(name):
            exists = name in self.hub.repositories
            if not exists:
                private = wanted.get("private") or wanted.get("visibility") == "private"
                self.hub.repositories[name] = Repository(private=bool(private))
                self.hub.repositories[name].commit({".gitattributes": b"*.h5 filter=lfs"})
            self.reply({"url": f"http://{self.headers['Host']}/{name}"}, 409 if exists else 200)

    def validate(self):
        content = json.loads(self.body)["content"]
        errors = [{"message": '"license" must be one of [mit]'}] if "license: nonsense" in content else []
        self.reply({"errors": errors, "warnings": []}, 400 if errors else 200)

    def preupload(self, name, _):
        if self.may_write(name):
            message = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if _large(file["path"], file["size"]) else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in json.loads(self.body)["files"]
            ]
            self.reply({"files": message})

    def batch(self, name):
        if self.may_write(name):
            address = f"http://{self.headers['Host']}/objects/"
            objects = [
                {"oid": one["oid"], "size": one["size"], "actions": {"upload": {"href": address + one["oid"]}}}
                for one in json.loads(self.body)["objects"]
            ]
            self.reply({"transfer": "basic", "objects": objects})

    def store(self, oid):
        if self.hub.refuse_objects or hashlib.sha256(self.body).hexdigest() != oid:
            return self.refuse(400, "BadObject")
        self.hub.objects[oid] = self.body
        return self.reply({})

    def commit(self, name, _):
        if not self.may_write(name):
            return
        changes = {}
        for line in self.body.splitlines():
            key, value = (json.loads(line)[part] for part in ("key", "value"))
            if key == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                changes[value["path"]] = self.hub.objects[value["oid"]]
            elif key == "deletedFile":
                changes[value["path"]] = None
        sha = self.hub.repositories[name].commit(changes)
        self.reply(
            {"success": True, "commitOid": sha, "commitUrl": f"http://{self.headers['Host']}/{name}/commit/{sha}"}
        )


def _large(path, size):
    return path.endswith(LARGE) or size > 10_000


def _blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entry(path, data):
    entry = {"type": "file", "path": path, "size": len(data), "oid": _blob(data)}
    if _large(path, len(data)):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry
