"""What a good engineer writes in an afternoon: one Celery task and one HTTP call per webhook."""
