"""A shop in which every address of the installation leads to something: one row for each state that a page or an act wants."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone

from api.tokens import create_token
from core.actors import Actor
from core.addresses import Address
from core.files import store_file
from core.jobs import run_job, start_job
from core.models import ApiToken, Job, JobState, User
from core.permissions import Role
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.consolidating import ship_together
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import finish_picking, start_picking
from fulfillment.operations.printing import print_now, start_print_job
from fulfillment.operations.splitting import split_work
from inventory.models import Location, StockLevel, StockMovement
from inventory.operations.adjusting import adjust_by_hand
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order
from orders.models import BulkChange, Mention, Note
from returns.models import Return
from returns.operations import (
    Received,
    Verdict,
    create_return_label,
    inspect_return,
    receive_return,
)
from tests.availability.walked import availability_rows
from tests.backorders.walked import waiting_rows
from tests.channels.files import orders_file, queue
from tests.currencies.walked import rates_and_waiting_order
from tests.factories.bundles import make_bundle
from tests.factories.counts import counts_and_cases
from tests.factories.credit import credit_and_statements
from tests.factories.drafts import drafts_to_walk
from tests.factories.forecasting import make_forecast
from tests.factories.fulfillment import make_work
from tests.factories.replenishment import something_asleep, something_low
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.risk import flagged_orders
from tests.factories.shop import ACTOR, give_stock, make_channel, make_location, make_order, make_variant
from tests.factories.units import followed_units
from tests.invoicing.world import documents_of_each_kind
from tests.payments.mock_gateways import Ledger
from tests.payments.walked import payments_in_each_state
from tests.purchasing.world import purchases_in_each_state
from tests.transfers.factory import transfers_in_each_state

PASSWORD = "a long enough pass phrase 7"


@dataclass
class World:
    """Named rows. `values` holds what routes and forms refer to."""

    users: dict[str, User]
    tokens: dict[str, str]
    sessions: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def client(self, role: str | None, *, enforce_csrf_checks: bool = False) -> Client:
        """A browser, signed in with a role (None: nobody is signed in). A page that breaks is answered, not raised."""
        client = Client(enforce_csrf_checks=enforce_csrf_checks, raise_request_exception=False)
        if role is not None:
            client.cookies.load({settings.SESSION_COOKIE_NAME: self.sessions[role]})
        return client

    def upload(self, role: str | None) -> str:
        """The signed name of an upload that a person has brought and not yet started."""
        user = self.users[role or Role.OWNER]
        told = {"file": self.file.pk, "user": user.pk, "kind": "orders", "channel": self.channel.pk}
        return signing.dumps(told, salt="channels.upload")


def build_world(ledger: Ledger) -> World:
    """Make everything through the product's own operations; half a second."""
    users = {
        role: User.objects.create_user(username=f"{role}-walker", password=PASSWORD, role=role) for role in Role.values
    }
    tokens = {role: create_token(name=role, role=role)[1] for role in Role.values}
    ApiToken.objects.update(last_used_at=timezone.now())
    world = World(users, tokens, {role: _signed_in(user) for role, user in users.items()})
    now = timezone.now()
    make_shop(auto_approve_returns=False)
    world.values |= _goods(users[Role.OWNER], now)
    world.values |= _orders(world, now)
    world.values |= _work(world, now)
    world.values |= _returns(world, now)
    world.values |= _jobs(world, now)
    world.values |= flagged_orders(world.channel, "TEE", now=now)
    world.values |= drafts_to_walk(world.channel, world.variant, now=now)
    world.values |= something_low(world.location)
    world.values |= something_asleep(world.location)
    make_forecast(world.low_policy.variant, world.location)
    world.values |= {"forecast": make_forecast(world.variant, world.location)}
    world.values |= counts_and_cases(world.variant, world.location)
    world.values |= followed_units(world.location)
    world.values |= transfers_in_each_state("TEE", world.location, world.other_location)
    world.values |= rates_and_waiting_order(now)
    world.values |= credit_and_statements(world.channel, now)
    world.values |= purchases_in_each_state(world.variant, world.location)
    world.values |= documents_of_each_kind(world.channel, now)
    world.values |= payments_in_each_state(world.channel, ledger)
    world.values |= waiting_rows(now=now)
    world.values |= availability_rows(world.channel, world.variant, world.location, now=now)
    return world


