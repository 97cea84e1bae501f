"""Which request work is done for, in this process and the next, and traces of it."""
