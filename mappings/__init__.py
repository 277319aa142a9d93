"""Platform payloads in, neutral changes out: pure functions, no I/O, no clock, no settings."""
