"""Time of an enhancer on one long file, compared with MetricGAN+'s; writes results/enhancement.json.

    .venv-peers/bin/python tools/bench/enhancement.py
    KERAS_BACKEND=torch .venv-peers/bin/python tools/bench/enhancement.py

The file is the bundled speech, repeated. MetricGAN+'s generator, two BLSTMs of 200 units like ours, processes the whole
file at once; ours processes it in chunks, which bounds its memory (tools/bench/growth.py). Calls are timed in turns,
each after a warm-up.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import zoo
from tools.bench import common, peers

NAME, PEER, RATE = "blstm-quality-net-refresh-16k", "MetricGAN+'s generator", 16000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 300.0], help="of files (default: 10 300)")
    options = parser.parse_args()
    enhancer, generator, results = zoo.load(NAME), peers.metricgan_generator(), []
    for seconds in options.seconds:
        noisy = common.speech(seconds, RATE)
        calls = {NAME: lambda noisy=noisy: enhancer.enhance(noisy, RATE), PEER: lambda noisy=noisy: generator(noisy)}
        times = common.in_turns(calls, options.repeats)
        results.append(common.compare(f"enhance {seconds:g} s", times, NAME, PEER, 1))
    common.write("enhancement", results)


if __name__ == "__main__":
    main()
