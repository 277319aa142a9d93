"""The naive peer under limits: each event is one task and one request, which Celery tries again when it is refused.

It waits as Celery's documentation recommends (exponential backoff with jitter, ten minutes at most), and never less
than the destination asks for. Everything that it waits for is shortened by SPEED, the pace of the sandbox's clock.
"""

import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import requests
from celery import Celery, Task
from celery.utils.time import get_exponential_backoff_interval

from benchmarks.naive.worker import contact, session

URL = os.environ.get("DESTINATION_URL", "")
SPEED = float(os.environ.get("SPEED", "1"))
TIMEOUT = (2, 5)
LONGEST_BACKOFF = 600
ASKED = ("retry-after", "x-sib-ratelimit-reset")
KEYS = {"api-key": "sandbox", "authorization": "Bearer sandbox", "x-app-id": "sandbox", "x-app-token": "sandbox"}

Json = dict[str, Any]

app = Celery("naive", broker=os.environ.get("REDIS_URL", "redis://localhost"))


@app.task(bind=True, acks_late=True, ignore_result=True, max_retries=None)
def tell(self: "Task[[str, Json], None]", kind: str, event: Json) -> None:
    """Tell the destination of one event of the shop."""
    path, body = CALLS[kind]
    try:
        answer = session().post(f"{URL}{path}", json=body(event), headers=KEYS, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=_backoff(self.request.retries)) from error
    if answer.status_code == 429 or answer.status_code >= 500:
        raise self.retry(countdown=max(_asked(answer), _backoff(self.request.retries)))
    answer.raise_for_status()


def _backoff(retries: int) -> float:
    return random.random() * get_exponential_backoff_interval(1, retries, LONGEST_BACKOFF) / SPEED  # noqa: S311 - jitter


def _asked(answer: requests.Response) -> float:
    seconds = next((float(answer.headers[name]) for name in ASKED if name in answer.headers), 0.0)
    # Told in whole seconds, rounded up after the sandbox has divided by the speed: a faster clock's second is shorter.
    return max(0.0, seconds - 1 + 1 / SPEED)


def _custobar_customer(customer: Json) -> Json:
    row = {
        "external_id": str(customer["id"]),
        "email": customer["email"],
        "phone_number": customer["phone"],
        "first_name": customer["first_name"],
        "last_name": customer["last_name"],
    }
    return {"customers": [row]}


def _voucherify_customer(customer: Json) -> Json:
    return {
        "source_id": str(customer["id"]),
        "email": customer["email"],
        "phone": customer["phone"],
        "name": f"{customer['first_name']} {customer['last_name']}",
    }


def _brevo_order(order: Json) -> Json:
    return {
        "id": str(order["id"]),
        "createdAt": order["created_at"],
        "updatedAt": order["updated_at"],
        "status": order["financial_status"],
        "amount": float(order["total_price"]),
        "products": [
            {"productId": str(line["product_id"]), "price": float(line["price"]), "quantity": line["quantity"]}
            for line in order["line_items"]
        ],
        "identifiers": {"ext_id": str(order["customer"]["id"])},
    }


def _custobar_sale(order: Json) -> Json:
    sale = {
        "sale_external_id": str(order["id"]),
        "sale_customer_id": str(order["customer"]["id"]),
        "sale_date": order["created_at"],
        "sale_total": _cents(order["total_price"]),
    }
    rows = [
        sale
        | {
            "external_id": str(line["id"]),
            "product_id": str(line["product_id"]),
            "quantity": line["quantity"],
            "unit_price": _cents(line["price"]),
        }
        for line in order["line_items"]
    ]
    return {"sales": rows}


def _voucherify_order(order: Json) -> Json:
    return {
        "source_id": str(order["id"]),
        "status": "PAID",
        "amount": _cents(order["total_price"]),
        "customer": {"source_id": str(order["customer"]["id"])},
        "items": [
            {
                "source_id": str(line["product_id"]),
                "related_object": "product",
                "quantity": line["quantity"],
                "price": _cents(line["price"]),
            }
            for line in order["line_items"]
        ],
    }


def _cents(amount: str) -> int:
    return round(float(amount) * 100)


CALLS: Mapping[str, tuple[str, Callable[[Json], Json]]] = {
    "brevo_contacts": ("/contacts", contact),
    "brevo_orders": ("/orders/status", _brevo_order),
    "custobar_customers": ("/customers/upload/", _custobar_customer),
    "custobar_sales": ("/sales/upload/", _custobar_sale),
    "voucherify_customers": ("/v1/customers", _voucherify_customer),
    "voucherify_orders": ("/v1/orders", _voucherify_order),
}
