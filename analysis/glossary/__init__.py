"""The business glossary: what calls are about, and the words of the trade."""
