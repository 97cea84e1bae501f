"""Earshot's command line: `python run.py --help`. No logic of its own."""

from __future__ import annotations

if __name__ == "__main__":  # a spawned process imports this file too, and needs nothing of the command line
    from commands.entry import main

    main()
