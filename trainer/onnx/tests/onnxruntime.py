"""Holds a model against its golden records, or against a file that `trainer predict` scored, in onnxruntime.

    pip install onnxruntime onnx numpy
    python onnxruntime.py model.onnx golden.json
    python onnxruntime.py model.onnx scored.csv

Prints the largest difference of a probability; exits with 1 when it is above 1e-5, when a label differs, or when onnx.checker refuses the file.
"""

import csv
import json
import math
import sys
from datetime import datetime, timedelta, timezone

sys.path.pop(0)  # This folder, where `import onnxruntime` would find this file.

import numpy
import onnx
import onnxruntime

TOLERANCE = 1e-5
EPOCH = datetime(1970, 1, 1)


def main(model_path, golden_path):
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    contract = json.loads(metadata["tidemark.contract"])
    rows = read_scored(golden_path, contract) if golden_path.endswith(".csv") else read_golden(golden_path)
    features = numpy.array([encode(contract, row["record"]) for row in rows], dtype=numpy.float32)
    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(["label", "probabilities"], {"features": features})
    return report(contract["target"]["classes"], rows, labels, probabilities)


def read_golden(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["rows"]


def read_scored(path, contract):
    classes = contract["target"]["classes"]
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {
                "record": row,
                "label": row["label"],
                "probabilities": {name: float(row[f"probability_{name}"]) for name in classes},
            }
            for row in csv.DictReader(file)
        ]


def encode(contract, record):
    missing = ["", *contract["missing_tokens"]]
    return [feature(column, record[column["name"]], missing) for column in contract["columns"]]


def feature(column, value, missing):
    absent = value is None or value in missing
    if column["kind"] == "numeric":
        return math.nan if absent else float(value)
    if column["kind"] == "date":
        return math.nan if absent else days(value)
    return column["levels"].index(value) if not absent and value in column["levels"] else -1


def days(text):
    """Days since 1970-01-01, the time of day in quarters of an hour that have passed."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return (moment - EPOCH) // timedelta(minutes=15) / 96


def report(classes, rows, labels, probabilities):
    expected = numpy.array([[row["probabilities"][name] for name in classes] for row in rows])
    largest = float(numpy.abs(expected - probabilities).max())
    wrong = [index for index, row in enumerate(rows) if classes[labels[index]] != row["label"]]
    print(f"{len(rows)} rows, largest difference {largest:.2e}, labels that differ: {wrong or 'none'}")
    return 1 if wrong or not largest <= TOLERANCE else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
