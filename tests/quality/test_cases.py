"""Goods that are set aside: opened, decided about in parts, explained by the ledger to the unit."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from PIL import Image

from core.refusals import Invalid, Refusal
from inventory.models import StockLevel, StockMovement
from inventory.operations import Claim, adjust_stock, reserve
from inventory.operations.auditing import audit_stock
from quality.auditing import CHECKS
from quality.models import Decision, NonConformance, NonConformanceReason
from quality.operations import (
    adopt_rest,
    check_picture,
    find_reason,
    open_nonconformance,
    resolve_nonconformance,
    save_reason,
)
from quality.operations.opening import NotFree
from quality.operations.photos import LONGEST_SIDE
from quality.operations.reasons import drop_reason, reason_choices
from quality.queries import unexplained
from tests.factories.counts import picture
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

WHO: dict[str, Any] = {"actor": ACTOR, "now": NOW}


@pytest.fixture
def level(db: None) -> StockLevel:
    return give_stock(make_variant("TEE"), make_location("Main"), 10)


def open_case(level: StockLevel, quantity: int = 4, kind: str = "damaged", **more: Any) -> NonConformance:
    return open_nonconformance(
        variant_id=level.variant_id, location_id=level.location_id, kind=kind, quantity=quantity, source="stock",
        **{"reason": "transit", **WHO, **more},
    )  # fmt: skip


def resolve(case: NonConformance, resolution: str, quantity: int, **more: Any) -> NonConformance:
    return resolve_nonconformance(case_id=case.pk, resolution=resolution, quantity=quantity, **WHO, **more)


def counts(level: StockLevel) -> tuple[int, int, int]:
    level.refresh_from_db()
    return level.on_hand, level.damaged, level.quality_control


def breaches() -> list[Any]:
    found = []
    with connection.cursor() as cursor:
        for statement in CHECKS.values():
            cursor.execute(statement)
            found += cursor.fetchall()
    return found


class TestOpening:
    @pytest.mark.parametrize(
        ("kind", "after", "reason"),
        [("damaged", (10, 4, 0), "damaged"), ("quality_control", (10, 0, 4), "quarantined"), ("quarantine", (10, 0, 4), "quarantined")],
    )  # fmt: skip
    def test_units_move_into_the_bucket_of_the_kind(
        self, level: StockLevel, kind: str, after: Any, reason: str
    ) -> None:
        case = open_case(level, kind=kind)
        assert counts(level) == after
        assert StockMovement.objects.get(cause=case.subject).reason == reason
        assert level.available == 6 and case.number.startswith("NC-")

    def test_promised_units_are_refused_with_who_holds_them(self, level: StockLevel) -> None:
        with transaction.atomic():
            reserve([Claim(level.variant_id, level.location_id, "order_line:77", 7)], cause="order:1", **WHO)
        with pytest.raises(NotFree) as refusal:
            open_case(level)
        assert (refusal.value.free, refusal.value.holders) == (3, [("order_line:77", 7)])
        assert counts(level) == (10, 0, 0) and not NonConformance.objects.exists()

    def test_safety_stock_may_be_damaged(self, level: StockLevel) -> None:
        adjust_stock(
            variant_id=level.variant_id,
            location_id=level.location_id,
            bucket="safety_stock",
            set_to=8,
            reason="safety",
            **WHO,
        )
        open_case(level)
        assert counts(level) == (10, 4, 0)

    def test_the_same_request_opens_one_case(self, level: StockLevel) -> None:
        assert open_case(level, request_key="k").pk == open_case(level, request_key="k").pk
        assert counts(level) == (10, 4, 0)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"kind": "lost"}, "kind"), ({"quantity": 0}, "quantity"), ({"reason": "because"}, "reason"),
            ({"source": "sky"}, "source"), ({"note": "x" * 2001}, "note"), ({"lot_id": 5}, "lot"),
        ],
    )  # fmt: skip
    def test_wrong_input_names_its_field(self, level: StockLevel, change: dict[str, Any], field: str) -> None:
        if "source" in change:
            with pytest.raises(Invalid) as refusal:
                open_nonconformance(
                    variant_id=level.variant_id, location_id=level.location_id, kind="damaged", quantity=1, reason="transit", source="sky", **WHO
                )  # fmt: skip
        else:
            with pytest.raises(Invalid) as refusal:
                open_case(level, **change)
        assert refusal.value.field == field

    def test_what_lies_in_the_bucket_already_gets_a_case_and_nothing_moves(self, level: StockLevel) -> None:
        adjust_stock(
            variant_id=level.variant_id,
            location_id=level.location_id,
            bucket="damaged",
            set_to=3,
            reason="damaged",
            **WHO,
        )
        assert [(rest.sku, rest.units) for rest in unexplained(limit=9)] == [("TEE", 3)]
        adopt: dict[str, Any] = {
            "variant_id": level.variant_id,
            "location_id": level.location_id,
            "kind": "damaged",
            "reason": "other",
        }
        with pytest.raises(Refusal) as refusal:
            adopt_rest(quantity=4, **adopt, **WHO)
        assert refusal.value.code == "not_in_bucket"
        case = adopt_rest(quantity=3, **adopt, **WHO)
        assert counts(level) == (10, 3, 0) and unexplained(limit=9) == []
        resolve(case, "scrap", 2)
        assert counts(level) == (8, 1, 0) and breaches() == []


class TestResolving:
    @pytest.mark.parametrize(
        ("resolution", "after", "reason"),
        [("restock", (10, 1, 0), "inspected"), ("scrap", (7, 1, 0), "scrapped"), ("to_supplier", (7, 1, 0), "to_supplier")],
    )  # fmt: skip
    def test_in_parts(self, level: StockLevel, resolution: str, after: Any, reason: str) -> None:
        case = resolve(open_case(level), resolution, 3)
        assert counts(level) == after and (case.state, case.open_quantity) == ("open", 1)
        assert set(
            StockMovement.objects.filter(cause=case.subject, quantity__lt=0).values_list("reason", flat=True)
        ) == {reason}
        case = resolve(case, "restock", 1)
        assert (case.state, case.resolved_at) == ("resolved", NOW)
        with pytest.raises(Refusal):
            resolve(case, "restock", 1)

    def test_all_units_move_with_their_case(self, level: StockLevel) -> None:
        case = resolve(open_case(level), "move", 4, kind="quarantine")
        assert counts(level) == (10, 0, 4) and (case.kind, case.open_quantity, case.state) == ("quarantine", 4, "open")
        assert breaches() == []

    def test_some_units_get_a_case_of_their_own(self, level: StockLevel) -> None:
        case = resolve(open_case(level), "move", 1, kind="quality_control")
        part = case.parts.get()
        assert counts(level) == (10, 3, 1) and (case.open_quantity, part.quantity, part.kind) == (
            3,
            1,
            "quality_control",
        )
        resolve(part, "restock", 1)
        assert counts(level) == (10, 3, 0) and breaches() == []

    def test_the_same_form_decides_once(self, level: StockLevel) -> None:
        case = open_case(level)
        for _twice in range(2):
            resolve(case, "scrap", 1, key="k")
        assert counts(level) == (9, 3, 0) and Decision.objects.count() == 1

    @pytest.mark.parametrize(("resolution", "quantity", "kind", "field"), [("burn", 1, "", "resolution"), ("scrap", 5, "", "quantity"), ("move", 1, "", "kind"), ("move", 1, "damaged", "kind")])  # fmt: skip
    def test_wrong_input_names_its_field(
        self, level: StockLevel, resolution: str, quantity: int, kind: str, field: str
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            resolve(open_case(level), resolution, quantity, kind=kind)
        assert refusal.value.field == field

    def test_a_bucket_emptied_by_hand_refuses_and_is_reported(self, level: StockLevel) -> None:
        case = open_case(level)
        adjust_stock(
            variant_id=level.variant_id,
            location_id=level.location_id,
            bucket="damaged",
            set_to=0,
            reason="correction",
            **WHO,
        )
        with pytest.raises(Refusal) as refusal:
            resolve(case, "restock", 1)
        assert refusal.value.code == "stock_would_be_negative"
        assert [row[0] for row in breaches()] == [f"stock:{level.variant_id}:{level.location_id}"]


class TestReasons:
    def test_the_usual_ones_are_there_and_can_be_renamed_and_switched_off(self, db: None) -> None:
        assert ("transit", "Damaged in transit") in reason_choices()
        save_reason(code="transit", name="Crushed", **WHO)
        assert find_reason("transit").name == "Crushed" and find_reason("Crushed").code == "transit"
        drop_reason(code="transit", **WHO)
        assert "transit" not in dict(reason_choices())
        with pytest.raises(Invalid):
            find_reason("transit")

    def test_two_have_not_one_name(self, db: None) -> None:
        save_reason(code="a", name="Wet", **WHO)
        with pytest.raises(Refusal) as refusal:
            save_reason(code="b", name="Wet", **WHO)
        assert refusal.value.code == "name_taken" and NonConformanceReason.objects.count() == 1


class TestPhotos:
    @pytest.mark.parametrize(
        ("kind", "mode"),
        [("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("WEBP", "RGBA"), ("JPEG", "CMYK")],
    )
    def test_every_picture_becomes_a_plain_jpeg(self, kind: str, mode: str) -> None:
        with Image.open(io.BytesIO(check_picture(picture(kind, mode=mode)).data)) as clean:
            assert (clean.format, clean.mode, clean.size) == ("JPEG", "RGB", (60, 40))

    def test_it_is_made_small_and_upright_and_tells_no_place(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by 90°
        exif[0x010F] = "Secret Camera"
        data = check_picture(picture("JPEG", (3000, 1000), exif=exif.tobytes())).data
        with Image.open(io.BytesIO(data)) as clean:
            assert max(clean.size) <= LONGEST_SIDE and clean.size[1] > clean.size[0]
            assert not clean.getexif()
        assert b"Secret" not in data

    @pytest.mark.parametrize(
        "data",
        [b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"GIF89a", picture("GIF"), picture("JPEG")[:200], b"\xff\xd8\xff" + b"0" * 99],
    )  # fmt: skip
    def test_anything_else_is_refused(self, data: bytes) -> None:
        with pytest.raises(Invalid) as refusal:
            check_picture(data)
        assert refusal.value.code == "bad_photo"

    def test_too_many_pixels_and_bytes_are_refused(self) -> None:
        for data in (picture("PNG", (20_000, 20_000), mode="1"), b"\0" * 15_000_001):
            with pytest.raises(Invalid) as refusal:
                check_picture(data)
            assert refusal.value.code == "photo_too_large"

    def test_they_are_kept_with_the_case(self, level: StockLevel) -> None:
        photo = check_picture(picture("JPEG"))
        case = open_case(level, photos=[photo])
        assert case.photos.get().file.content_type == "image/jpeg"
        with pytest.raises(Refusal) as refusal:
            open_case(level, quantity=1, photos=[photo] * 13)
        assert refusal.value.code == "too_many_photos" and counts(level) == (10, 4, 0)


class CaseMachine(RuleBasedStateMachine):
    """One SKU, and everything that people do with its units; a plain reckoning beside it."""

    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE inventory_stockmovement, inventory_stocklevel, quality_nonconformance CASCADE")
        self.level = give_stock(make_variant(), make_location(), 20)
        self.expected = {"on_hand": 20, "damaged": 0, "quality_control": 0}

    def attempt(self, act: Any, **changes: int) -> None:
        try:
            act()
        except Refusal:
            return
        for bucket, change in changes.items():
            self.expected[bucket] += change

    @rule(kind=st.sampled_from(["damaged", "quality_control", "quarantine"]), quantity=st.integers(1, 6))
    def set_aside(self, kind: str, quantity: int) -> None:
        self.attempt(
            lambda: open_case(self.level, quantity, kind),
            **{"damaged" if kind == "damaged" else "quality_control": quantity},
        )

    @rule(pick=st.integers(0, 20), resolution=st.sampled_from(["restock", "scrap", "to_supplier", "move"]), kind=st.sampled_from(["damaged", "quality_control", "quarantine"]), quantity=st.integers(1, 6))  # fmt: skip
    def decide(self, pick: int, resolution: str, kind: str, quantity: int) -> None:
        cases = list(NonConformance.objects.order_by("pk"))
        if not cases:
            return
        case = cases[pick % len(cases)]
        changes = {case.bucket: -quantity}
        if resolution == "move":
            into = "damaged" if kind == "damaged" else "quality_control"
            changes = {case.bucket: -quantity, into: quantity} if into != case.bucket else {}
        elif resolution != "restock":
            changes["on_hand"] = -quantity
        self.attempt(lambda: resolve(case, resolution, quantity, kind=kind), **changes)

    @rule(change=st.integers(-4, 6))
    def sell_or_receive(self, change: int) -> None:
        self.attempt(
            lambda: adjust_stock(
                variant_id=self.level.variant_id,
                location_id=self.level.location_id,
                quantity=change,
                reason="received",
                **WHO,
            ),
            on_hand=change,
        )

    @rule(kind=st.sampled_from(["damaged", "quality_control"]), quantity=st.integers(1, 3), adopted=st.booleans())
    def by_hand(self, kind: str, quantity: int, adopted: bool) -> None:
        """Somebody raises a bucket by hand, and a case may be opened for what no case explains."""
        key = {"variant_id": self.level.variant_id, "location_id": self.level.location_id}
        if adopted:
            self.attempt(lambda: adopt_rest(**key, kind=kind, quantity=quantity, reason="other", **WHO))
        else:
            self.attempt(
                lambda: adjust_stock(**key, bucket=kind, quantity=quantity, reason="damaged", **WHO), **{kind: quantity}
            )

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "level"):
            return
        self.level.refresh_from_db()
        assert {name: getattr(self.level, name) for name in self.expected} == self.expected
        assert audit_stock() == [] and breaches() == []


@pytest.mark.django_db(transaction=True)
def test_cases_explain_their_buckets_whatever_happens() -> None:
    run_state_machine_as_test(
        CaseMachine,
        settings=settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None),
    )  # fmt: skip


class TestRaces:
    def test_two_who_take_the_last_units(self, committed: None, threads: Any) -> None:
        level = give_stock(make_variant(), make_location(), 5)
        find_reason("transit")
        results = threads(6, lambda i: open_case(level, 2))
        assert sum(isinstance(one, NonConformance) for one in results) == 2
        assert all(isinstance(one, (NonConformance, NotFree)) for one in results)
        assert counts(level) == (5, 4, 0) and audit_stock() == [] and breaches() == []

    def test_a_form_sent_by_many_at_once_counts_once(self, committed: None, threads: Any) -> None:
        level = give_stock(make_variant(), make_location(), 9)
        cases = threads(5, lambda i: open_case(level, 2, request_key="one").pk)
        assert len(set(cases)) == 1 and counts(level) == (9, 2, 0)
        case = NonConformance.objects.get()
        threads(5, lambda i: resolve(case, "scrap", 1, key="once"))
        assert counts(level) == (8, 1, 0) and breaches() == []
