"""The webhook endpoint: verify, drop repeats, keep, answer."""
