"""Sample calls, their true text, and the script that speaks them."""
