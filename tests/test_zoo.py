"""`import zoo`, `zoo.list` and `zoo.info` are light: no backend, well under a second."""

import json
import subprocess
import sys

LIGHT = """
import json, sys, time
start = time.process_time()
import zoo
cards = [zoo.info(name) for name in zoo.list()]
seconds = time.process_time() - start
heavy = {"tensorflow", "keras", "jax", "torch", "numpy", "scipy"} & set(sys.modules)
print(json.dumps({"seconds": seconds, "heavy": sorted(heavy), "face": sorted(zoo.__all__)}))
"""


def test_list_and_info_import_no_backend():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["heavy"] == []
    assert result["seconds"] < 0.5
    assert result["face"] == ["info", "list", "load", "loss", "push", "save"]
