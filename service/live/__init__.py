"""Calls heard while they are held: the WebSocket, and what can be read of them."""
