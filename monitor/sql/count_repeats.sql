-- How many rows of a day equal an earlier one in all features.
SELECT
    {day} AS logged_on,
    source = 'shadow' AS is_shadow,
    count(*) - count(DISTINCT hash({features})) AS n_repeated
FROM {log}
WHERE {filter}
GROUP BY ALL
