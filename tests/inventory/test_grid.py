"""Many cells of stock at once: seen before they are saved, refused when somebody was faster, undone as any adjustment."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.permissions import Role, role_allows
from core.refusals import Invalid
from inventory.models import StockLevel, StockMovement
from inventory.operations import Claim, adjust_stock, reserve
from inventory.operations.auditing import audit_stock
from inventory.operations.grid import Cell, CellsRefused, save_cells
from inventory.operations.undoing import undo_adjustment
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db
KEY = "a1" * 16


@pytest.fixture
def levels() -> list[StockLevel]:
    place = make_location("Main")
    return [give_stock(make_variant(f"SKU-{n}"), place, 10 * (n + 1), bin=f"B-{n}") for n in range(3)]


def save(*cells: Cell, key: str = KEY, **more: Any) -> Any:
    return save_cells(cells=cells, reason="correction", key=key, actor=ACTOR, now=NOW, **more)


def counts(level: StockLevel) -> tuple[int, int, str]:
    level.refresh_from_db()
    return level.on_hand, level.safety_stock, level.bin


def test_counts_and_bins_are_saved_together(levels: list[StockLevel]) -> None:
    a, b, _c = levels
    cells = (
        Cell(a.pk, "on_hand", 10, 12),
        Cell(a.pk, "safety_stock", 0, 3),
        Cell(a.pk, "bin", "B-0", "Z-9"),
        Cell(b.pk, "on_hand", 20, 20),
    )
    assert len(save(*cells).done) == 3
    assert counts(a) == (12, 3, "Z-9") and counts(b) == (20, 0, "B-1")
    assert set(
        StockMovement.objects.filter(variant=a.variant_id, cause=f"adjustment:{KEY}").values_list("bucket", "quantity")
    ) == {("on_hand", 2), ("safety_stock", 3)}
    assert audit_stock() == []


def test_sent_twice_it_is_saved_once(levels: list[StockLevel]) -> None:
    save(Cell(levels[0].pk, "on_hand", 10, 12))
    adjust_stock(
        variant_id=levels[0].variant_id,
        location_id=levels[0].location_id,
        set_to=10,
        reason="correction",
        actor=ACTOR,
        now=NOW,
    )
    assert save(Cell(levels[0].pk, "on_hand", 10, 12)).repeated
    assert counts(levels[0])[0] == 10


def test_a_number_that_changed_meanwhile_is_refused_and_named(levels: list[StockLevel]) -> None:
    a, b, c = levels
    adjust_stock(variant_id=a.variant_id, location_id=a.location_id, quantity=-1, reason="lost", actor=ACTOR, now=NOW)
    with transaction.atomic():
        reserve([Claim(c.variant_id, c.location_id, "order_line:1", 25)], cause="order:1", actor=ACTOR, now=NOW)
    cells = (Cell(a.pk, "on_hand", 10, 12), Cell(b.pk, "on_hand", 20, 5), Cell(c.pk, "on_hand", 30, 24))
    with pytest.raises(CellsRefused) as refusal:
        save(*cells)
    assert {one.cell.level_id for one in refusal.value.cells} == {a.pk, c.pk}
    assert "somebody has changed it to 9" in refusal.value.cells[0].why
    assert [counts(level)[0] for level in levels] == [9, 20, 30]
    saved = save(*cells, partly=True)
    assert [cell.level_id for cell in saved.done] == [b.pk] and len(saved.refused) == 2
    assert [counts(level)[0] for level in levels] == [9, 5, 30]


def test_each_change_can_be_undone(levels: list[StockLevel]) -> None:
    who = Actor("user", "7", "Ana")
    save_cells(
        cells=[Cell(level.pk, "on_hand", level.on_hand, 1) for level in levels],
        reason="correction",
        key=KEY,
        actor=who,
        now=NOW,
    )
    movement = StockMovement.objects.get(cause=f"adjustment:{KEY}", variant=levels[1].variant_id)
    undo_adjustment(movement_id=movement.pk, actor=who, now=NOW)
    assert [counts(level)[0] for level in levels] == [1, 20, 1]


@pytest.mark.parametrize(
    ("column", "value"), [("on_hand", -1), ("on_hand", 10**9), ("reserved", 1), ("bin", "x" * 41), ("bin", "a\x00b")]
)
def test_wrong_values_are_invalid(levels: list[StockLevel], column: str, value: Any) -> None:
    with pytest.raises(Invalid):
        save(Cell(levels[0].pk, column, 10, value))


def test_two_at_once_never_lose_a_change(committed: None, threads: Any) -> None:
    level = give_stock(make_variant(), make_location(), 10)
    results = threads(6, lambda i: save(Cell(level.pk, "on_hand", 10, 20 + i), key=f"{i:032x}"))
    assert sum(isinstance(one, CellsRefused) for one in results) == 5
    assert counts(level)[0] >= 20 and audit_stock() == []


class TestPage:
    def form(self, levels: list[StockLevel], **changes: Any) -> dict[str, Any]:
        data: dict[str, Any] = {"row": [level.pk for level in levels], "reason": "counted", "key": KEY, "step": "save"}
        for level in levels:
            for name in ("on_hand", "safety_stock", "bin"):
                data[f"was-{name}-{level.pk}"] = data[f"{name}-{level.pk}"] = str(getattr(level, name))
        return data | changes

    def test_from_the_list_to_saved(self, client_as: Any, levels: list[StockLevel]) -> None:
        client = client_as("warehouse")
        chosen = [level.pk for level in levels[:2]]
        response = client.post("/stock/", {"action": "grid", "id": chosen})
        assert response.status_code == 302 and response["Location"] == f"/stock/grid/?rows={chosen[0]},{chosen[1]}"
        page = client.get(response["Location"]).content.decode()
        assert "SKU-0" in page and "SKU-2" not in page
        data = self.form(levels[:2], **{f"on_hand-{chosen[0]}": "11", f"bin-{chosen[1]}": "Q-1"})
        shown = client.post("/stock/grid/", data | {"step": "preview"}).content.decode()
        assert "2 cells would change" in shown and counts(levels[0])[0] == 10
        for _twice in range(2):
            client.post("/stock/grid/", data)
        assert counts(levels[0])[0] == 11 and counts(levels[1])[2] == "Q-1"

    def test_a_conflict_keeps_what_was_typed(self, client_as: Any, levels: list[StockLevel]) -> None:
        a, b, _c = levels
        adjust_stock(
            variant_id=a.variant_id, location_id=a.location_id, quantity=-1, reason="lost", actor=ACTOR, now=NOW
        )
        data = self.form(levels, **{f"on_hand-{a.pk}": "44", f"on_hand-{b.pk}": "21", f"was-on_hand-{a.pk}": "10"})
        response = client_as("owner").post("/stock/grid/", data)
        text = response.content.decode()
        assert response.status_code == 409 and 'value="44"' in text and "somebody has changed it to 9" in text
        assert counts(b)[0] == 20
        client_as("owner").post("/stock/grid/", data | {"partly": "on"})
        assert (counts(a)[0], counts(b)[0]) == (9, 21)

    def test_wrong_cells_are_shown_at_the_cell(self, client_as: Any, levels: list[StockLevel]) -> None:
        data = self.form(levels, **{f"on_hand-{levels[0].pk}": "many", f"on_hand-{levels[1].pk}": "-3"})
        response = client_as("owner").post("/stock/grid/", data)
        assert response.status_code == 422 and response.content.decode().count("Give a whole number") == 2

    @pytest.mark.parametrize("role", Role.values)
    def test_rights(self, client_as: Any, levels: list[StockLevel], role: str) -> None:
        allowed = role_allows(role, "inventory.adjust")
        assert (client_as(role).get("/stock/grid/").status_code == 200) == allowed
        assert (client_as(role).post("/stock/grid/", {}).status_code != 403) == allowed

    def test_statements_do_not_grow(
        self, client_as: Any, levels: list[StockLevel], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("oms.navigation.waiting_counts", dict)
        client = client_as("owner")
        numbers = []
        for path in (f"/stock/grid/?rows={levels[0].pk}", "/stock/grid/"):
            client.get(path)
            with CaptureQueriesContext(connection) as caught:
                client.get(path)
            numbers.append(len(caught))
        assert numbers[0] == numbers[1]
