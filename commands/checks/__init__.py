"""What `run.py doctor` looks at, one subject a file. Every check looks only: nothing is written or downloaded."""
