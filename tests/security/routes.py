"""Every address of the installation with something behind it, and every act with data that would really do it.

`test_walk.py` fails for a route that has no entry here: whoever adds an address says here what may be asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core.models import User
from core.permissions import Role
from tests.channels.files import orders_file
from tests.currencies.walked import rates_file
from tests.factories.counts import picture
from tests.security.pages import form_with
from tests.security.world import PASSWORD, World

Arguments = Callable[[World, str | None], dict[str, Any]]
Data = Callable[[World, str], dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """One pattern of the resolver: its name, its path as written, its view."""

    name: str
    path: str
    view: Any

    @property
    def permission(self) -> str | None:
        """The declared permission; None for a public page. AttributeError when nothing is declared."""
        return self.view.permission  # type: ignore[no-any-return]

    @property
    def converters(self) -> list[str]:
        return [part for part in self.path.split("/") if "<" in part]


def all_routes() -> list[Route]:
    """The resolver's patterns, without the API's, which has its own guard and its own walk."""
    return [route for route in _patterns(get_resolver().url_patterns, "") if not route.name.startswith("api-v1:")]


def route(name: str) -> Route:
    """The pattern of a name."""
    return next(found for found in all_routes() if found.name == name)


def _patterns(patterns: Any, prefix: str, namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else namespace
            yield from _patterns(pattern.url_patterns, prefix + str(pattern.pattern), inner)
        elif isinstance(pattern, URLPattern):
            yield Route(f"{namespace}{pattern.name}", prefix + str(pattern.pattern), pattern.callback)


def _none(_world: World, _role: str | None) -> dict[str, Any]:
    return {}


def of(name: str, argument: str = "pk") -> Arguments:
    """The arguments of a route that speaks of one row of the world."""
    return lambda world, _role: {argument: getattr(world, name).pk}


def _portal(*, of_return: str = "") -> Arguments:
    def arguments(world: World, _role: str | None) -> dict[str, Any]:
        if of_return:
            made = getattr(world, of_return)
            return {"token": made.order.token, "number": made.number}
        return {"token": world.sent.token}

    return arguments


#: Route → the arguments with which it leads to something.
ROUTES: dict[str, Arguments] = {
    **dict.fromkeys(
        (
            "home",
            "search",
            "login",
            "logout",
            "set_language",
            "preferences",
            "change-password",
            "healthz",
            "jobs",
            "users",
            "user-new",
            "orders",
            "holds",
            "mentions",
            "risk",
            "risk-rules",
            "risk-thresholds",
            "risk-rules-usual",
            "risk-addresses",
            "drafts",
            "draft-new",
            "tax-rates",
            "order-skus",
            "products",
            "product-new",
            "stock",
            "stock-add",
            "stock-grid",
            "barcodes",
            "stock-changes",
            "bundles-export",
            "lots",
            "lot-parcels",
            "serials",
            "locations",
            "location-new",
            "fulfillment",
            "ship-together",
            "pack-station",
            "backorders",
            "backorder-settings",
            "delivery-lanes",
            "delivery-lane-new",
            "delivery-lanes-import",
            "delivery-calendars",
            "customers",
            "reports",
            "track-lookup",
            "channels",
            "channel-new",
            "imports",
            "import-new",
            "exchange",
            "returns",
            "return-scan",
            "api-docs",
            "routing",
            "routing-edit",
            "routing-try",
            "routing-retry",
            "routing-versions",
            "settings",
            "payments",
            "gateways",
            "availability",
            "availability-rules",
            "availability-rule-new",
            "availability-rules-file",
            "availability-rules-import",
            "availability-pools",
            "availability-pool-new",
            "availability-channels",
            "alerts",
            "alert-preferences",
            "replenishment-settings",
            "forecast",
            "forecast-run",
            "forecast-settings",
            "reorder",
            "reorder-plan",
            "policies",
            "policy-new",
            "policy-grid",
            "policies-import",
            "policies-file",
            "counts",
            "count-new",
            "count-next",
            "count-schedules",
            "count-schedule-new",
            "count-accuracy",
            "quality",
            "quality-rest",
            "quality-reasons",
            "nonconformance-new",
            "transfers",
            "transfer-new",
            "transfer-suggestions",
            "transfer-import",
            "transfer-scan",
            "receivables",
            "debtors",
            "overpayments",
            "store-credit",
            "credit-grant",
            "statements",
            "statement-import",
            "collections",
            "payment-methods",
            "payment-method-new",
            "rates",
            "rate-new",
            "rates-import",
            "unrated-orders",
            "purchase-orders",
            "purchase-order-new",
            "purchase-scan",
            "receipts",
            "suppliers",
            "supplier-new",
            "supplier-import",
            "supplier-items",
            "costs",
            "cost-method",
            "stock-costs",
            "invoices",
            "invoices-due",
            "invoice-taxes",
            "invoicing-settings",
            "invoice-series-new",
        ),
        _none,
    ),
    "invoice": of("invoice"),
    "invoice-pdf": of("invoice"),
    "invoice-mail": of("invoice"),
    "invoice-credit": of("invoice"),
    "invoice-series": of("invoice_series"),
    "order-invoice": of("order"),
    "order-pro-forma": of("order"),
    "tracking-document": lambda world, _role: {"token": world.billed.token, "pk": world.invoice.pk},
    "risk-decide": of("assessment"),
    "order-risk": of("order"),
    "risk-rule": of("risk_rule"),
    "risk-rule-remove": of("risk_rule"),
    "risk-rule-new": lambda _world, _role: {"kind": "amount"},
    "address-accept": of("check_suggested"),
    "address-as-is": of("check_wrong"),
    "draft": of("draft_open"),
    "draft-edit": of("draft_open"),
    "draft-find": of("draft_open"),
    "draft-act": of("draft_open"),
    "draft-pdf": of("draft_open"),
    "draft-offer": lambda world, _role: {"token": world.draft_sent.token},
    "draft-offer-accept": lambda world, _role: {"token": world.draft_sent.token},
    "draft-offer-pdf": lambda world, _role: {"token": world.draft_sent.token},
    "tax-rate": of("tax_rate"),
    "tax-rate-delete": of("tax_rate"),
    "purchase-order": of("purchase_half"),
    "purchase-order-edit": of("purchase_draft"),
    "purchase-order-act": of("purchase_draft"),
    "purchase-order-confirm": of("purchase_sent"),
    "purchase-order-close": of("purchase_half"),
    "purchase-order-cancel": of("purchase_sent"),
    "purchase-order-charges": of("purchase_half"),
    "purchase-order-pdf": of("purchase_half"),
    "purchase-floor": of("purchase_half"),
    "supplier": of("supplier"),
    "supplier-edit": of("supplier"),
    "supplier-item-save": of("supplier"),
    "supplier-item-delete": of("supplier_item"),
    "variant-cost": of("variant"),
    "count": of("count_open"),
    "count-record": of("count_open"),
    "count-act": of("count_open"),
    "count-scan": of("count_open"),
    "count-reopen": of("count_counted"),
    "count-reasons": of("count_counted"),
    "count-post": of("count_counted"),
    "count-schedule": of("count_schedule"),
    "nonconformance": of("case"),
    "nonconformance-resolve": of("case"),
    "nonconformance-photos": of("case"),
    "nonconformance-photo": lambda world, _role: {"pk": world.case.pk, "photo": world.photo.pk},
    "transfer": of("transfer_received"),
    "transfer-edit": of("transfer_draft"),
    "transfer-act": of("transfer_draft"),
    "transfer-dispatch": of("transfer_ready"),
    "transfer-settle": of("transfer_in_transit"),
    "transfer-find": of("transfer_received"),
    "transfer-undo": of("transfer_received"),
    "transfer-floor": of("transfer_in_transit"),
    "transfer-slip": of("transfer_in_transit"),
    "forecast-one": of("forecast"),
    "backorder": of("short"),
    "backorder-fill": of("short"),
    "delivery-lane": of("lane"),
    "availability-receipt": of("shown"),
    "availability-rule": of("availability_rule"),
    "availability-rule-delete": of("availability_rule"),
    "availability-pool": of("pool"),
    "availability-pool-delete": of("pool"),
    "availability-webhook": of("channel"),
    "availability-recompute": of("channel"),
    "availability-webhook-test": of("channel"),
    "availability-webhook-key": of("channel"),
    "availability-webhook-send": of("channel"),
    "token-revoke": of("api_token"),
    "job": of("done_job"),
    "job-cancel": of("queued_job"),
    "job-resume": of("failed_job"),
    "job-output": of("done_job"),
    "job-errors": of("done_job"),
    "user": lambda world, _role: {"pk": world.users[Role.VIEWER].pk},
    "order": of("order"),
    "order-receipt": lambda world, _role: {"pk": world.order.pk, "decision": world.decision.pk},
    "order-route": of("lacking"),
    "order-print": of("order"),
    "order-cancel": of("order"),
    "order-change": of("order"),
    "order-hold": of("order"),
    "order-release": lambda world, _role: {"pk": world.held.pk, "hold": world.hold.pk},
    "order-tags": of("order"),
    "order-assign": of("order"),
    "order-archive": of("finished"),
    "order-paper": of("order"),
    "bulk-undo": of("done_act"),
    "order-note": of("order"),
    "order-payment": of("unpaid"),
    "order-refund": of("order"),
    "product": lambda world, _role: {"pk": world.variant.product_id},
    "product-edit": lambda world, _role: {"pk": world.variant.product_id},
    "product-switch": lambda world, _role: {"pk": world.variant.product_id},
    "variant-new": lambda world, _role: {"pk": world.variant.product_id},
    "variant": of("variant"),
    "variant-delete": of("unused_variant"),
    "variant-components": of("bundle"),
    "variant-unbundle": of("bundle"),
    "stock-level": of("level"),
    "stock-adjust": of("level"),
    "stock-preview": of("level"),
    "stock-undo": of("level"),
    "stock-bin": of("level"),
    "stock-lots": of("lot_level"),
    "stock-serials": of("serial_level"),
    "lot": of("lot"),
    "lot-correct": of("lot"),
    "serial": of("unit"),
    "location": of("location"),
    "location-edit": of("location"),
    "fulfillment-order": of("work"),
    "fulfillment-order-action": of("fresh"),
    "fulfillment-missing": of("picking"),
    "fulfillment-merge": of("mergeable"),
    "fulfillment-unmerge": of("merged"),
    "fulfillment-split": of("mergeable"),
    "fulfillment-join": of("split_off"),
    "order-merge": of("order"),
    "order-split": of("order"),
    "pick": of("picking"),
    "pack": of("picked"),
    "print": of("work"),
    "fulfillment-slip": of("work"),
    "fulfillment-paper": lambda world, _role: {"pk": world.packed.pk, "kind": "label_pdf"},
    "customer": of("customer"),
    "tracking": _portal(),
    "tracking-return-items": _portal(),
    "tracking-return": _portal(of_return="approved"),
    "tracking-return-cancel": _portal(of_return="approved"),
    "tracking-return-label": _portal(of_return="approved"),
    "channel": of("channel"),
    "import": of("import_run"),
    "import-refused": of("import_run"),
    "import-apply": of("import_trial"),
    "exchange-example": lambda _world, _role: {"slug": "inventory"},
    "exchange-export": lambda _world, _role: {"slug": "inventory"},
    "import-preview": lambda world, role: {"token": world.upload(role)},
    "return": of("requested"),
    "return-approve": of("requested"),
    "return-decline": of("requested"),
    "return-act": of("approved"),
    "return-resolve": of("inspected"),
    "return-label": of("approved"),
    "return-floor": of("received"),
    "return-receive": of("approved"),
    "return-scan-unit": of("approved"),
    "return-inspect": of("received"),
    "return-finish": of("received"),
    "return-new": lambda world, _role: {"order_pk": world.sent.pk},
    "routing-version": lambda _world, _role: {"version": 0},
    "routing-restore": lambda _world, _role: {"version": 0},
    "routing-decision": of("decision"),
    "alert": of("low_alert"),
    "alert-snooze": of("low_alert"),
    "reorder-one": of("low_need"),
    "policy-edit": of("low_policy"),
    "policy-act": of("low_policy"),
    "gateway-new": lambda _world, _role: {"kind": "stripe"},
    "gateway": of("gateway_account"),
    "gateway-test": of("gateway_account"),
    "credit-account": of("credit_account"),
    "order-credit": of("credit_order"),
    "order-credit-refund": of("sent"),
    "order-collect": of("credit_order"),
    "statement-line": of("statement_row"),
    "payment-method-edit": of("payment_method"),
    "payment": of("held_payment"),
    "payment-ask": of("held_payment"),
    "payment-capture": of("held_payment"),
    "payment-release": of("held_payment"),
    "order-payment-link": of("elsewhere"),
    "order-capture": of("elsewhere"),
    "order-adopt": of("elsewhere"),
    "pay": lambda world, _role: {"token": world.elsewhere.token},
    "pay-go": lambda world, _role: {"token": world.waiting_payment.order.token, "pk": world.waiting_payment.pk},
    "pay-return": lambda world, _role: {"token": world.held_payment.order.token, "pk": world.held_payment.pk},
    "payment-webhook": lambda world, _role: {"token": world.gateway_account.webhook_token},
}


@dataclass(frozen=True)
class Act:
    """A POST with data that does something. permission: what it needs, when that is more than its page does.

    changes: False for a post that only looks or leads on. arguments: of another row than the page's own.
    """

    route: str
    data: Data
    name: str = ""
    permission: str = ""
    changes: bool = True
    arguments: Arguments | None = None

    @property
    def id(self) -> str:
        return f"{self.route}{':' if self.name else ''}{self.name}"

    def url(self, world: World, role: str | None) -> str:
        return reverse(self.route, kwargs=(self.arguments or ROUTES[self.route])(world, role))

    def permission_needed(self) -> str | None:
        """The permission that the act needs; None when anybody may (the portal, the way in and out)."""
        return self.permission or route(self.route).permission


def fixed(**data: Any) -> Data:
    """Data that is the same for everybody."""
    return lambda _world, _role: data


def as_shown(field: str, *, page: str = "", arguments: Arguments | None = None, **changes: Any) -> Data:
    """The form of a page as it is shown to the owner, with some fields filled in or changed."""

    def data(world: World, _role: str) -> dict[str, Any]:
        where = arguments or ROUTES[page]
        response = world.client(Role.OWNER).get(reverse(page, kwargs=where(world, Role.OWNER)))
        form = form_with(response.content.decode(), field)
        values = {name: change(world) if callable(change) else change for name, change in changes.items()}
        return form.fields | values

    return data


def _changed_phone(world: World, role: str) -> dict[str, Any]:
    """A change of the order as the preview of it is sent on."""
    page = reverse("order-change", kwargs=ROUTES["order-change"](world, role))
    client = world.client(Role.OWNER)
    filled = form_with(client.get(page).content.decode(), "reason").fields | {"phone": "+48 22 111", "step": "preview"}
    return form_with(client.post(page, filled).content.decode(), "digest").fields | {"step": "submit"}


def _ticked(name: str) -> Callable[[World, str], dict[str, Any]]:
    return lambda world, _role: {"id": [getattr(world, name).pk]}


def _bulk(action: str, name: str, **more: Any) -> Data:
    return lambda world, role: _ticked(name)(world, role) | {"action": action, "confirmed": "1", **more}


def _resolved(world: World, _role: str) -> dict[str, Any]:
    response = world.client(Role.OWNER).get(reverse("return", args=[world.inspected.pk]))
    return form_with(response.content.decode(), "amount").fields


def _return_lines(world: World, _role: str) -> dict[str, Any]:
    line = world.sent.lines.get()
    return {f"quantity-{line.pk}": 1, f"reason-{line.pk}": "damaged", "request_key": "walk-key-0123456789"}


_SUPPLIER = {
    "name": "Another",
    "code": "OTHER",
    "currency": "EUR",
    "language": "en",
    "lead_time_days": "5",
    "active": "on",
}


def _purchase_line(name: str, **values: Any) -> Data:
    """Fields of an order's only line; a name that ends in - gets the line's id; an empty location is the order's."""

    def data(world: World, _role: str) -> dict[str, Any]:
        order = getattr(world, name)
        line = order.lines.get()
        filled = {f"{key}{line.pk}" if key.endswith("-") else key: value for key, value in values.items()}
        return filled | ({"location": order.location_id} if "location" in values else {})

    return data


