"""Draws windows from the rows a version learned from, lets both programs judge them, and prints how often each alarms."""

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from evidently_side import alarms_of_evidently

N_ROWS = 500
MOVED_BY = 0.3
MOST_FALSE_ALARMS = 0.01
LEAST_FOUND = 0.95
FIRST_DAY = datetime.date(2000, 1, 1)


class Version:
    """The version in production: its rows, its probabilities on rows it had not seen, and its names."""

    def __init__(self, home: Path):
        read = lambda name: json.loads((home / "production" / name).read_text())
        manifest, reference = read("manifest.json"), read("reference.json")
        self.home, self.name, self.number, self.contract = home, manifest["name"], manifest["version"], manifest["contract"]
        self.columns = [column["name"] for column in reference["columns"]]
        parts = [pd.read_parquet(home / "prepared" / f"{part}.parquet") for part in ("train", "validation")]
        rows = next(rows for rows in (parts[0], pd.concat(parts)) if len(rows) == reference["n_rows"])
        self.rows = rows[self.columns].reset_index(drop=True).astype({c: object for c in self.columns if not pd.api.types.is_numeric_dtype(rows[c])})
        values, counts = zip(*reference["prediction"]["values"])
        self.probabilities = np.repeat(values, counts)
        importance = read("evaluation.json")["importance"]
        self.important = [c["column"] for c in importance if pd.api.types.is_numeric_dtype(self.rows[c["column"]])][:3]

    def draw(self, dice: np.random.Generator, moved: str | None) -> pd.DataFrame:
        """A window: rows and probabilities drawn with replacement, one column of numbers moved by a part of its standard deviation."""
        window = self.rows.iloc[dice.integers(0, len(self.rows), N_ROWS)].reset_index(drop=True)
        if moved:
            window[moved] += MOVED_BY * self.rows[moved].std()
        window["probability"] = dice.choice(self.probabilities, N_ROWS)
        return window


def write(home: Path, version: Version, windows: list[pd.DataFrame]) -> None:
    """A home with the version and its log, one window a day."""
    home.mkdir()
    for name in ("production", "registry"):
        shutil.copytree(version.home / name, home / name)
    # Here all columns are judged: windows are drawn from the whole calendar.
    rules = (version.home / f"{version.name}.toml").read_text()
    (home / f"{version.name}.toml").write_text(re.sub(r"(?m)^calendar = .*$", "", rules))
    for day, window in enumerate(windows):
        date = FIRST_DAY + datetime.timedelta(days=day)
        log = window[version.columns].add_prefix("feature_")
        log.insert(0, "prediction_id", [f"{day}-{row}" for row in range(N_ROWS)])
        log.insert(1, "predicted_at", pd.Timestamp(date).as_unit("us"))
        log = log.assign(model=version.name, version=np.int32(version.number), contract=version.contract, source="edge", label="no", n_flags=np.int32(0))
        log["probability_no"], log["probability_yes"] = 1 - window["probability"], window["probability"]
        folder = home / "predictions" / f"dt={date}" / f"model_version={version.number}"
        folder.mkdir(parents=True)
        log.to_parquet(folder / "part-0.parquet")


def alarms_of_monitor(monitor: str, home: Path, moved: str | None = None) -> tuple[dict, dict]:
    """Whether each window fires, by alert, and whether it would by Evidently's figures in the same report, from `monitor report`."""
    done = subprocess.run([monitor, "--home", home, "--json", "report", "--by", "day"], stdout=subprocess.PIPE)
    if done.returncode not in (0, 1):
        sys.exit("error: monitor report failed")
    report = json.loads(done.stdout)
    fired = {(alert["name"], alert["window"]) for alert in report["alerts"]}
    names = [window["name"] for window in report["windows"]]
    of = lambda alert: [(alert, name) in fired for name in names]
    columns, predictions = of("ColumnDrift"), of("PredictionDrift")
    ours = {"any alert": [a or b for a, b in zip(columns, predictions)], "ColumnDrift": columns, "PredictionDrift": predictions}
    found = [{column["name"] for column in window["columns"] if column["drift"]["drifted"]} for window in report["windows"]]
    evidently = {
        "half of the columns": [window["dataset_drifted"] for window in report["windows"]],
        "any column": [bool(window) for window in found],
        "probability": [window["prediction"]["drifted"] for window in report["windows"]],
    }
    return ours, evidently | ({"the moved column": [moved in window for window in found]} if moved else {})


def check_sample(version: Version, windows: list[pd.DataFrame], evidently: dict, moved: str | None = None) -> None:
    """The real Evidently on the first windows must say what the report says by its figures."""
    real = alarms_of_evidently(version, windows, moved)
    if real != {what: fired[: len(windows)] for what, fired in evidently.items()}:
        sys.exit(f"error: Evidently itself says otherwise: {real}")
    print(f"  Evidently itself says the same of the first {len(windows)} windows")


def share(alarms: list[bool]) -> float:
    return sum(alarms) / len(alarms)


def within_two(alarms: list[bool]) -> list[bool]:
    """Runs of two windows in which one alarms."""
    return [a or b for a, b in zip(alarms[::2], alarms[1::2])]


def lines(program: str, alarms: dict[str, list[bool]], of) -> None:
    for what, fired in alarms.items():
        judged = of(fired)
        print(f"  {program:<10} {what:<26} {sum(judged):5} of {len(judged):5}  {100 * share(judged):6.2f} %")


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("monitor")
    parse.add_argument("home", type=Path)
    parse.add_argument("--windows", type=int, default=1000)
    parse.add_argument("--runs", type=int, default=200)
    parse.add_argument("--evidently-windows", type=int, default=25)
    args = parse.parse_args()
    version, dice = Version(args.home), np.random.default_rng(1)
    failures = []

    windows = [version.draw(dice, None) for _ in range(args.windows)]
    write(args.home / "quiet", version, windows)
    print(f"no drift: windows of {N_ROWS} rows drawn from the {len(version.rows)} rows of the reference, {len(version.columns)} columns and the probability")
    ours, evidently = alarms_of_monitor(args.monitor, args.home / "quiet")
    lines("tidemark", ours, list)
    lines("Evidently", evidently, list)
    check_sample(version, windows[: args.evidently_windows], evidently)
    if share(ours["any alert"]) > MOST_FALSE_ALARMS:
        failures.append("too many false alarms")

    for column in version.important:
        windows = [version.draw(dice, column) for _ in range(2 * args.runs)]
        write(args.home / f"moved-{column}", version, windows)
        print(f"`{column}` moved by {MOVED_BY} standard deviations: alarms within two windows")
        ours, evidently = alarms_of_monitor(args.monitor, args.home / f"moved-{column}", column)
        lines("tidemark", ours, within_two)
        lines("Evidently", evidently, within_two)
        check_sample(version, windows[: args.evidently_windows], evidently, column)
        if share(within_two(ours["any alert"])) < LEAST_FOUND:
            failures.append(f"`{column}` found too seldom")
    if failures:
        sys.exit("error: " + ", ".join(failures))


if __name__ == "__main__":
    main()
