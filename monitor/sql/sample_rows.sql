-- Some rows of the log, the same ones each time: those whose ids have the smallest hashes.
SELECT {columns}
FROM read_parquet(getvariable('files'), hive_partitioning = false, union_by_name = true)
WHERE {filter} AND source <> 'shadow' AND hash(prediction_id) % {one_in} = 0
ORDER BY hash(prediction_id), prediction_id
LIMIT {limit}
