"""What benchmarks and tests work on: recordings, reference calls, tiny models, a server and folders of their own."""
