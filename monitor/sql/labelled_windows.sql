-- The windows in which some labels judge a prediction. A shadow prediction is judged by the label of the replayed row it shadows.
SELECT DISTINCT strftime(regexp_extract(filename, 'dt=([0-9-]{10})/model_version=[0-9]+/[^/]*$', 1)::DATE, getvariable('window_format'))
FROM read_parquet(getvariable('files'), filename = true, hive_partitioning = false, union_by_name = true)
WHERE {filter} AND if(source = 'shadow', 'replay-' || substr(prediction_id, 8), prediction_id) IN (
    SELECT prediction_id FROM read_parquet(getvariable('label_files'), hive_partitioning = false)
)
