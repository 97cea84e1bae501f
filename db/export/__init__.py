"""The tables' rows as files."""
