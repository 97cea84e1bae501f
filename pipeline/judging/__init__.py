"""How good a transcript is, against truth that people wrote down."""
