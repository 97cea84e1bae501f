"""Calls drawn for people to correct, and the sheet on which they do it. `commands/evaluate/watch` judges them."""
