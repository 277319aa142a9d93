"""Lanes, events, budgets, retries and dead letters on Redis; knows no platform and no destination."""
