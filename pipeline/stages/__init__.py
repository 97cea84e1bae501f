"""The stages of a run, one thread or more each, with bounded queues between them."""
