"""The dashboard, by what it shows."""
