"""Neutral changes in, HTTP calls out; responses in, verdicts out. Pure, but for http.py."""
