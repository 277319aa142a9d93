"""The configuration file as pydantic models, and the reading of it."""
