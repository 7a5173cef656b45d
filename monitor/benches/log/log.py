"""Writes the log that `measure.py` measures, and scans it bare. Each call is a process of its own, so that its memory is not counted.

log.py write DEMO HOME FIRST-DAY N-DAYS N-ROWS NAME     parts NAME of N-ROWS rows on each day, drawn anew from the demo's log
log.py label DEMO HOME FIRST-DAY N-DAYS                 labels of a tenth of each of these days' predictions, one file a day
log.py scan HOME SQL GROUP                              CPU and wall seconds of SQL over the files, GROUP at a time
"""

import datetime
import json
import pathlib
import sys
import time

import duckdb

duck = duckdb.connect()
duck.execute("SET enable_progress_bar = false")


def write(demo, home, first_day, n_days, n_rows, name):
    version = json.loads((pathlib.Path(demo) / "production/manifest.json").read_text())["version"]
    served = sorted(map(str, pathlib.Path(demo).glob(f"predictions/*/model_version={version}/*.parquet")))
    assert served, f"version {version} served nothing under {demo}"
    duck.execute(
        f"""CREATE TABLE served AS SELECT row_number() OVER () - 1 AS nth, *
            FROM read_parquet({served}, hive_partitioning = false) WHERE source <> 'shadow'"""
    )
    n_served = duck.execute("SELECT count(*) FROM served").fetchone()[0]
    n_pool = max(500_000, n_rows)
    duck.execute(
        f"""CREATE TABLE pool AS SELECT r, served.* EXCLUDE nth
            FROM (SELECT range AS r, CAST(hash(range) % {n_served} AS BIGINT) AS nth FROM range({n_pool + n_rows})) JOIN served USING (nth)
            ORDER BY r"""
    )
    for number in range(n_days):
        day = datetime.date.fromisoformat(first_day) + datetime.timedelta(number)
        folder = pathlib.Path(home) / f"predictions/dt={day}/model_version={version}"
        folder.mkdir(parents=True, exist_ok=True)
        start = number * 7919 % n_pool
        duck.execute(
            f"""COPY (SELECT pool.* EXCLUDE r REPLACE ('{name}-{number}-' || r AS prediction_id,
                            TIMESTAMP '{day} 00:00:00' + INTERVAL (r) MILLISECOND AS predicted_at)
                      FROM pool WHERE r BETWEEN {start} AND {start + n_rows - 1}
                ) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)"""
        )


def label(demo, home, first_day, n_days):
    version = json.loads((pathlib.Path(demo) / "production/manifest.json").read_text())["version"]
    for number in range(n_days):
        day = datetime.date.fromisoformat(first_day) + datetime.timedelta(number)
        folder = pathlib.Path(home) / f"labels/dt={day}"
        folder.mkdir(parents=True, exist_ok=True)
        duck.execute(
            f"""COPY (SELECT prediction_id, label, predicted_at AS known_at
                      FROM read_parquet('{home}/predictions/dt={day}/model_version={version}/part-a.parquet')
                      WHERE hash(prediction_id) % 10 = 0) TO '{folder}/part-a.parquet' (FORMAT parquet, COMPRESSION zstd)"""
        )


def scan(home, sql, group):
    files = sorted(map(str, pathlib.Path(home).glob("predictions/*/*/*.parquet")))
    begun, used = time.monotonic(), time.process_time()
    for at in range(0, len(files), group):
        duck.execute(f"SET VARIABLE files = {files[at : at + group]}")
        duck.execute(f"SELECT count(*) FROM ({sql})").fetchone()
    print(json.dumps([time.monotonic() - begun, time.process_time() - used]))


match sys.argv[1:]:
    case ["write", demo, home, first_day, n_days, n_rows, name]:
        write(demo, home, first_day, int(n_days), int(n_rows), name)
    case ["label", demo, home, first_day, n_days]:
        label(demo, home, first_day, int(n_days))
    case ["scan", home, sql, group]:
        scan(home, sql, int(group))
