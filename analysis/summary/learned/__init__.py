"""What was learned of how people promise: evidence beside the rules of `reading/promising.py`."""
