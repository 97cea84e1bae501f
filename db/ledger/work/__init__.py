"""Who works on what: runs, claims on calls, workers and their signs of life."""
