"""Composition root: the only package that knows every app.

Nothing is imported here, so that `oms.embedded` and `oms.launch` start at once; `oms.apps` loads the Celery application.
"""
