"""Glossaries of the labelled texts that topics are measured with."""

from __future__ import annotations

from pathlib import Path

GLOSSARIES = Path(__file__).resolve().parents[1] / "glossaries"
BANKING77 = GLOSSARIES / "banking77.csv"
HARPER_VALLEY = GLOSSARIES / "harper_valley.yaml"
SERVICES = GLOSSARIES / "services.yaml"
BRANCHES = GLOSSARIES / "branches.yaml"
