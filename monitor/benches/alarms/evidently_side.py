"""The real Evidently's drift preset, with its defaults, on windows one after the other."""

import warnings

warnings.filterwarnings("ignore")

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

THRESHOLD = 0.1  # of the distances, which are the default above 1000 reference rows
DRIFT_SHARE = 0.5


def alarms_of_evidently(version, windows: list[pd.DataFrame], moved: str | None = None) -> dict[str, list[bool]]:
    """Whether each window alarms: by half of its columns, by any column, by the moved one, by the probability."""
    numbers = [c for c in version.columns if pd.api.types.is_numeric_dtype(version.rows[c])]
    definition = DataDefinition(numerical_columns=[*numbers, "probability"], categorical_columns=[c for c in version.columns if c not in numbers])
    rows = version.rows.assign(probability=pd.Series(version.probabilities).reindex(range(len(version.rows))))
    reference = Dataset.from_pandas(rows, data_definition=definition)
    found = [drifted(reference, Dataset.from_pandas(window, data_definition=definition)) for window in windows]
    alarms = {
        "half of the columns": [len(window - {"probability"}) >= DRIFT_SHARE * len(version.columns) for window in found],
        "any column": [bool(window - {"probability"}) for window in found],
        "probability": ["probability" in window for window in found],
    }
    return alarms | ({"the moved column": [moved in window for window in found]} if moved else {})


def drifted(reference: Dataset, window: Dataset) -> set[str]:
    metrics = Report([DataDriftPreset()]).run(window, reference).dict()["metrics"]
    values = {metric["config"]["column"]: metric["value"] for metric in metrics if "column" in metric["config"]}
    return {column for column, value in values.items() if value >= THRESHOLD}
