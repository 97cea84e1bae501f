"""Where any model's weights are, and which they are."""