def _signed_in(user: User) -> str:
    """The key of a session that was begun before anything is measured."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _goods(owner: User, now: Any) -> dict[str, Any]:
    location, other = make_location("Main"), make_location("Second")
    channel = make_channel(time_zone="Europe/Warsaw")
    variant = make_variant("TEE", barcode="5901234123457")
    give_stock(variant, location, 500, bin="A-1")
    adjusted = adjust_by_hand(
        variant_id=variant.pk, location_id=location.pk, bucket="on_hand", quantity=3, set_to=None, reason="found", note="",
        key=uuid.uuid4().hex, actor=Actor.user(owner), now=now,
    )  # fmt: skip
    return {
        "location": location,
        "other_location": other,
        "channel": channel,
        "variant": variant,
        "unused_variant": make_variant("NEVER-SOLD"),
        "bundle": make_bundle("KIT", {variant: 2}),
        "level": StockLevel.objects.get(variant=variant, location=location),
        "movement": StockMovement.objects.get(pk=adjusted.movement.pk),
    }


def _orders(world: World, now: Any) -> dict[str, Any]:
    """An order for each act: one that is open, one on hold, one unpaid, one that nothing can be found for."""
    channel = world.channel
    order = make_order(channel, [("TEE", 2)], now=now)
    held = make_order(channel, [("TEE", 1)], now=now)
    hold_order(order_id=held.pk, kind="operator", reason="look at it", until=None, actor=ACTOR, now=now)
    short = make_variant("SHORT")
    lacking = make_order(channel, [("SHORT", 1)], now=now)
    give_stock(short, world.location, 5)  # arrived without a word: routing again finds it
    Location.objects.update(ships_to=["PL"])
    abroad = Address(name="Ada", line1="Long Road 1", city="Berlin", postal_code="10115", country="DE")
    unroutable = make_order(channel, [("TEE", 1)], now=now, shipping_address=abroad)
    Location.objects.update(ships_to=[])
    finished = make_order(channel, [("TEE", 1)], now=now)
    cancel_order(order_id=finished.pk, reason="test", actor=ACTOR, now=now)
    note = Note.objects.create(order=order, author_label="somebody", text="@nobody", at=now)
    return {
        "finished": finished,
        "done_act": BulkChange.objects.create(act="tag", actor="user:0", at=now),
        "mentions": {user.role: Mention.objects.create(note=note, user=user) for user in User.objects.order_by("-pk")},
        "unroutable": unroutable,
        "order": order,
        "decision": order.routing_decisions.get(),
        "line": order.lines.get(),
        "held": held,
        "hold": held.holds.get(),
        "unpaid": make_order(channel, [("TEE", 1)], now=now, paid=False),
        "lacking": lacking,
        "customer": order.customer,
    }


def _work(world: World, now: Any) -> dict[str, Any]:
    made = {"work": FulfillmentOrder.objects.get(order=world.order)}
    for name in ("fresh", "picking", "picked", "packed"):
        made[name] = make_work([("TEE", 1)], location=world.location, channel=world.channel, now=now)
    for name in ("picking", "picked", "packed"):
        start_picking(fulfillment_order_id=made[name].pk, actor=ACTOR, now=now)
    for name in ("picked", "packed"):
        finish_picking(fulfillment_order_id=made[name].pk, actor=ACTOR, now=now)
    pack_all(fulfillment_order_id=made["packed"].pk, actor=ACTOR, now=now)
    one = {"location": world.location, "channel": world.channel, "now": now, "email": "two-orders@example.com"}
    for name in ("mergeable", "mergeable_too", "merged", "merged_too"):
        made[name] = make_work([("TEE", 2)], **one)
    ship_together(fulfillment_order_ids=[made["merged"].pk, made["merged_too"].pk], actor=ACTOR, now=now)
    made["split_off"] = split_work(
        fulfillment_order_id=made["mergeable_too"].pk,
        units={made["mergeable_too"].lines.get().pk: 1},
        actor=ACTOR,
        now=now,
    )
    print_now(fulfillment_order_id=made["packed"].pk, kinds=["label_pdf"], actor=ACTOR, now=now)
    return made


def _returns(world: World, now: Any) -> dict[str, Any]:
    """A return in each state, every one of an order of its own."""
    then = now - timedelta(days=3)
    made: dict[str, Any] = {}
    for name in ("requested", "approved", "received", "inspected"):
        order = sent_order(2, delivered_at=then + timedelta(days=1), now=then, channel=world.channel)
        make_shop(auto_approve_returns=name != "requested")
        made[name] = ask(order, 1, now=now)
    for name in ("received", "inspected"):
        line = made[name].lines.get()
        receive_return(
            return_id=made[name].pk, lines=[Received(line.pk, 1)], location_id=world.location.pk, actor=ACTOR, now=now
        )
    line = made["inspected"].lines.get()
    inspect_return(return_id=made["inspected"].pk, verdicts=[Verdict(line.pk, "restock", 1)], actor=ACTOR, now=now)
    create_return_label(return_id=made["approved"].pk, actor=ACTOR, now=now)
    made = {name: Return.objects.select_related("order").get(pk=one.pk) for name, one in made.items()}
    sent = sent_order(2, delivered_at=then + timedelta(days=1), now=then, channel=world.channel)
    return {**made, "sent": sent, "emptied": _half_arrived(world, then, now)}


def _half_arrived(world: World, then: Any, now: Any) -> Return:
    """A return of two units of which one came and was inspected: it waits to be closed."""
    order = sent_order(2, delivered_at=then + timedelta(days=1), now=then, channel=world.channel)
    made = ask(order, 2, now=now)
    line = made.lines.get()
    arrived = {"return_id": made.pk, "actor": ACTOR, "now": now}
    receive_return(lines=[Received(line.pk, 1)], location_id=world.location.pk, **arrived)
    inspect_return(verdicts=[Verdict(line.pk, "restock", 1)], **arrived)
    return made


def _jobs(world: World, now: Any) -> dict[str, Any]:
    owner = Actor.user(world.users[Role.OWNER])
    done = start_print_job(fulfillment_order_ids=[world.packed.pk], kinds=["label_pdf"], actor=owner, now=now)
    run_job(done.pk, clock=timezone.now)
    queued = start_print_job(fulfillment_order_ids=[world.work.pk], kinds=["label_pdf"], actor=owner, now=now)
    failed = start_job(
        kind="print", title="Broke", params={"ids": [world.work.pk], "kinds": ["label_pdf"]}, actor=owner, now=now
    )
    Job.objects.filter(pk=failed.pk).update(state=JobState.FAILED, finished_at=now)
    run = queue("orders", orders_file({"Lineitem quantity": "many"}, {"Lineitem sku": "TEE"}), world.channel)
    run_job(run.job_id, clock=timezone.now)
    trial = queue("inventory", b"sku,location,safety_stock\nTEE,Main,1\n", format_="plain", trial=True)
    run_job(trial.job_id, clock=timezone.now)
    file = store_file(
        name="orders.csv",
        content_type="text/csv",
        data=orders_file({"Id": "777", "Name": "#777", "Lineitem sku": "TEE"}),
    )
    token = ApiToken.objects.get(role=Role.VIEWER)
    return {
        "api_token": token,
        "done_job": done,
        "queued_job": queued,
        "failed_job": failed,
        "import_run": run,
        "import_trial": trial,
        "file": file,
    }


SKIPPED_TABLES = frozenset({"django_session", "core_ratecount", "core_place", "core_postalarea", "django_migrations"})


def fingerprint() -> dict[str, tuple[int, int]]:
    """Table → (rows, a hash of all of them): what must be the same after a request that may change nothing."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - SKIPPED_TABLES)
        parts = [
            f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t"
            for table in tables
        ]
        cursor.execute(" UNION ALL ".join(parts))
        return {table: (rows, int(total)) for table, rows, total in cursor.fetchall()}


class Statements:
    """An execute wrapper that keeps every statement that writes or locks, but for sessions and the counts of attempts."""

    _HARMLESS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET ", "DECLARE", "FETCH", "CLOSE", "WITH", "SHOW")
    _OWN = ('"django_session"', "core_ratecount")

    def __init__(self) -> None:
        self.writes: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql).lstrip(" (\n")
        reads = text.upper().startswith(self._HARMLESS) and "FOR UPDATE" not in text and "FOR NO KEY" not in text
        writes_inside = text.upper().startswith("WITH") and any(
            word in text for word in ("INSERT ", "UPDATE ", "DELETE ")
        )
        if (not reads or writes_inside) and not any(name in text for name in self._OWN):
            self.writes.append(text[:200])
        return execute(sql, params, many, context)
