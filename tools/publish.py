"""Publish bundled checkpoints on the Hugging Face Hub, and pin each in its card.

python tools/publish.py --organization my-lab jnd-22k quality-net-pesq-wb-16k
python tools/publish.py --organization my-lab --all --dry-run

A card's `hub`, {"repository", "revision"}, says where the weights are, for whoever has the card only.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import registry
from zoo.checkpoint.card import write_card
from zoo.errors import InputError
from zoo.serving import publish


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="bundled checkpoints")
    parser.add_argument("--all", action="store_true", help="all bundled checkpoints")
    parser.add_argument("--organization", required=True, help="or user; the repositories are ORGANIZATION/NAME")
    parser.add_argument("--private", action="store_true", help="new repositories are private")
    parser.add_argument(
        "--dry-run", action="store_true", help="write each repository into a temporary folder; upload and pin nothing"
    )
    options = parser.parse_args()
    if bool(options.names) == options.all:
        parser.error("give names, or --all")
    return options


def main():
    options, failed = arguments(), []
    for name in registry.names() if options.all else options.names:
        repository = f"{options.organization}/{name}"
        try:
            result = publish.push(name, repository, options.private, options.dry_run)
        except InputError as error:
            print(f"publish: {error}", file=sys.stderr)
            failed.append(name)
            continue
        megabytes = sum(result["files"].values()) / 1e6
        place = result["source"] or f"not uploaded, in {result['folder']}"
        print(f"{name}: {len(result['files'])} files, {megabytes:.1f} MB, {place}", flush=True)
        if result["source"]:
            pin = {"repository": repository, "revision": result["source"].rpartition("@")[2]}
            write_card(registry.root() / name, registry.info(name) | {"hub": pin})
    if failed:
        sys.exit(f"publish: {len(failed)} not published: {', '.join(failed)}")


if __name__ == "__main__":
    main()
