"""System checks of the installation as a whole."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register


@register(Tags.security, deploy=True)
def production_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What a production installation must say for itself."""
    found: list[CheckMessage] = []
    if settings.OMS_ENV != "production":
        found.append(checks.Warning("OMS_ENV is not 'production'.", id="oms.W001"))
    if not settings.ALLOWED_HOSTS:
        found.append(checks.Error("ALLOWED_HOSTS is empty: no request will be answered.", id="oms.E001"))
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(
            checks.Error(
                "OMS_PUBLIC_URL must be the https address that customers see in mails and on slips.", id="oms.E002"
            )
        )
    return found


@register()
def pdf_printing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say when PDF printing is off because the text layout libraries are missing."""
    from core.paper.weasy import pdf_available

    available, hint = pdf_available()
    return [] if available else [checks.Warning("PDF printing is off.", hint=hint, id="oms.W002")]
