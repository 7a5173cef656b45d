-- Writes the staged rows as one file, in the order in which they came.
COPY (SELECT * FROM part) TO {path} (FORMAT {format}, USE_TMP_FILE false)
