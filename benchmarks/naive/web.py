"""The naive peer's endpoint: verify, hand the customer to Celery, answer."""

import base64
import hashlib
import hmac
import json
import os

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.naive.worker import upsert_contact

SECRET = os.environ["SHOPIFY_WEBHOOK_SECRET"].encode()


async def receive(request: Request) -> Response:
    """Take one webhook."""
    body = await request.body()
    expected = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(expected, request.headers.get("x-shopify-hmac-sha256", "")):
        return JSONResponse({"status": "unauthorized"}, status_code=401)
    await run_in_threadpool(upsert_contact.delay, json.loads(body))
    return JSONResponse({"status": "accepted"}, status_code=202)


app = Starlette(routes=[Route("/webhooks/shopify", receive, methods=["POST"])])
