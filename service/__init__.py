"""What answers over HTTP: today the reading room's pages and the sound behind them."""
