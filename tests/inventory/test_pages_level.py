"""The page of a stock level: why the number is what it is, and how a person changes it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.actors import Actor
from core.models import Job, User
from core.refusals import NotAllowed, Refusal, Stale
from fulfillment.models import FulfillmentOrder
from inventory.models import Bucket, StockLevel, StockMovement
from inventory.operations import Move, adjust_stock, apply_moves
from inventory.operations.adjusting import adjust_by_hand
from inventory.operations.auditing import audit_stock
from inventory.operations.undoing import undo_adjustment
from inventory.queries import MOVEMENTS_SHOWN, ledger_page
from tests.factories.returns import send
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def level() -> StockLevel:
    return give_stock(make_variant("MUG"), make_location("Main"), 12)


def text_of(response) -> str:
    return response.content.decode()


def page_of(client, level, **words):
    return client.get(reverse("stock-level", args=[level.pk]), words)


def form(**fields) -> dict[str, str]:
    return {
        "bucket": "on_hand",
        "how": "change",
        "quantity": "-2",
        "reason": "lost",
        "note": "",
        "key": uuid.uuid4().hex,
        **fields,
    }


def adjust(client, level, **fields):
    return client.post(reverse("stock-adjust", args=[level.pk]), form(**fields))


def count(level, bucket="on_hand") -> int:
    level.refresh_from_db()
    return getattr(level, bucket)


# ---- why the number is what it is ------------------------------------------------------------------------------------


def test_the_sum_on_the_page_makes_the_number(client_as, level):
    order = make_order(lines=[("MUG", 3)])
    for bucket, number in (("damaged", 1), ("quality_control", 2), ("safety_stock", 4), ("incoming", 8)):
        adjust_stock(
            variant_id=level.variant_id,
            location_id=level.location_id,
            bucket=bucket,
            set_to=number,
            reason="correction",
            actor=ACTOR,
            now=NOW,
        )
    page = page_of(client_as("viewer"), level).context["page"]
    assert [(term.sign, term.label, term.value) for term in page.sum] == [
        ("", "On hand", 12), ("−", "Reserved", 3), ("−", "Damaged", 1), ("−", "Quality control", 2), ("−", "Safety stock", 4), ("=", "Available", 2),
    ]  # fmt: skip
    assert page.incoming.value == 8
    assert [(one.quantity, owner.text, owner.url) for one, owner in page.reservations] == [
        (3, order.number, reverse("order", args=[order.pk]))
    ]


def test_each_movement_says_what_made_it_who_and_what_was_there_then(client_as, level):
    order = make_order(lines=[("MUG", 3)])
    send(order)
    owner = User.objects.create_user("anna", first_name="Anna", last_name="Nowak", role="owner")
    job = Job.objects.create(kind="import", title="Counts of May", actor=f"user:{owner.pk}", actor_label="Anna Nowak")
    apply_moves(
        [Move(level.variant_id, level.location_id, "on_hand", 5, "imported")],
        cause=f"job:{job.pk}",
        actor=Actor.user(owner),
        now=NOW,
    )
    response = page_of(client_as("viewer"), level)
    lines = [
        (line.movement.bucket, line.change, line.balance, line.cause.text, line.cause.url, line.actor)
        for line in response.context["page"].lines
    ]
    work = FulfillmentOrder.objects.get()
    work_page, order_page = reverse("fulfillment-order", args=[work.pk]), reverse("order", args=[order.pk])
    assert lines == [
        ("on_hand", "+5", 14, "Counts of May", reverse("job", args=[job.pk]), "Anna Nowak"),
        ("on_hand", "-3", 9, work.number, work_page, "test"),
        ("reserved", "-3", 0, work.number, work_page, "test"),
        ("reserved", "+3", 3, order.number, order_page, "test"),
        ("on_hand", "+12", 12, "Stock", "", "test"),
    ]
    assert f'href="{order_page}"' in text_of(response)


def test_a_bucket_alone_has_its_own_running_balance(client_as, level):
    make_order(lines=[("MUG", 3)])
    make_order(lines=[("MUG", 1)])
    page = page_of(client_as("viewer"), level, bucket="reserved").context["page"]
    assert [(line.change, line.balance) for line in page.lines] == [("+1", 4), ("+3", 3)]
    unknown = page_of(client_as("viewer"), level, bucket="attic").context["page"]
    assert len(unknown.lines) == 3


def test_the_ledger_goes_on_over_pages_with_true_balances(client_as, level):
    for n in range(2 * MOVEMENTS_SHOWN):
        apply_moves(
            [Move(level.variant_id, level.location_id, "on_hand", 1 + n % 3, "found")],
            cause="test:x",
            actor=ACTOR,
            now=NOW + timedelta(minutes=n),
        )
    client = client_as("viewer")
    seen, url = [], reverse("stock-level", args=[level.pk])
    while url:
        page = client.get(url).context["page"]
        seen += [(line.movement.pk, line.balance) for line in page.lines]
        url = page.next_url and reverse("stock-level", args=[level.pk]) + page.next_url.partition("#")[0]
    running, expected = 0, []
    for pk, quantity in StockMovement.objects.order_by("pk").values_list("pk", "quantity"):
        running += quantity
        expected.append((pk, running))
    assert seen == expected[::-1]
    assert page.previous_url
    assert len(page_of(client, level, after="garbage").context["page"].lines) == MOVEMENTS_SHOWN


def test_the_page_asks_the_same_number_of_questions_for_any_history(client_as, level):
    client = client_as("owner")
    numbers = []
    for n in (1, 5):
        for _k in range(n):
            send(make_order(lines=[("MUG", 1)]))
            give_stock(level.variant, level.location, 2)
            make_order(lines=[("MUG", 1)])
        page_of(client, level)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, level)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


def test_a_balance_at_the_end_of_each_bucket_is_the_level(level):
    make_order(lines=[("MUG", 2)])
    adjust_stock(
        variant_id=level.variant_id,
        location_id=level.location_id,
        bucket="damaged",
        quantity=1,
        reason="damaged",
        actor=ACTOR,
        now=NOW,
    )
    level.refresh_from_db()
    for bucket in Bucket.values:
        rows = ledger_page(level, bucket=bucket).rows
        assert (rows[0].balance if rows else 0) == getattr(level, bucket)


# ---- adjusting -------------------------------------------------------------------------------------------------------


def test_a_count_is_changed_with_reason_note_and_name(client_as, level):
    client = client_as("warehouse")
    answer = adjust(client, level, note="under the rack")
    assert answer.url == reverse("stock-level", args=[level.pk])
    assert count(level) == 10
    page = text_of(client.get(answer.url))
    for words in ("On hand -2: now 10.", "under the rack", "By hand", "warehouse-tester", "Lost"):
        assert words in page
    assert not audit_stock()


@pytest.mark.parametrize(
    ("bucket", "how", "quantity", "after"),
    [
        ("on_hand", "set", "7", 7),
        ("on_hand", "change", "5", 17),
        ("damaged", "set", "2", 2),
        ("quality_control", "change", "1", 1),
        ("safety_stock", "set", "40", 40),
        ("incoming", "set", "9", 9),
    ],
)
def test_every_count_that_people_may_set_can_be_changed_or_set(client_as, level, bucket, how, quantity, after):
    adjust(client_as("warehouse"), level, bucket=bucket, how=how, quantity=quantity)
    assert count(level, bucket) == after
    assert not audit_stock()


def test_a_form_that_is_sent_twice_moves_once_and_says_so(client_as, level):
    client = client_as("warehouse")
    key = uuid.uuid4().hex
    for _n in range(2):
        answer = adjust(client, level, key=key)
    assert count(level) == 10
    assert "sent before: On hand -2, once" in text_of(client.get(answer.url))


def test_a_form_sent_many_times_at_once_moves_once(committed, threads):
    level = give_stock(make_variant("RACE"), make_location(), 50)
    key = uuid.uuid4().hex

    def send_it(_i):
        return adjust_by_hand(
            variant_id=level.variant_id,
            location_id=level.location_id,
            quantity=-1,
            reason="lost",
            key=key,
            actor=ACTOR,
            now=NOW,
        )

    results = threads(8, send_it)
    assert sorted(result.repeated for result in results) == [False] + [True] * 7
    assert count(level) == 49


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("quantity", {"quantity": "x"}), ("quantity", {"quantity": ""}), ("quantity", {"quantity": "0"}), ("quantity", {"quantity": "-13"}),
        ("quantity", {"how": "set", "quantity": "-1"}), ("quantity", {"quantity": "100000001"}), ("bucket", {"bucket": "reserved"}),
        ("reason", {"reason": "shipped"}), ("reason", {"reason": ""}), ("how", {"how": "double"}), ("note", {"note": "x" * 201}), ("key", {"key": "zz"}),
    ],
)  # fmt: skip
def test_a_wrong_adjustment_names_its_field_keeps_the_input_and_moves_nothing(client_as, level, field, fields):
    answer = adjust(client_as("warehouse"), level, **{"note": "kept words", **fields})
    assert answer.status_code in (409, 422)
    assert list(answer.context["form"].errors) == [field]
    if field != "note":
        assert 'value="kept words"' in text_of(answer)
    assert (count(level), StockMovement.objects.count()) == (12, 1)


def test_units_that_are_promised_cannot_be_taken_away_and_the_refusal_says_why(client_as, level):
    make_order(lines=[("MUG", 5)])
    answer = adjust(client_as("warehouse"), level, how="set", quantity="4")
    assert answer.status_code == 409
    assert answer.context["form"].errors == {
        "quantity": ["MUG at Main: 5 units are reserved or set aside, so no fewer than that can be on hand."]
    }
    assert 'value="4"' in text_of(answer)


def test_the_preview_says_what_would_change_and_changes_nothing(client_as, level):
    client = client_as("warehouse")
    url = reverse("stock-preview", args=[level.pk])

    def told(**words):
        return re.sub(r"<[^>]+>|\s+", " ", text_of(client.get(url, words))).strip()

    assert (
        told(bucket="on_hand", how="change", quantity="-2")
        == "On hand goes from 12 to 10. 10 units can be promised then, 12 now."
    )
    assert (
        told(bucket="damaged", how="set", quantity="11")
        == "Damaged goes from 0 to 11. 1 unit can be promised then, 12 now."
    )
    assert (
        told(bucket="incoming", how="set", quantity="3")
        == "Incoming goes from 0 to 3. What is available stays as it is: 12."
    )
    assert told(bucket="on_hand", how="set", quantity="12") == "On hand is 12 already: nothing would change."
    assert "would fall below zero (-1)" in told(bucket="on_hand", how="change", quantity="-13")
    assert told(bucket="on_hand", how="change", quantity="abc") == ""
    without_script = adjust(client, level, step="preview")
    assert without_script.status_code == 200
    assert "On hand goes from 12 to 10." in text_of(without_script)
    assert 'value="-2"' in text_of(without_script)
    assert (count(level), StockMovement.objects.count()) == (12, 1)


# ---- taking it back --------------------------------------------------------------------------------------------------


def undo(client, level, movement):
    return client.post(reverse("stock-undo", args=[level.pk]), {"movement": movement})


def test_ones_own_last_adjustment_is_undone_by_a_counter_movement_once(client_as, level):
    client = client_as("warehouse")
    adjust(client, level)
    movement = StockMovement.objects.latest("pk")
    assert f'name="movement" value="{movement.pk}"' in text_of(page_of(client, level))
    undo(client, level, movement.pk)
    assert count(level) == 12
    page = text_of(page_of(client, level))
    assert "Undoes an adjustment" in page
    assert 'name="movement"' not in page
    assert "was undone already" in text_of(client.get(undo(client, level, movement.pk).url))
    assert (count(level), StockMovement.objects.count()) == (12, 3)
    assert not audit_stock()


def test_undone_by_many_at_once_it_is_undone_once(committed, threads):
    level = give_stock(make_variant("RACE"), make_location(), 5)
    done = adjust_by_hand(
        variant_id=level.variant_id,
        location_id=level.location_id,
        quantity=3,
        reason="found",
        key="a" * 32,
        actor=ACTOR,
        now=NOW,
    )
    results = threads(6, lambda _i: undo_adjustment(movement_id=done.movement.pk, actor=ACTOR, now=NOW))
    assert sum(isinstance(result, Stale) for result in results) == 5
    assert count(level) == 5


def test_only_ones_own_and_only_the_last_adjustment_is_undone(client_as, level):
    mine, other = client_as("warehouse"), client_as("owner")
    adjust(mine, level)
    first = StockMovement.objects.latest("pk")
    assert 'name="movement"' not in text_of(page_of(other, level))
    assert undo(other, level, first.pk).status_code == 403
    adjust(mine, level)
    assert "no longer your last" in text_of(mine.get(undo(mine, level, first.pk).url))
    assert undo(mine, level, 10**9).status_code == 404
    assert undo(mine, level, "x").status_code == 404
    assert count(level) == 8


def test_what_orders_did_cannot_be_undone_here(level):
    make_order(lines=[("MUG", 1)])
    with pytest.raises(Refusal) as refused:
        undo_adjustment(movement_id=StockMovement.objects.latest("pk").pk, actor=ACTOR, now=NOW)
    assert refused.value.code == "not_an_adjustment"
    done = adjust_by_hand(
        variant_id=level.variant_id,
        location_id=level.location_id,
        quantity=3,
        reason="found",
        key="b" * 32,
        actor=ACTOR,
        now=NOW,
    )
    with pytest.raises(NotAllowed):
        undo_adjustment(movement_id=done.movement.pk, actor=Actor.system("other"), now=NOW)


def test_an_undo_that_would_take_promised_units_is_refused(client_as):
    level = (
        give_stock(make_variant("MUG"), make_location(), 0)
        if False
        else give_stock(make_variant("CUP"), make_location("Main"), 1)
    )
    client = client_as("warehouse")
    adjust(client, level, quantity="5", reason="found")
    make_order(lines=[("CUP", 4)])
    answer = undo(client, level, StockMovement.objects.get(reason="found").pk)
    assert "4 units are reserved or set aside" in text_of(client.get(answer.url))
    assert count(level) == 6


# ---- bins and new levels ---------------------------------------------------------------------------------------------


def test_a_bin_is_set_with_its_history_and_a_wrong_one_is_refused(client_as, level):
    client = client_as("warehouse")
    url = reverse("stock-bin", args=[level.pk])
    for _n in range(2):
        client.post(url, {"bin_name": "A-01-2"})
    page = text_of(page_of(client, level))
    assert page.count("Bin changed from — to A-01-2.") == 1
    wrong = client.post(url, {"bin_name": "x" * 41})
    assert wrong.status_code == 422
    assert list(wrong.context["bin_form"].errors) == ["bin_name"]


def test_stock_begins_at_a_location_where_there_was_none(client_as, level):
    client = client_as("warehouse")
    far = make_location("Far")
    level.variant.__class__.objects.filter(pk=level.variant_id).update(barcode="5901234123457")
    fields = form(sku="5901234123457", location=far.pk, quantity="4", reason="received", bin_name="B-1")
    answer = client.post(reverse("stock-add"), fields)
    found = StockLevel.objects.get(location=far)
    assert (found.variant_id, found.on_hand, found.bin) == (level.variant_id, 4, "B-1")
    assert answer.url == reverse("stock-level", args=[found.pk])
    client.post(reverse("stock-add"), fields)
    assert count(found) == 4


def test_stock_of_an_unknown_sku_or_place_is_refused_at_its_field(client_as, level):
    client = client_as("warehouse")
    for n in range(2):
        make_variant(f"TWIN-{n}", barcode="0000")
    for field, words in (
        ("sku", {"sku": "NONE"}),
        ("sku", {"sku": "0000"}),
        ("location", {"location": 10**6}),
        ("quantity", {"quantity": "-1"}),
    ):
        answer = client.post(
            reverse("stock-add"),
            form(**{"sku": "TWIN-0", "location": level.location_id, "quantity": "1", "bin_name": "", **words}),
        )
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert StockLevel.objects.count() == 1
    assert "TWIN-0, TWIN-1" in text_of(
        client.post(reverse("stock-add"), form(sku="0000", location=level.location_id, quantity="1"))
    )
