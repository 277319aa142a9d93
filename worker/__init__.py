"""The running program: ingress, engine, sync, commands, and the Celery app that drives them."""
