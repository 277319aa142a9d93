"""Errors of the engine, named for what the caller does next."""


class StoreUnavailable(Exception):  # noqa: N818 - names the state that the caller acts on
    """The store gave no usable answer, so nothing is known to be kept: hold the work and try again."""
