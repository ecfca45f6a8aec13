"""Errors as RFC 9457 problem documents that name the field."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from core.listing.keyset import BadCursor
from core.refusals import Refusal
from oms.orchestration.requests import CartShort, shortage_message

TITLES = {
    400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed", 409: "Conflict",
    413: "Too large", 422: "Invalid input", 500: "Internal error", 503: "Unavailable",
}  # fmt: skip


def problem(
    status: int, code: str, detail: str, *, errors: list[dict[str, str]] | None = None, **extra: Any
) -> JsonResponse:
    """A problem document; `code` is stable for programs, `errors` names each field at fault."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    response = JsonResponse(body | extra, status=status, content_type="application/problem+json")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def refusal_problem(refusal: Refusal) -> JsonResponse:
    """A refused operation as a problem."""
    errors = [{"field": refusal.field, "message": str(refusal)}] if refusal.field else None
    if isinstance(refusal, CartShort):
        errors = [
            {"field": f"lines[{short.position}].quantity", "message": shortage_message(short)}
            for short in refusal.short
        ]
        return problem(
            refusal.status, refusal.code, str(refusal), errors=errors, short=[asdict(s) for s in refusal.short]
        )
    return problem(refusal.status, refusal.code, str(refusal), errors=errors)


def _field(location: tuple[Any, ...] | list[Any]) -> str:
    """``("body", "data", "lines", 0, "quantity")`` → ``lines[0].quantity``."""
    parts = [part for part in location if part not in ("body", "query", "path", "header", "data", "filters")]
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else (f".{part}" if name else str(part))
    return name or "body"


def install(api: NinjaAPI) -> None:
    """Make every error of the API a problem document."""

    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, error: Refusal) -> JsonResponse:
        return refusal_problem(error)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> JsonResponse:
        errors = [{"field": _field(e["loc"]), "message": str(e["msg"])} for e in error.errors]
        detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5])
        return problem(422, "invalid_input", detail, errors=errors)

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: AuthenticationError) -> JsonResponse:
        return problem(401, "unauthorized", "Send a valid token as “Authorization: Bearer …”.")

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, error: HttpError) -> JsonResponse:
        return problem(error.status_code, "bad_request", error.message)

    @api.exception_handler(BadCursor)
    def bad_cursor(request: HttpRequest, error: BadCursor) -> JsonResponse:
        message = "This cursor was not made for this list."
        return problem(422, "bad_cursor", message, errors=[{"field": "cursor", "message": message}])
