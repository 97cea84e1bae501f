"""Calls whose sound is made or changed, so that who says what, when and on which channel is known."""
