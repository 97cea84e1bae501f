"""What `run.py serve` does beside answering: workers, planning of jobs, fetching, callbacks, tidying up."""
