"""`zoo push`: a checkpoint on the Hugging Face Hub."""

import argparse

_DESCRIPTION = """Publish a checkpoint on the Hugging Face Hub, in one commit: the Keras directory, a
SavedModel, the card, its golden output, and a README with the Hub's metadata. Refused where
the card lacks a licence, a figure or a command, or the golden output does not reproduce.
Log in first: `hf auth login`, or HF_TOKEN."""
_EXAMPLES = """examples:
  zoo push my-metric/ my-lab/my-metric --dry-run
  zoo push my-metric/ my-lab/my-metric --private
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
    command.add_argument("repository", metavar="ORG/NAME", help="made where it is missing")
    command.add_argument("--private", action="store_true", help="a new repository is private")
    command.add_argument("--dry-run", action="store_true", help="check and write everything, and upload nothing")
    command.set_defaults(run=_push)


def _push(arguments):
    from zoo.checkpoint.publish import push

    done = push(arguments.checkpoint, arguments.repository, arguments.private, arguments.dry_run)
    for name, size in sorted(done["files"].items()):
        print(f"{size / 1e6:8.3f} MB  {name}")
    print(f"published: {done['source']}" if done["source"] else "nothing was uploaded")
    return 0
