"""Rows per second of the predictor beside onnxruntime's: `beside_onnxruntime.py ROWS_PROGRAM HOME`.

Both run on the one core that this process may use, one after the other in every round; the median of the rounds' ratios counts, so that
what else the machine does bears on both.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import onnxruntime

N_ROUNDS = 9
N_PASSES = 3
# How many times as many rows a second are asked for.
ASKED = {"gradient-boosting": 1.5, "random-forest": 1.5}
ASKED_OF_OTHERS = 1.0


def newest_models(home):
    """The newest version of each family."""
    found = {}
    for folder in sorted((pathlib.Path(home) / "registry" / "versions").iterdir()):
        family = json.loads((folder / "manifest.json").read_text())["family"]
        found[family] = folder / "model.onnx"
    return found


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def least_seconds_of_theirs(session, rows):
    seconds = []
    for _ in range(N_PASSES):
        start = time.perf_counter()
        probabilities = session.run(["probabilities"], {"features": rows})[0]
        seconds.append(time.perf_counter() - start)
    return min(seconds), probabilities


def least_seconds_of_ours(program, model, rows_file):
    printed = subprocess.run([program, model, rows_file, str(N_PASSES)], check=True, capture_output=True, text=True).stdout
    probabilities = numpy.fromfile(f"{rows_file}.out", dtype="<f4")
    return min(float(line) for line in printed.split()), probabilities


def measure(program, model, folder):
    rows_file = f"{folder}/rows.f32"
    subprocess.run([program, model, rows_file], check=True)
    theirs = session(model)
    n_features = theirs.get_inputs()[0].shape[1]
    rows = numpy.fromfile(rows_file, dtype="<f4").reshape(-1, n_features)
    rounds = []
    for _ in range(N_ROUNDS):
        their_seconds, expected = least_seconds_of_theirs(theirs, rows)
        our_seconds, found = least_seconds_of_ours(program, model, rows_file)
        rounds.append((len(rows) / our_seconds, len(rows) / their_seconds))
    apart = float(numpy.abs(found.reshape(expected.shape) - expected).max())
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    ours, theirs = (statistics.median(rates) for rates in zip(*rounds))
    return ours, theirs, ratio, apart


def main(program, home):
    print("| family | rows a second | onnxruntime's | times as many | largest difference |\n| --- | --- | --- | --- | --- |")
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for family, model in sorted(newest_models(home).items()):
            ours, theirs, ratio, apart = measure(program, model, folder)
            print(f"| {family} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} | {apart:.1e} |", flush=True)
            asked = ASKED.get(family, ASKED_OF_OTHERS)
            verdicts.append(f"{'met  ' if ratio >= asked else 'SHORT'} {family}: {ratio:.2f} times onnxruntime's, asked {asked}")
    print("\n".join(verdicts))


if __name__ == "__main__":
    main(*sys.argv[1:])
