-- How often each value of each text column occurs in one file, in one pass.
-- A row of the answer belongs to the one column whose bit in `mask` is not set.
SELECT
    GROUPING({columns}) AS mask,
    count(*) AS n,
    {columns}
FROM (SELECT {casts} FROM {relation})
GROUP BY GROUPING SETS ({sets})
