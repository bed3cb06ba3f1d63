"""What every request passes before a route hears of it: where it comes from, how large, how fast, how often."""
