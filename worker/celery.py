"""The Celery app: JSON messages that name a lane and a slot of it, nothing else, a thread pool, Redis as the broker.

Run as `celery -A worker worker` and `celery -A worker beat`. A message is only a wake-up: what is to be done lies in
the lanes, so a message may be lost, repeated or too late without harm.
"""

import os
import sys
import warnings
from typing import Any, Self

from celery import Celery, signals
from celery.app.amqp import AMQP
from celery.exceptions import SecurityWarning
from kombu import Connection

from worker.settings.faults import ConfigurationError
from worker.settings.models import Settings
from worker.settings.reading import find_path, read
from worker.store import address

# Celery warns of root because of pickle; this app takes JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)

SWEEP_SECONDS = 30.0  # beside the sweep of every worker each second; while none runs these messages wait in the store
# By the clocks of two machines, which need not agree: a late wake-up finds nothing to do, or does what is due.
WAKE_SECONDS = 86_400
ASK_AGAIN_SECONDS = 2


class _Connection(Connection):
    """Asks a store that is away again and again; kombu's own waits grow, and outlast a long outage by half a minute."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401 - kombu's signature
        steady = {"interval_start": ASK_AGAIN_SECONDS, "interval_step": 0, "interval_max": ASK_AGAIN_SECONDS}
        return super().ensure_connection(*arguments, **{**steady, **options})


class _Messages(AMQP):
    Connection = _Connection


def make_app(settings: Settings, store_url: str) -> Celery:
    """Build the app; connecting is left to whoever uses it."""
    app = Celery("commerce-sync", broker=store_url, include=["worker.tasks"], amqp=_Messages)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_default_queue=f"{settings.engine.prefix}.drains",
        task_create_missing_queues=True,
        task_acks_late=False,
        task_default_expires=WAKE_SECONDS,
        worker_pool="threads",
        worker_concurrency=settings.engine.threads,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,  # of those with late acknowledgement: none
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2,
        # A wake-up needs no acknowledgement; with the emulation of it kombu 5.7 ends workers when the store restarts.
        broker_transport_options={
            "ack_emulation": False,
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 3,
            "global_keyprefix": f"{{{settings.engine.prefix}}}:celery:",
        },
        beat_schedule={
            "sweep": {
                "task": "commerce_sync.sweep",
                "schedule": SWEEP_SECONDS,
                "options": {"expires": WAKE_SECONDS, "ignore_result": True},
            }
        },
        beat_scheduler="celery.beat:Scheduler",  # the one schedule needs no memory
        timezone="UTC",
    )
    return app


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    from worker.logs import configure, level_of  # noqa: PLC0415 - beside Celery, not for whoever imports the app

    configure(level_of(settings), json=not sys.stderr.isatty())


def _read() -> Settings:
    try:
        return read(find_path(os.environ), os.environ)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)


settings = _read()
app = make_app(settings, address(settings, os.environ))
