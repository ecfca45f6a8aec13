"""gunicorn, for the demo and for production: a few processes with a few threads each.

WEB_CONCURRENCY sets the processes, OMS_WEB_THREADS the threads of each; every thread keeps one database connection.
"""

import os

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, min(4, os.cpu_count() or 2)))
threads = int(os.environ.get("OMS_WEB_THREADS") or 4)
preload_app = True  # the application is loaded once and shared
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 5000  # a worker is renewed now and then, never all at once
max_requests_jitter = 500
accesslog = None
errorlog = "-"
loglevel = "warning"
