"""Earshot's command line: `python run.py --help`. No logic of its own."""

from __future__ import annotations

from commands.app import main

if __name__ == "__main__":
    main()
