"""Publish bundled checkpoints on the Hugging Face Hub, and pin each in its card.

python tools/publish.py --organization my-lab jnd-22k quality-net-pesq-wb-16k
python tools/publish.py --organization my-lab --all --dry-run

A card's `hub`, {"repository", "revision"}, says where its weights lie for who has the card alone.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import preset, publish, registry
from zoo.errors import InputError


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="bundled checkpoints")
    parser.add_argument("--all", action="store_true", help="all bundled checkpoints")
    parser.add_argument("--organization", required=True, help="or user; the repositories are ORGANIZATION/NAME")
    parser.add_argument("--private", action="store_true", help="new repositories are private")
    parser.add_argument("--dry-run", action="store_true", help="check and write everything, upload and pin nothing")
    given = parser.parse_args()
    if bool(given.names) == given.all:
        parser.error("give names, or --all")
    return given


def main():
    given, failed = arguments(), []
    for name in registry.names() if given.all else given.names:
        repository = f"{given.organization}/{name}"
        try:
            done = publish.push(name, repository, given.private, given.dry_run)
        except InputError as error:
            print(f"publish: {error}", file=sys.stderr)
            failed.append(name)
            continue
        megabytes = sum(done["files"].values()) / 1e6
        print(f"{name}: {len(done['files'])} files, {megabytes:.1f} MB, {done['source'] or 'not uploaded'}", flush=True)
        if done["source"]:
            pin = {"repository": repository, "revision": done["source"].rpartition("@")[2]}
            preset.write_card(registry.root() / name, registry.info(name) | {"hub": pin})
    if failed:
        sys.exit(f"publish: {len(failed)} not published: {', '.join(failed)}")


if __name__ == "__main__":
    main()
