"""Two recognisers on the same calls: run, judged, paired, reported."""