def _fewer_rules(world: World, role: str) -> dict[str, Any]:
    """The editor's draft without its last ranker, to be published."""
    draft = as_shown("based_on", page="routing-edit")(world, role)
    last = max(name for name in draft if name.startswith("rankers-") and name.endswith("-name"))
    gone = last.removesuffix("name")
    return {name: value for name, value in draft.items() if not name.startswith(gone)} | {
        "act": "publish",
        "note": "simpler",
    }


def _availability_rule(world: World, _role: str) -> dict[str, Any]:
    return {"channel": world.channel.pk, "scope": "channel", "buffer": "units", "value": "3", "active": "on"}


def _grid(world: World, _role: str) -> dict[str, Any]:
    """A cell of the grid, changed."""
    pk, units = world.level.pk, world.level.safety_stock
    return {
        "row": pk,
        f"was-safety_stock-{pk}": units,
        f"safety_stock-{pk}": units + 2,
        "reason": "safety",
        "key": "e" * 32,
        "step": "save",
    }


_TRANSFER = {"sku": "TEE", "quantity": "2", "key": "b2" * 16, "step": "save"}


def _between(world: World, _role: str) -> dict[str, Any]:
    return _TRANSFER | {"origin": world.location.pk, "destination": world.other_location.pk}


def _suggested(world: World, _role: str) -> dict[str, Any]:
    pair = f"{world.location.pk}-{world.other_location.pk}"
    return {"key": "c3" * 16, "pair": pair, f"units-{pair}-{world.variant.pk}": "2"}


