"""Recognisers in the cloud: the audio of calls is sent to them."""
