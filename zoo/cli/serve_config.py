"""`zoo serve-config`: what TF Serving needs to serve a folder of exported models."""

import argparse

_DESCRIPTION = """Write models.config, batching.config, monitoring.config and docker-compose.yml for every
model in DIR, DIR/MODEL/VERSION/. `docker compose up` in DIR then serves them: gRPC on port
8500, REST on 8501. Of two versions the newest is labelled canary, the one before it stable."""
_EXAMPLES = """examples:
  zoo export jnd-22k models/jnd && zoo serve-config models
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "serve-config",
        help="write TF Serving's configuration for exported models",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("directory", metavar="DIR", help="holds MODEL/VERSION/, as `zoo export` makes them")
    command.set_defaults(run=_serve_config)


def _serve_config(arguments):
    from zoo.serving.config import write

    for name, labels in write(arguments.directory).items():
        print(f"{name}: {', '.join(f'{label} is version {version}' for label, version in labels.items())}")
    print(f"cd {arguments.directory} && docker compose up")
    return 0
