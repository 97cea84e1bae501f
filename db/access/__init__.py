"""What the service keeps of those who ask: tokens, logins, and who read which call."""
