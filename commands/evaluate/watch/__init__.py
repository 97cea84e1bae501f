"""Quality watch: the word error rate of calls that people have corrected."""
