"""Measures `monitor report` over a log of many days. See `run`."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

monitor, demo, data = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
n_days, n_rows = int(sys.argv[4]), int(sys.argv[5])
log = pathlib.Path(__file__).with_name("log.py")
first_day = datetime.date(2023, 1, 2)
# The monitor's own groups, in bytes of Parquet.
GROUP = 64 << 20
SOURCE = "read_parquet(getvariable('files'), filename = true, hive_partitioning = false)"


def python(*arguments):
    return subprocess.run([sys.executable, log, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def timed(command):
    """Wall and CPU seconds and peak memory in MB of a command."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1), f"{command} ended with {code}"
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def value_query():
    """The monitor's own query that counts values."""
    command = [monitor, "--home", data, "--json", "query", "--dialect", "duckdb", "--log", SOURCE]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["sql"]


def repeats_query(values):
    """The monitor's own query that counts repeated rows, of the same rows."""
    contract = json.loads((demo / "production/contract.json").read_text())
    parts = {
        "day": re.search("SELECT (.+?) AS logged_on, CASE", values)[1],
        "filter": re.search(r"WHERE (.+)\n\) AS logged", values)[1],
        "features": ", ".join(f'"feature_{name}"' for name in contract["properties"]),
        "log": SOURCE,
    }
    sql = (log.parents[2] / "sql/count_repeats.sql").read_text()
    for name, part in parts.items():
        sql = sql.replace(f"{{{name}}}", part)
    return sql


def bare(sql):
    """Wall and CPU seconds that DuckDB takes for a query over the same files, keeping nothing."""
    return json.loads(python("scan", data, sql, max(1, GROUP // files[0].stat().st_size)))


manifest = json.loads((demo / "production/manifest.json").read_text())
shutil.copytree(demo / "production", data / "production")
print(f"writing {n_days} days of {n_rows:,} predictions", flush=True)
python("write", demo, data, first_day, n_days, n_rows, "part-a")
files = sorted(data.glob("predictions/*/*/*.parquet"))
print(f"{n_days * n_rows:,} predictions, {sum(file.stat().st_size for file in files) / 1e6:,.0f} MB of Parquet\n", flush=True)

report = [monitor, "--home", data, "report", "--by", "month"]
values = value_query()
print(f"{'':28}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
scan_cpu = 0
for name, sql in {"DuckDB, values": values, "DuckDB, repeats": repeats_query(values)}.items():
    wall, cpu = bare(sql)
    scan_cpu += cpu
    print(f"{name:28}{wall:>9.2f}{cpu:>9.2f}", flush=True)


def row(name):
    wall, cpu, peak = timed(report)
    print(f"{name:28}{wall:>9.2f}{cpu:>9.2f}{peak:>9.0f}    {cpu / scan_cpu:.3f} of both scans' CPU", flush=True)


row("first report")
row("nothing new")
python("write", demo, data, first_day + datetime.timedelta(n_days - 1), 1, max(1, n_rows // 24), "part-b")
row("an hour later")
python("label", demo, data, first_day, n_days - 1)
row("a tenth labelled")
python("label", demo, data, first_day + datetime.timedelta(n_days - 1), 1)
row("the last day's labels")
kept = [path.stat().st_size for path in data.glob("monitor/counts/**/*.json")]
print(f"\ncounts kept: {sum(kept) / 1e6:,.0f} MB in {len(kept)} files")
