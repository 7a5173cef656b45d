-- The newest rows of a model's traffic, whatever the version.
SELECT {columns}
FROM read_parquet(getvariable('files'), hive_partitioning = false, union_by_name = true)
WHERE model = {model} AND source <> 'shadow'
ORDER BY predicted_at DESC, prediction_id
LIMIT {limit}
