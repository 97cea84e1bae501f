"""Recordings in, rows out."""

import os

# From its import on, ONNX Runtime (1.31) keeps an identifier of the machine and events for its maker, unless told not.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
