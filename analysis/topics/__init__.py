"""What a call was about: a label of the glossary, or none with the reason."""
