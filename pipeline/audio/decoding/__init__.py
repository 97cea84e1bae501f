"""From a file's bytes to raw samples per channel, and what can be measured on the way."""
