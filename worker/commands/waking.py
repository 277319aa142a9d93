"""Waking the lanes that a command gave work; the one place where the command line needs Celery."""

from collections.abc import Mapping


def wake_all(slots: Mapping[str, str]) -> None:
    """Send a wake-up for each lane with the slot of its drain; the next sweep makes up for one that is lost."""
    if not slots:
        return
    from worker.tasks import wake  # noqa: PLC0415 - Celery is read by those who need it only

    for lane, slot in slots.items():
        wake(lane, slot)
