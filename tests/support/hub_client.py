"""Python processes whose Hub is the one of `tests.support.hub_server`."""

import os
import subprocess
import sys
from contextlib import contextmanager

from tests.support.harness import REPOSITORY
from tests.support.hub_server import Hub
from zoo.checkpoint import integrity

FETCH = (
    "import sys; from zoo.checkpoint import hub; print(hub.fetch(*hub.parse(sys.argv[1]), offline=len(sys.argv) > 2))"
)


@contextmanager
def running_hub(home):
    """A `Hub` that answers, whose clients have their cache in the folder `home`."""
    hub = Hub()
    with hub.serving() as address:
        hub.address, hub.home = address, home
        yield hub


def run(hub, script, *arguments, **environment):
    """Run Python against the hub; the last line of its output, or of its error."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(hub.home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    own |= {"HF_HUB_ETAG_TIMEOUT": "3", "HF_HUB_DOWNLOAD_TIMEOUT": "3", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command, environment = [sys.executable, "-c", script, *arguments], outer | own | environment
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def same(directory, checkpoint):
    """Whether two checkpoint directories have equal files."""
    names = (*integrity.PUBLISHED_FILES, "card.json")
    return all(integrity.sha256(os.path.join(directory, name)) == integrity.sha256(checkpoint / name) for name in names)
