"""The exporter's check as one process that stays: each `python -P _probe.py ...` would import TensorFlow again."""

import json
import subprocess
import sys

from zoo.serving import export

LOOP = """
import json, runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
for line in sys.stdin:
    said = ""
    try:
        main(*json.loads(line))
    except SystemExit as refusal:
        said = str(refusal)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    print(json.dumps(said), flush=True)
"""


class Probe:
    """Runs what `zoo.serving.export` would start, in one process that imports TensorFlow and nothing of the zoo."""

    def __init__(self, environment):
        command = [sys.executable, "-P", "-c", LOOP, str(export._PROBE)]
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, command, **_):
        """Stands in for `subprocess.run` of the probe's command."""
        assert command[:3] == [sys.executable, "-P", str(export._PROBE)]
        self.process.stdin.write(json.dumps(command[3:]) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        return subprocess.CompletedProcess(command, int(bool(said)), "", said)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
