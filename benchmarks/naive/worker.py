"""The naive peer's worker: each customer is one task, and each task one request, retried by Celery."""

import os
import threading
from typing import Any

import requests
from celery import Celery

BREVO_URL = os.environ.get("BREVO_URL", "https://api.brevo.com/v3")
BREVO_API_KEY = os.environ.get("BREVO_API_KEY", "")
TIMEOUT = (2, 5)

app = Celery("naive", broker=os.environ.get("REDIS_URL", "redis://localhost"))
_threads = threading.local()


@app.task(autoretry_for=(requests.RequestException,), retry_backoff=True, acks_late=True, ignore_result=True)
def upsert_contact(customer: dict[str, Any]) -> None:
    """Create or update the contact of a Shopify customer."""
    answer = session().post(f"{BREVO_URL}/contacts", json=contact(customer), timeout=TIMEOUT)
    answer.raise_for_status()


def contact(customer: dict[str, Any]) -> dict[str, Any]:
    """Map a Shopify customer to the body of Brevo's upsert."""
    attributes = {"FIRSTNAME": customer["first_name"], "LASTNAME": customer["last_name"], "SMS": customer["phone"]}
    return {
        "email": customer["email"],
        "ext_id": str(customer["id"]),
        "attributes": {name: value for name, value in attributes.items() if value},
        "updateEnabled": True,
    }


def session() -> requests.Session:
    """Give this thread's session, which keeps its connection alive."""
    if not hasattr(_threads, "session"):
        _threads.session = requests.Session()
        _threads.session.headers.update({"api-key": BREVO_API_KEY})
    found: requests.Session = _threads.session
    return found
