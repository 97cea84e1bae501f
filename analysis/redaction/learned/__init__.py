"""What the words around tell about a word: learned evidence that it is personal data, beside the rules."""
