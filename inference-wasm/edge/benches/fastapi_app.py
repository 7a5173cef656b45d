"""What a team would write with FastAPI and onnxruntime: the same bundle, the same record in, the same prediction out."""

import json
import os
import pathlib
import uuid
from typing import Optional, Union

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import create_model

bundle = pathlib.Path(os.environ["TIDEMARK_BUNDLE"])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(bundle / "model.onnx", options, providers=["CPUExecutionProvider"])
properties = session.get_modelmeta().custom_metadata_map
contract = json.loads(properties["tidemark.contract"])
classes = contract["target"]["classes"]
levels = [{level: index for index, level in enumerate(column.get("levels", []))} for column in contract["columns"]]
names = [column["name"] for column in contract["columns"]]
numeric = [column["kind"] == "numeric" for column in contract["columns"]]
types = {name: (Optional[float] if is_number else Optional[str], ...) for name, is_number in zip(names, numeric)}
Record = create_model("Record", **types)
model = {"name": properties["tidemark.name"], "version": int(properties["tidemark.version"])}

app = FastAPI()


def feature(value: Union[float, str, None], is_number: bool, known: dict) -> float:
    if is_number:
        return float("nan") if value is None else value
    return known.get(value, -1)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/predict")
async def predict(record: Record):
    row = [feature(getattr(record, name), is_number, known) for name, is_number, known in zip(names, numeric, levels)]
    label, probabilities = session.run(["label", "probabilities"], {"features": numpy.array([row], dtype=numpy.float32)})
    return {
        "id": str(uuid.uuid4()),
        "label": classes[int(label[0])],
        "probabilities": dict(zip(classes, probabilities[0].tolist())),
        "model": model,
    }
