-- How often each probability was followed by the positive class, by window, version and traffic or shadow.
-- A label that was sent again replaces the earlier one; one that is no class of the version's contract never counts. A shadow prediction is judged by the label of the replayed row it shadows.
WITH known AS (
    SELECT
        prediction_id AS labelled_id,
        arg_max(label, known_at) FILTER (WHERE list_contains(getvariable('classes'), label)) AS truth
    FROM read_parquet(getvariable('label_files'), hive_partitioning = false)
    GROUP BY prediction_id
),
predicted AS (
    SELECT
        strftime(regexp_extract(filename, 'dt=([0-9-]{10})/model_version=[0-9]+/[^/]*$', 1)::DATE, getvariable('window_format')) AS window_name,
        source = 'shadow' AS shadow,
        if(source = 'shadow', 'replay-' || substr(prediction_id, 8), prediction_id) AS labelled_id,
        {probability} AS probability,
        label
    FROM read_parquet(getvariable('files'), filename = true, hive_partitioning = false, union_by_name = true)
    WHERE {filter}
)
SELECT
    window_name,
    shadow,
    probability,
    coalesce(truth = getvariable('positive'), false) AS is_positive,
    coalesce(truth = label, false) AS is_right,
    truth IS NULL AS is_strange,
    count(*) AS n
FROM predicted JOIN known USING (labelled_id)
GROUP BY ALL
