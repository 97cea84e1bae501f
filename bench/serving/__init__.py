"""A server for benchmarks of the service, and what hostile clients send it."""
