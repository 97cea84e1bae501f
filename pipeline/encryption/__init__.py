"""Files that are encrypted where they lie: recordings the service keeps, decoded samples of calls under way."""
