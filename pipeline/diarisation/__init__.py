"""Who speaks when in a recording with both sides on one channel, and which of them is the agent."""
