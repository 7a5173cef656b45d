-- How often each value of each column occurs, by day and by traffic or shadow, in one pass.
-- Written so that DuckDB, ClickHouse, Spark and DataFusion read it alike. `column_at` numbers the column of a row; its value is a number or a text.
SELECT
    logged_on,
    is_shadow,
    {at} AS column_at,
    {number} AS number_value,
    {text} AS text_value,
    COUNT(*) AS n
FROM (
    SELECT {day} AS logged_on, CASE WHEN source = 'shadow' THEN 1 ELSE 0 END AS is_shadow, {values}
    FROM {log}
    WHERE {filter}
) AS logged
GROUP BY GROUPING SETS ({sets})
