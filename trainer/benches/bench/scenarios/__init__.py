"""A file for each question; each holds `run(folder, quick)`, which measures and gives its part of the report."""
