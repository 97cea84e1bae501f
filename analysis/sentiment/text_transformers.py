"""Text sentiment by a pipeline that `run.py train text` wrote."""

from __future__ import annotations