def _of_line(name: str, **fields: Any) -> Data:
    """Fields of a transfer's only line; a name that ends in - gets the line's id."""

    def data(world: World, _role: str) -> dict[str, Any]:
        transfer = getattr(world, name)
        line = transfer.lines.get()
        version = type(transfer).objects.values_list("version", flat=True).get(pk=transfer.pk)
        filled = {f"{key}{line.pk}" if key.endswith("-") else key: value for key, value in fields.items()}
        return filled | {"version": version, "line": line.pk}

    return data


_ADJUST = {"bucket": "on_hand", "how": "change", "quantity": "2", "reason": "found", "key": "a1" * 16}

ACTS = [
    # The kernel:
    Act("login", fixed(username="owner-walker", password=PASSWORD), changes=False),
    Act("logout", fixed(), changes=False),
    Act("set_language", fixed(language="pl", next="/"), changes=False),
    Act("preferences", fixed(language="pl", time_zone="Europe/Warsaw", theme="dark")),
    Act(
        "change-password",
        fixed(old_password=PASSWORD, new_password1="another phrase 19", new_password2="another phrase 19"),
    ),
    Act("settings", as_shown("name", page="settings", name="Another shop")),
    Act("token-revoke", fixed()),
    Act("job-cancel", fixed()),
    Act("job-resume", fixed()),
    Act("user-new", fixed(username="newcomer", password="a phrase of its own 4", role="viewer")),
    Act("user", as_shown("role", page="user", role="support")),
    Act("customer", as_shown("name", page="customer", name="Another Name"), permission="customers.edit"),
    # Orders:
    Act("order-change", _changed_phone),
    # Drafts:
    Act("drafts", _bulk("expire", "draft_open"), "expire", "drafts.edit"),
    Act("draft-new", fixed(scenario="phone")),
    Act("draft-edit", as_shown("version", page="draft", po_number="PO-1")),
    Act("draft-edit", as_shown("version", page="draft", act="hold", hold_until="2036-01-01T10:00"), "hold"),
    Act("draft-edit", as_shown("version", page="draft", act="place"), "place"),
    Act("draft-act", fixed(action="duplicate")),
    Act("draft-offer-accept", lambda world, _role: {"version": world.draft_sent.version}),
    Act("tax-rates", fixed(country="FR", name="TVA", rate="20")),
    Act("tax-rate", fixed(country="PL", name="VAT", rate="8")),
    Act("tax-rate-delete", fixed()),
    Act("order-route", fixed()),
    Act("order-print", fixed()),
    Act(
        "order-cancel",
        lambda world, _role: {"version": world.order.version, f"line-{world.line.pk}": 1, "step": "cancel"},
    ),
    Act("order-hold", fixed(kind="operator", reason="wait")),
    Act("order-release", fixed()),
    Act("order-tags", fixed(add="vip")),
    Act("order-assign", lambda _world, _role: {"person": User.objects.earliest("pk").pk}),
    Act("order-archive", fixed()),
    Act("bulk-undo", fixed(), changes=False),  # one's own acts only
    Act("mentions", lambda world, role: {"action": "seen", "id": [world.mentions[role].pk], "confirmed": "1"}, "seen"),
    Act("orders", _bulk("note", "order", text="look here"), "note", "orders.note"),
    Act("orders", _bulk("assign", "order", person=""), "assign", "orders.assign"),
    Act("orders", _bulk("edit", "order", due="2036-01-01"), "edit", "orders.change"),
    Act("orders", _bulk("invoice", "order"), "invoice", "invoices.issue"),
    Act("orders", _bulk("route", "lacking", again="no"), "route", "orders.route"),
    Act("orders", _bulk("archive", "finished"), "archive", "orders.archive"),
    Act("orders", _bulk("unarchive", "finished"), "unarchive", "orders.archive"),
    Act("orders", _bulk("refund", "order", everything="all", reason="sorry"), "refund", "payments.refund"),
    Act("order-note", fixed(text="call them")),
    Act("order-payment", fixed(key="walk-payment", amount="1", method="Cash")),
    Act("order-refund", fixed(key="walk-refund", amount="1", reason="goodwill")),
    Act("orders", _bulk("print", "order"), "print", "fulfillment.print"),
    Act("orders", _bulk("print_labels", "order"), "print_labels", "fulfillment.print"),
    Act("orders", _bulk("print_slips", "order"), "print_slips", "fulfillment.print"),
    Act("orders", _bulk("hold", "order", kind="operator"), "hold", "orders.hold"),
    Act("orders", _bulk("release", "held"), "release", "orders.hold"),
    Act("risk-decide", fixed(decision="accepted", reason="known by phone")),
    Act("risk", _bulk("accept", "assessment", reason="known"), "accept", "risk.edit"),
    Act("risk", _bulk("reject", "assessment", reason="stolen"), "reject", "risk.edit"),
    Act("order-risk", fixed()),
    Act("risk-rule", fixed(score="30", step="save")),
    Act("risk-rule-remove", fixed()),
    Act("risk-rule-new", fixed(limit="100", currency="EUR", score="30", active="on", step="save")),
    Act("risk-thresholds", fixed(review_at="40", hold_at="80")),
    Act("risk-rules-usual", fixed(), changes=False),  # there is a rule already
    Act("address-accept", fixed()),
    Act("address-as-is", fixed(reason="the courier knows it")),
    Act("risk-addresses", _bulk("accept", "check_suggested"), "accept", "orders.edit"),
    Act("risk-addresses", _bulk("as_is", "check_wrong", reason="known"), "as_is", "orders.edit"),
    Act("holds", _bulk("release", "hold"), "release", "orders.hold"),
    Act(
        "holds",
        lambda world, role: _bulk("assign", "hold")(world, role) | {"owner": world.users[Role.OWNER].pk},
        "assign",
        "orders.hold",
    ),
    Act("orders", _bulk("tag", "order", add="vip"), "tag", "orders.tag"),
    Act("orders", _bulk("cancel", "order"), "cancel", "orders.cancel"),
    Act("orders", fixed(action="save_view", name="Mine"), "save_view"),
    Act("orders", fixed(action="save_view", name="Ours", shared="1"), "save_shared_view", "views.share"),
    # Goods:
    Act("product-new", fixed(title="A new thing")),
    Act("product-edit", as_shown("title", page="product-edit", title="Another title")),
    Act("product-switch", fixed(active="no")),
    Act("variant-new", as_shown("sku", page="variant-new", sku="NEW-SKU", price="3", weight_grams="10")),
    Act("variant", as_shown("sku", page="variant", price="44")),
    Act("variant-delete", fixed()),
    Act("variant-components", lambda world, _role: {f"component-{world.variant.pk}": 3}),
    Act("variant-unbundle", fixed()),
    Act("stock-add", lambda world, _role: _ADJUST | {"sku": "TEE", "location": world.other_location.pk}),
    Act("stock-adjust", fixed(**_ADJUST)),
    Act("stock-grid", _grid, "save"),
    Act(
        "barcodes",
        lambda world, _role: {
            "levels": world.level.pk,
            "what": "skus",
            "size": "57x32",
            "file": "pdf",
            "step": "print",
            f"n-sku-{world.level.pk}": 1,
        },
        changes=False,
    ),
    Act("stock", _bulk("grid", "level"), "grid", "inventory.adjust", changes=False),
    Act("stock", _bulk("labels", "level"), "labels", "inventory.view", changes=False),
    Act("stock-undo", lambda world, _role: {"movement": world.movement.pk}),
    Act("stock-bin", fixed(bin_name="Z-9")),
    Act("stock", _bulk("safety", "level", set_to="4"), "safety", "inventory.adjust"),
    Act("stock", _bulk("bin", "level", bin_name="Q-1"), "bin", "inventory.adjust"),
    Act(
        "stock", _bulk("count", "level", bucket="on_hand", set_to="300", reason="counted"), "count", "inventory.adjust"
    ),
    Act(
        "location-new",
        as_shown("name", page="location-new", name="Third", code="THIRD", country="PL", time_zone="UTC", city="Gdynia"),
    ),
    Act("location-edit", as_shown("name", page="location-edit", name="Main hall")),
    # The warehouse:
    Act("fulfillment-order-action", fixed(action="start_picking"), "start_picking", "fulfillment.pick"),
    Act(
        "fulfillment-order-action",
        fixed(action="finish_picking"),
        "finish_picking",
        "fulfillment.pick",
        arguments=of("picking"),
    ),
    Act("fulfillment-order-action", fixed(action="pack"), "pack", "fulfillment.pack", arguments=of("picked")),
    Act("fulfillment-order-action", fixed(action="ship"), "ship", "fulfillment.ship", arguments=of("packed")),
    Act("fulfillment-merge", lambda world, _role: {"id": world.mergeable_too.pk}),
    Act("fulfillment-unmerge", fixed(reason="Too heavy")),
    Act("fulfillment-split", lambda world, _role: {f"line-{world.mergeable.lines.get().pk}": 1}),
    Act("fulfillment-join", lambda world, _role: {"into": world.mergeable_too.pk}),
    Act("ship-together", _bulk("together", "mergeable"), "together", "fulfillment.pack"),
    Act("fulfillment-missing", lambda world, _role: {"line": world.picking.lines.get().pk, "units": 1}),
    Act("pick", fixed(code="TEE")),
    Act("pack", fixed(code="TEE")),
    Act("pack", fixed(action="ship"), "ship", "fulfillment.ship", arguments=of("packed")),
    Act("pack-station", fixed(code="F1-1"), changes=False),
    Act("print", fixed(what="labels")),
    Act("fulfillment", _bulk("print", "work", what="labels"), "print", "fulfillment.print"),
    Act("fulfillment", _bulk("start_picking", "fresh"), "start_picking", "fulfillment.pick"),
    Act("fulfillment", _bulk("pick_list", "work"), "pick_list", "fulfillment.pick"),
    Act("fulfillment", _bulk("ship", "packed"), "ship", "fulfillment.ship"),
    # Returns:
    Act("return-approve", fixed()),
    Act("return-decline", fixed(**{"decline-answer": "too late"})),
    Act("return-act", fixed(action="send"), "send", "returns.receive"),
    Act("return-act", fixed(action="cancel"), "cancel", "returns.approve"),
    Act("return-act", fixed(action="keep"), "keep", "returns.approve"),
    Act("return-resolve", _resolved),
    Act(
        "return-receive",
        lambda world, _role: {"location": world.location.pk, f"quantity-{world.approved.lines.get().pk}": 1},
    ),
    Act("return-scan-unit", lambda world, _role: {"code": world.approved.lines.get().order_line.sku}),
    Act(
        "return-inspect",
        lambda world, _role: {"line": world.received.lines.get().pk, "quantity": 1, "disposition": "scrap"},
    ),
    Act("return-finish", fixed(), arguments=of("emptied")),
    Act("return-new", _return_lines),
    Act("returns", _bulk("approve", "requested"), "approve", "returns.approve"),
    Act("returns", _bulk("decline", "requested", answer="too late"), "decline", "returns.approve"),
    # Channels:
    Act("channel-new", as_shown("name", page="channel-new", name="Market", currency="EUR")),
    Act("channel", as_shown("name", page="channel", name="Renamed")),
    Act(
        "import-new",
        lambda world, _role: {
            "kind": "orders",
            "channel": world.channel.pk,
            "file": SimpleUploadedFile("orders.csv", orders_file({"Id": "778"})),
        },
    ),
    Act("import-preview", fixed(encoding="", delimiter="", decimal_mark="", time_zone="")),
    Act("import-apply", fixed()),
    Act("exchange-export", fixed()),
    # Routing:
    Act("routing-retry", fixed()),
    Act("routing-edit", _fewer_rules, "publish"),
    Act("routing-try", as_shown("based_on", page="routing-edit"), permission="routing.edit", changes=False),
    Act("routing-restore", fixed(based_on="1", note="back"), changes=False),
    # Counts, and goods set aside:
    Act("count-new", lambda world, _role: {"location": world.location.pk, "kind": "skus", "skus": "TEE"}),
    Act("count-next", lambda world, _role: {"location": world.location.pk, "bin": "A-1"}, permission="counts.count"),
    Act("count-record", lambda world, _role: {f"line-{world.count_open.lines.get().pk}": "7"}),
    Act("count-scan", fixed(code="TEE", bin="A-1")),
    Act("count-act", fixed(action="finish", anyway="1"), "finish", "counts.post"),
    Act("count-act", fixed(action="abandon"), "abandon", "counts.post"),
    Act("count-reopen", lambda world, _role: {"line": world.count_line.pk}),
    Act("count-reasons", lambda world, _role: {f"reason-{world.count_line.pk}": "fell behind the shelf"}),
    Act("count-post", fixed(unlisted="leave")),
    Act("count-schedule-new", as_shown("next_on", page="count-schedule-new", location=lambda world: world.location.pk)),
    Act("count-schedule", as_shown("next_on", page="count-schedule", every_days="3")),
    Act("counts", _bulk("abandon", "count_open"), "abandon", "counts.post"),
    Act(
        "nonconformance-new",
        lambda world, _role: {
            "sku": "TEE",
            "location": world.location.pk,
            "kind": "damaged",
            "quantity": 1,
            "reason": "transit",
            "source": "stock",
            "key": "c" * 32,
        },
    ),
    Act("nonconformance-resolve", fixed(resolution="scrap", quantity=1, key="d" * 32)),
    Act("nonconformance-photos", lambda _world, _role: {"photos": SimpleUploadedFile("a.jpg", picture())}),
    Act("quality-reasons", fixed(code="wet", name="Wet"), permission="inventory.edit"),
    # Availability:
    Act("availability-rules", _bulk("switch_on", "availability_rule"), "switch_on", "availability.edit", changes=False),
    Act("availability-rules", _bulk("switch_off", "availability_rule"), "switch_off", "availability.edit"),
    Act("availability-rules", _bulk("delete", "availability_rule"), "delete", "availability.edit"),
    Act("availability-rule-new", _availability_rule),
    Act(
        "availability-rule",
        lambda world, role: _availability_rule(world, role) | {"scope": "tag", "target": "walked", "version": "1"},
        permission="availability.edit",
    ),
    Act("availability-rule-delete", fixed()),
    Act(
        "availability-rules-import",
        lambda _world, _role: {"file": SimpleUploadedFile("rules.csv", b"channel,scope\nWeb,channel\n")},
    ),
    Act("availability-pool-new", lambda world, _role: {"name": "Another pool", "locations": [world.location.pk]}),
    Act("availability-pool", lambda world, _role: {"name": "Renamed", "locations": [world.location.pk]}),
    Act("availability-pool-delete", fixed()),
    Act(
        "availability-webhook",
        fixed(url="https://shop.example/hook", active="on"),
        permission="availability.edit",
    ),
    Act("availability-recompute", fixed()),
    Act("availability-webhook-test", fixed()),
    Act("availability-webhook-key", as_shown("mark", page="availability-webhook")),
    Act("availability-webhook-send", fixed()),
    # Payments:
    Act(
        "gateway-new",
        fixed(
            name="Another card", capture="shipped", test_mode="on", api_key="sk_test_other", webhook_secret="whsec_x"
        ),
    ),
    Act("gateway", as_shown("name", page="gateway", name="Cards")),
    Act("gateway-test", fixed()),
    Act("payment-ask", fixed()),
    Act("payment-capture", fixed(key="walk", amount="1")),
    Act("payment-release", fixed()),
    Act("order-payment-link", fixed(email="buyer@example.com")),
    Act(
        "order-adopt",
        lambda world, _role: {"account": world.gateway_account.pk, "reference": world.elsewhere_reference},
    ),
    Act("pay", lambda world, _role: {"account": world.gateway_account.pk}),
    Act("payment-webhook", fixed(), changes=False),
    # Purchasing:
    # Invoicing:
    Act("order-invoice", as_shown("version", page="order-invoice")),
    Act("order-pro-forma", as_shown("version", page="order-pro-forma")),
    Act("invoice-mail", fixed(to="books@example.com", key="walk")),
    Act("invoice-credit", fixed(key="walk-credit", amount="1", reason="late")),
    Act("invoicing-settings", as_shown("legal_name", page="invoicing-settings", legal_name="Walked Ltd")),
    Act(
        "invoice-series-new",
        lambda world, _role: {
            "kind": "invoice",
            "channel": world.channel.pk,
            "prefix": "WALK-",
            "digits": 4,
            "first": 1,
        },
    ),
    Act("invoice-series", fixed(prefix="WALKED-", digits=6)),
    Act("invoices", _bulk("pdf", "invoice"), "pdf", "invoices.view"),
    Act("invoices", _bulk("zip", "invoice"), "zip", "invoices.view"),
    Act("invoices", _bulk("mail", "invoice"), "mail", "invoices.issue"),
    Act("invoices-due", _bulk("issue", "order"), "issue", "invoices.issue"),
    Act("invoices-due", _bulk("issue_mail", "order"), "issue_mail", "invoices.issue"),
    Act("purchase-order-new", lambda world, _role: {"supplier": world.supplier.pk, "location": world.location.pk}),
    Act("purchase-order-edit", _purchase_line("purchase_draft", location="", **{"quantity-": 7, "cost-": "3.10"})),
    Act("purchase-order-act", fixed(action="mark"), "mark"),
    Act("purchase-order-act", fixed(action="send"), "send"),
    Act("purchase-order-act", fixed(action="approve"), "approve", arguments=of("purchase_automatic")),
    Act("purchase-order-act", fixed(action="mail"), "mail", arguments=of("purchase_sent")),
    Act("purchase-order-confirm", _purchase_line("purchase_sent", **{"confirm-quantity-": 4})),
    Act("purchase-order-close", _purchase_line("purchase_half", **{"close-quantity-": 1, "close-reason": "sold out"})),
    Act("purchase-order-cancel", fixed(**{"cancel-reason": "doubled"})),
    Act(
        "purchase-order-charges",
        fixed(
            **{
                "charges-freight": "4",
                "charges-duty": "0",
                "charges-other": "0",
                "charges-charge_basis": "value",
            }
        ),
    ),
    Act("purchase-floor", fixed(code="TEE")),
    Act("purchase-scan", fixed(code="PO-0"), changes=False),
    Act("purchase-orders", _bulk("approve", "purchase_automatic"), "approve", "purchasing.send"),
    Act("purchase-orders", _bulk("send", "purchase_draft"), "send", "purchasing.send"),
    Act("supplier-new", lambda _world, _role: _SUPPLIER),
    Act("supplier-edit", lambda _world, _role: _SUPPLIER | {"name": "Renamed"}),
    Act(
        "supplier-item-save",
        fixed(variant_sku="NEVER-SOLD", price="2.40", pack_size="6", minimum_quantity="6"),
    ),
    Act("supplier-item-delete", fixed()),
    Act(
        "supplier-import",
        lambda _world, _role: {"file": SimpleUploadedFile("prices.csv", b"Supplier code,Name\nACME,Acme\n")},
    ),
    Act("variant-cost", fixed(unit_cost="2.5", note="an old invoice"), permission="purchasing.edit"),
    Act("cost-method", fixed(method="fifo")),
    # Transfers:
    Act("transfer-new", _between),
    Act("transfer-edit", lambda world, role: _between(world, role) | {"version": world.transfer_draft.version}),
    Act("transfer-act", fixed(action="ready"), "ready"),
    Act("transfer-act", fixed(action="cancel"), "cancel"),
    Act("transfer-act", fixed(action="revise"), "revise", arguments=of("transfer_ready")),
    Act("transfer-dispatch", _of_line("transfer_ready", **{"quantity-": 3})),
    Act("transfer-settle", _of_line("transfer_in_transit", **{"missing-": 1, "reason-": "lost"})),
    Act("transfer-find", _of_line("transfer_received", quantity=1, place="origin")),
    Act("transfer-undo", lambda world, _role: {"arrival": world.transfer_arrival.pk}),
    Act("transfer-floor", fixed(code="TEE")),
    Act("transfer-scan", fixed(code="TR-0"), changes=False),
    Act("transfer-suggestions", _suggested, permission="transfers.edit"),
    Act(
        "transfer-import",
        lambda _world, _role: {
            "file": SimpleUploadedFile("moves.csv", b"origin,destination,sku,quantity\nMain,Second,TEE,1\n")
        },
    ),
    Act("transfers", _bulk("ready", "transfer_draft"), "ready", "transfers.edit"),
    Act("transfers", _bulk("print", "transfer_draft"), "print", "transfers.view"),
    Act("transfers", _bulk("cancel", "transfer_draft", reason=""), "cancel", "transfers.edit"),
    # What is owed, store credit, ways of paying:
    Act("receivables", _bulk("remind", "credit_order"), "remind", "payments.record"),
    Act("credit-grant", fixed(key="walk", email="credit@example.com", amount="3", currency="EUR", reason="sorry")),
    Act("credit-account", fixed(key="walk", amount="1", reason="typo"), permission="payments.refund"),
    Act("order-credit", fixed(key="walk", amount="1")),
    Act("order-credit-refund", fixed(key="walk", amount="1", reason="late")),
    Act("order-collect", fixed(method="Cash on delivery")),
    Act("collections", _bulk("settle", "collection"), "settle", "payments.record"),
    Act(
        "statement-import",
        lambda _world, _role: {
            "file": SimpleUploadedFile("bank.csv", b"date,amount,text\n2026-11-19,3.00,hello\n"),
            "currency": "EUR",
        },
    ),
    Act("statements", _bulk("record", "statement_row"), "record", "payments.record"),
    Act("statements", _bulk("ignore", "statement_row"), "ignore", "payments.record"),
    Act(
        "statement-line",
        lambda world, _role: {"number": world.statement_row.order.number, "method": "Cash"},
        permission="payments.record",
    ),
    Act("payment-method-new", fixed(name="Cheque", kind="other", active="on")),
    Act("payment-method-edit", fixed(name="Walked", kind="cash", instructions="new", active="on")),
    # Exchange rates:
    Act("rate-new", fixed(base="EUR", quote="USD", rate="1.08", day="2026-11-20")),
    Act("rates-import", lambda _world, _role: {"file": rates_file()}),
    Act("rates", _bulk("delete", "rate"), "delete", "rates.edit"),
    Act("unrated-orders", _bulk("look-up", "unrated"), "look-up", "rates.edit"),
    Act("unrated-orders", _bulk("set", "unrated", rate="0.9"), "set", "rates.edit"),
    # Back-orders and delivery dates:
    Act("backorder-fill", lambda world, _role: {"strategy": "oldest", "digest": world.fill_digest}),
    Act("backorder-settings", fixed(strategy="complete", quiet_days="3")),
    Act("delivery-lane-new", fixed(from_country="PL", to_country="GB", min_days="2", max_days="4")),
    Act("delivery-lane", fixed(action="delete"), "delete"),
    Act("delivery-lane", fixed(from_country="PL", to_country="DE", min_days="3", max_days="4")),
    Act(
        "delivery-lanes-import",
        lambda _world, _role: {
            "file": SimpleUploadedFile("lanes.csv", b"from_country,to_country,min_days,max_days\nPL,FR,1,2\n")
        },
    ),
    Act(
        "delivery-calendars",
        fixed(**{"section": "closed", "closed-location": "", "closed-days": "2030-12-25"}),
        permission="locations.edit",
    ),
    Act("delivery-lanes", _bulk("delete", "lane"), "delete", "locations.edit"),
    # Forecasts:
    Act("forecast-run", fixed()),
    Act(
        "forecast-settings",
        fixed(
            lead_time_days="14",
            lead_time_sd="4",
            review_days="9",
            cover_days="30",
            service_fast="97",
            service_slow="95",
            service_intermittent="90",
        ),
        permission="replenishment.edit",
    ),
    # Low stock:
    Act("alert-snooze", fixed(action="snooze", days="3")),
    Act("alert-preferences", fixed(frequency="at_once", back_in_stock="on")),
    Act("replenishment-settings", as_shown("digest_hour", page="replenishment-settings", digest_hour="7")),
    Act("alerts", _bulk("snooze", "low_alert", days="3"), "snooze", "alerts.snooze"),
    Act("alerts", _bulk("wake", "snoozed_alert"), "wake", "alerts.snooze"),
    Act("alerts", _bulk("reorder", "low_alert"), "reorder", "replenishment.view", changes=False),
    Act("reorder", _bulk("plan", "low_need"), "plan", "replenishment.view", changes=False),
    Act(
        "reorder-plan",
        lambda world, _role: {"action": "order", "policy": world.low_policy.pk, f"units-{world.low_policy.pk}": 7},
        permission="purchasing.edit",
    ),
    Act("policy-new", fixed(sku="TEE", location="", reorder_point="3", order_up_to="9", alert="on")),
    Act("policy-edit", fixed(reorder_point="6", order_up_to="30", alert="on")),
    Act("policy-act", fixed(action="clear")),
    Act(
        "policy-grid",
        lambda world, _role: {"id": world.low_policy.pk, f"reorder_point-{world.low_policy.pk}": 7},
    ),
    Act(
        "policies-import",
        lambda _world, _role: {"file": SimpleUploadedFile("points.csv", b"sku,reorder_point,order_up_to\nTEE,1,2\n")},
    ),
    Act("policies", _bulk("edit", "low_policy"), "edit", "replenishment.edit", changes=False),
    Act("policies", _bulk("set", "low_policy", reorder_point="7", order_up_to="9"), "set", "replenishment.edit"),
    Act("policies", _bulk("forecast", "low_policy", over_manual="on"), "forecast", "replenishment.edit"),
    Act("policies", _bulk("clear", "low_policy"), "clear", "replenishment.edit"),
    Act(
        "stock",
        _bulk("reorder_point", "level", reorder_point="7", order_up_to="9"),
        "reorder_point",
        "replenishment.edit",
    ),
    Act("lot-correct", fixed(expires_on="2030-01-31")),
    Act("stock-lots", fixed(how="received", code="L-9", units="2", key="f1" * 16), permission="inventory.adjust"),
    Act("stock-serials", fixed(how="received", serials="SN-77", key="f2" * 16), "register", "inventory.adjust"),
    Act("stock-serials", fixed(gone="SN-1", reason="lost"), "gone", "inventory.adjust"),
    # The customer:
    Act("track-lookup", lambda world, _role: {"number": world.sent.number, "email": world.sent.email}),
    Act("tracking-return-items", lambda world, role: _return_lines(world, role) | {"step": "send"}),
    Act("tracking-return-cancel", fixed()),
]
