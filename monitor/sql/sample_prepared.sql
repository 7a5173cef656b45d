-- Some prepared rows, the same ones each time: evenly spaced.
SELECT {columns}
FROM (SELECT *, file_row_number AS nth FROM read_parquet(getvariable('files'), file_row_number = true))
WHERE nth % {one_in} = 0
ORDER BY nth
LIMIT {limit}
