"""`zoo push`: a checkpoint on the Hugging Face Hub, or its files in a local folder."""

import argparse

_DESCRIPTION = """Publish a checkpoint on the Hugging Face Hub, in one commit: the Keras directory, a SavedModel,
the card, its golden output, and a page with the Hub's metadata. Refused if a licence,
a figure or a command is missing from the card, or if the golden output does not reproduce. Log in first:
`hf auth login`, or HF_TOKEN. A folder in place of ORG/NAME gets the same files, and nothing
is uploaded. Without TensorFlow there is no SavedModel."""
_EXAMPLES = """examples:
  zoo push my-metric/ my-lab/my-metric --dry-run
  zoo push my-metric/ my-lab/my-metric --private
  zoo push jnd-22k to-look-at/
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "push",
        help="publish a checkpoint on the Hugging Face Hub",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("checkpoint", metavar="NAME", help="a directory with a slash, or a bundled name")
    command.add_argument(
        "target",
        metavar="ORG/NAME",
        help="a repository, created if it is missing; or a new or empty folder, with a slash: folder/",
    )
    command.add_argument("--private", action="store_true", help="a new repository is private")
    command.add_argument(
        "--dry-run", action="store_true", help="write everything into a temporary folder, and upload nothing"
    )
    command.set_defaults(run=_push)


def _push(arguments):
    from zoo.serving.publish import push

    result = push(arguments.checkpoint, arguments.target, arguments.private, arguments.dry_run)
    for name, size in sorted(result["files"].items()):
        print(f"{size / 1e6:8.3f} MB  {name}")
    print(
        f"published: {result['source']}" if result["source"] else f"nothing was uploaded; written: {result['folder']}"
    )
    return 0
