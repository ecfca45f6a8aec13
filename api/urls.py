"""The JSON API, version 1."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from api import (
    availability,
    backorders,
    carts,
    changes,
    counts,
    drafts,
    forecasting,
    holds,
    invoicing,
    lots,
    merging,
    money,
    orders,
    payments,
    problems,
    purchasing,
    quality,
    replenishment,
    shipping,
    stock,
    transfers,
)
from api.documentation import describe
from api.tokens import TokenAuth
from core.permissions import public

api = NinjaAPI(
    title="OMS API",
    version="1",
    description="Orders, stock and fulfillment. Every error is an RFC 9457 problem document.",
    auth=TokenAuth(),
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api-v1",
)
problems.install(api)
api.add_router("", orders.router)
api.add_router("", changes.router)
api.add_router("", holds.router)
api.add_router("", payments.router)
api.add_router("", carts.router)
api.add_router("", stock.router)
api.add_router("", lots.router)
api.add_router("", shipping.router)
api.add_router("", merging.router)
api.add_router("", money.router)
api.add_router("", availability.router)
api.add_router("", backorders.router)
api.add_router("", transfers.router)
api.add_router("", purchasing.router)
api.add_router("", invoicing.router)
api.add_router("", counts.router)
api.add_router("", quality.router)
api.add_router("", replenishment.router)
api.add_router("", forecasting.router)
api.add_router("", drafts.router)


@public
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The API described for people, from the same OpenAPI document that programs read."""
    return render(request, "api/docs.html", {"api": describe(api.get_openapi_schema())})


urlpatterns = [path("docs", docs, name="api-docs"), path("", api.urls)]
