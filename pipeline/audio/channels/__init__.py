"""The channel doctor: what is wrong with a channel, and which of its sound is speech."""
