"""Two voices told apart by a small speaker encoder on the CPU: no gated weights, no PyTorch."""
