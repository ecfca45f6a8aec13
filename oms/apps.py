from django.apps import AppConfig


class OmsConfig(AppConfig):
    name = "oms"
    label = "oms"

    def ready(self) -> None:
        """Load the Celery application, register the system checks and the kinds of background jobs that live in the composition root."""
        from oms import celery, checks, job_kinds  # noqa: F401
