"""Do ClickHouse, DataFusion and Spark count the log as the embedded DuckDB did?

    engines.py MONITOR HOME            every version that served under HOME, by all three

The query is the one that `monitor query --dialect NAME` prints; what it is held against are the counts that
`monitor report` kept under HOME/monitor/counts. ClickHouse is asked twice: by the query, and through the monitor's own
HTTP adapter, `monitor report --clickhouse URL`, with chDB behind a small HTTP server.
"""

import http.server
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import chdb
import datafusion
import pyarrow as pa

monitor, origin = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
folder = tempfile.TemporaryDirectory()
# A copy, counted anew: what else was asked of the home, such as segments, is left out.
home = pathlib.Path(folder.name) / "by-duckdb"


def copy_to(other):
    shutil.copytree(origin, other, ignore=shutil.ignore_patterns("monitor", "raw"))


def query(dialect, version, log="predictions"):
    command = [monitor, "--home", home, "--json", "query", "--dialect", dialect, "--version", str(version), "--log", log]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def kept(version):
    """What the monitor counted: {(day, is_shadow, column): {value: count}}; missing values stand under None."""
    counts = {}
    for path in home.glob(f"monitor/counts/*/days/*-v{version}.json"):
        day = path.name[:10]
        for shadow, side in enumerate(("traffic", "shadow")):
            tally = json.loads(path.read_text())["counts"][side]
            if tally is None:
                continue
            for at, column in enumerate([*tally["columns"], tally["prediction"]]):
                values = {float(value): n for value, n in column["pairs"]} if "pairs" in column else dict(column["levels"])
                if column["n_missing"]:
                    values[None] = column["n_missing"]
                counts[day, shadow, at] = values
            for at, name in enumerate(("labels", "sources"), len(tally["columns"]) + 1):
                counts[day, shadow, at] = tally[name]
    return counts


def gathered(rows, columns):
    counts = {}
    for day, shadow, at, number, text, n in rows:
        value = text if number is None else float(number)
        if isinstance(value, float) and math.isnan(value):
            value = None
        width = columns[at]["cell_width"]
        if width and value is not None:
            value = (value + 0.5) * width
        counts.setdefault((day, int(shadow), int(at)), {})[value] = int(n)
    return counts


def by_clickhouse(version):
    asked = query("clickhouse", version, f"file('{home}/predictions/dt=*/model_version={version}/*.parquet', Parquet)")
    lines = str(chdb.query(asked["sql"], "JSONCompactEachRow")).splitlines()
    return gathered(map(json.loads, lines), asked["columns"])


def by_datafusion(version):
    context = datafusion.SessionContext()
    context.register_parquet(
        "predictions", f"{home}/predictions", table_partition_cols=[("dt", pa.string()), ("model_version", pa.string())]
    )
    asked = query("datafusion", version, f"(SELECT * FROM predictions WHERE model_version = '{version}')")
    rows = (row.values() for batch in context.sql(asked["sql"]).collect() for row in batch.to_pylist())
    return gathered(rows, asked["columns"])


def by_spark(version, spark):
    (
        spark.read.option("basePath", f"{home}/predictions")
        .parquet(f"{home}/predictions/dt=*/model_version={version}")
        .createOrReplaceTempView("predictions")
    )
    asked = query("spark", version)
    return gathered((tuple(row) for row in spark.sql(asked["sql"]).collect()), asked["columns"])


def start_spark():
    from pyspark.sql import SparkSession

    options = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.appName("engines")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


class ClickHouse(http.server.BaseHTTPRequestHandler):
    """ClickHouse's HTTP interface, as far as the adapter speaks it, with chDB behind it."""

    asked = 0

    def do_POST(self):
        settings = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        quoted = settings["output_format_json_quote_denormals"]
        status, answer = 200, ""
        try:
            answer = str(chdb.query(f"{sql} SETTINGS output_format_json_quote_denormals = {quoted}", settings["default_format"]))
            ClickHouse.asked += 1
        except Exception as error:
            status, answer = 500, str(error)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


def report_by_adapter():
    """The whole report, counted through the adapter, against the one counted by DuckDB."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ClickHouse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    other = pathlib.Path(folder.name) / "by-clickhouse"
    copy_to(other)
    log = f"file('{other}/predictions/{{files}}', Parquet)"
    options = ["--clickhouse", f"http://127.0.0.1:{server.server_port}", "--clickhouse-log", log]
    ours, theirs = report(home, []), report(other, options)
    server.shutdown()
    for figures in (ours, theirs):
        for window in figures["windows"]:
            # Repeated rows are counted by DuckDB alone.
            assert (window["quality"].pop("n_repeated") is None) == (figures is theirs)
            del window["quality"]["share_repeated"]
    assert ClickHouse.asked > 0, "the adapter asked nothing"
    assert ours["windows"] == theirs["windows"], "the report differs when ClickHouse counts"
    print(f"ClickHouse over HTTP: {ClickHouse.asked} queries, a report of {len(ours['windows'])} windows, the same to the last digit")


def report(folder, options):
    """A report by day; exit code 1 tells of alerts."""
    command = [monitor, "--home", folder, "--json", "report", "--by", "month", "--output", folder / "elsewhere", *options]
    run = subprocess.run(command, capture_output=True)
    assert run.returncode in (0, 1), run.stderr.decode()
    return json.loads(run.stdout)


def check(name, version, counts, expected):
    assert counts.keys() == expected.keys(), f"{name}: other days or columns of version {version}"
    for key, values in expected.items():
        assert counts[key] == values, f"{name}: version {version}, day, side and column {key}: {counts[key]} is not {values}"


copy_to(home)
report(home, [])
versions = sorted({int(path.stem.rsplit("-v", 1)[1]) for path in home.glob("monitor/counts/*/days/*.json")})
assert versions, f"nothing was counted under {home}"
spark = start_spark()
n = 0
for version in versions:
    expected = kept(version)
    n += sum(map(len, expected.values()))
    for name, counts in (
        ("ClickHouse", by_clickhouse(version)),
        ("DataFusion", by_datafusion(version)),
        ("Spark", by_spark(version, spark)),
    ):
        check(name, version, counts, expected)
print(f"ClickHouse, DataFusion and Spark: {n} counts of {len(versions)} versions, the same as DuckDB's")
report_by_adapter()
