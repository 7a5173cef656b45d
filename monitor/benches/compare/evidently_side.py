"""The real Evidently on two Parquet files: its drift preset and its count of missing cells, as JSON."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

import pandas as pd
from evidently import Dataset, Report
from evidently.metrics import DatasetMissingValueCount
from evidently.presets import DataDriftPreset

reference, current = (Dataset.from_pandas(pd.read_parquet(path)) for path in sys.argv[1:3])
metrics = Report([DataDriftPreset(), DatasetMissingValueCount()]).run(current, reference).dict()["metrics"]
columns = [metric for metric in metrics if "column" in metric["config"]]
print(json.dumps({"columns": {metric["config"]["column"]: float(metric["value"]) for metric in columns}}))
