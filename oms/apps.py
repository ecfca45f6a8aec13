from django.apps import AppConfig


class OmsConfig(AppConfig):
    name = "oms"
    label = "oms"

    def ready(self) -> None:
        """Load the Celery application, register the system checks and the kinds of background jobs that live in the composition
        root, and tell purchasing from which sale returned units had left."""
        from oms import celery, checks, cost_origins, job_kinds  # noqa: F401
        from purchasing.operations import know_origins

        know_origins(cost_origins.sale_of)
