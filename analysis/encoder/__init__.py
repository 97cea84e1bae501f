"""The sentence encoder: texts to unit vectors, cached by text, shared by every step of an analysis process."""
