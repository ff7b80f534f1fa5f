"""What MkDocs adds to the pages of docs/: README as the front page, the files that pages link to, an API reference."""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

REPOSITORY = Path(__file__).resolve().parent.parent
FRONT = "index.md"
PAGES = ("MODEL_CARDS.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(\]\()([^)#\s]+)")
NOTE = re.compile(r"^<!-- not run: .*-->\n", re.MULTILINE)
API = "api"


def relinked(text, source):
    """The text of a page with links between files of the repository as links between files of the site.

    The site has the repository's paths, but that docs/ is its root and README.md its front page.

    Args:
        text: Markdown.
        source: the page's path in the repository.
    """

    def relink(match):
        if "://" in match[2] or match[2].startswith("mailto:"):
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        return match[1] + posixpath.relpath(place(target), posixpath.dirname(place(source)) or ".")

    return LINK.sub(relink, text)


def place(path):
    """Where on the site a file of the repository lies."""
    return FRONT if path == "README.md" else path.removeprefix("docs/")


def linked(text, source):
    """Files of the repository that a page links to, by their paths."""
    targets = (posixpath.normpath(posixpath.join(posixpath.dirname(source), link)) for _, link in LINK.findall(text))
    return {target for target in targets if (REPOSITORY / target).is_file()}


def modules():
    """{package: names of its public modules}; the face under "zoo"."""
    packages = {"zoo": ["zoo"]}
    for path in sorted((REPOSITORY / "zoo").rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        if len(parts) > 1 and not any(part.startswith("_") for part in parts) and "cli" not in parts:
            package = ".".join(parts[:2]) if len(parts) > 2 else "zoo"
            packages.setdefault(package, []).append(".".join(parts))
    return packages


def api_pages():
    """{path: text} of a page for each package, with the docstrings of its modules."""
    return {
        f"{API}/{package}.md": f"# {package}\n\n" + "\n\n".join(f"::: {module}" for module in names) + "\n"
        for package, names in sorted(modules().items())
    }


def on_config(config):
    """Append the API reference to the navigation."""
    config.nav.append({"API": list(api_pages())})
    return config


def on_files(files, config):
    """Add README, the pages at the top of the repository, and whatever pages link to."""
    waiting = ["README.md", *PAGES, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    done = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        if path.endswith(".md"):
            text = (REPOSITORY / path).read_text(encoding="utf-8")
            waiting += linked(text, path)
            content = {"content": relinked(NOTE.sub("", text), path)}
        else:
            content = {"abs_src_path": str(REPOSITORY / path)}
        if not path.startswith("docs/"):
            files.append(File.generated(config, place(path), **content))
    for path, text in api_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links of the pages in docs/, which MkDocs reads itself."""
    source = f"docs/{page.file.src_uri}"
    return relinked(NOTE.sub("", markdown), source) if (REPOSITORY / source).is_file() else markdown
