"""Our classifiers beside the Python libraries people would otherwise use, on the same rows in one run."""
