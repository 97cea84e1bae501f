"""`run.py tokens`: who may use the service."""
