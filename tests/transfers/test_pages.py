"""The pages of transfers: who may do what, what they show, what they cost, and that they work by plain forms."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import zxingcpp
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.jobs import run_job
from core.models import Job, JobError
from core.permissions import Role, role_allows
from inventory.models import ReorderPolicy
from tests.factories.papers import page_images, text_of
from tests.factories.shop import NOW, give_stock, make_location, make_variant
from tests.transfers.factory import WHO, counts, make_transfer
from transfers.models import Arrival, Transfer
from transfers.operations import receive_transfer, set_counts
from transfers.operations.arriving import Arrived

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidebar's counts are kept for some seconds; here they would make the number of statements depend on the clock."""
    monkeypatch.setattr("oms.navigation.waiting_counts", dict)


PAGES = ["", "new/", "suggested/", "import/", "receive/", "{pk}/", "{pk}/edit/", "{pk}/receive/", "{pk}/slip.pdf"]
LOOKED_AT = {"", "suggested/", "{pk}/", "{pk}/slip.pdf"}
POSTS = ["new/", "suggested/", "import/", "receive/", "{pk}/edit/", "{pk}/act/", "{pk}/dispatch/", "{pk}/settle/", "{pk}/find/", "{pk}/undo/", "{pk}/receive/"]  # fmt: skip


def statements(client: Any, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


class TestRights:
    @pytest.mark.parametrize("role", Role.values)
    def test_each_page_has_its_right(self, client_as: Any, role: str) -> None:
        transfer, client = make_transfer(), client_as(role)
        for path in PAGES:
            wanted = "transfers.view" if path in LOOKED_AT else "transfers.edit"
            status = client.get(f"/transfers/{path.format(pk=transfer.pk)}").status_code
            assert status == (200 if role_allows(role, wanted) else 403), path

    @pytest.mark.parametrize("path", POSTS)
    def test_who_may_only_look_changes_nothing(self, client_as: Any, path: str) -> None:
        transfer = make_transfer()
        answer = client_as("viewer").post(f"/transfers/{path.format(pk=transfer.pk)}", {"action": "ready"})
        assert answer.status_code == 403
        assert Transfer.objects.get().state == "draft"

    def test_what_a_role_may_not_do_is_not_offered(self, client_as: Any) -> None:
        transfer = make_transfer(state="in_transit")
        text = client_as("viewer").get(f"/transfers/{transfer.pk}/").content.decode()
        assert "/receive/" not in text and "/settle/" not in text
        assert "Create drafts" not in client_as("viewer").get("/transfers/suggested/").content.decode()

    def test_what_is_not_there_is_not_found(self, client_as: Any) -> None:
        client = client_as("owner")
        for path in PAGES:
            if "{pk}" in path:
                assert client.get(f"/transfers/{path.format(pk=987654321)}").status_code == 404


class TestList:
    def test_it_is_as_cheap_for_many_as_for_one(self, client_as: Any) -> None:
        client = client_as("owner")
        make_transfer()
        client.get("/transfers/?tab=all")
        one = statements(client, "/transfers/?tab=all")
        for _ in range(3):
            make_transfer(state="in_transit")
        assert statements(client, "/transfers/?tab=all") == one

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("tab=open", "DI"), ("tab=draft", "D"), ("tab=ready", ""), ("tab=in-transit", "I"), ("tab=late", "D"), ("tab=received", "R"),
            ("tab=all", "DIR"), ("tab=all&sku=A-1", "DR"), ("tab=all&q=W46", "D"), ("tab=all&q=b-1", "I"), ("tab=all&discrepant=yes", "R"),
            ("tab=all&state=draft", "D"), ("tab=all&origin={o}", "D"), ("tab=all&destination={d}", "D"), ("tab=all&q=nothing", ""),
        ],
    )  # fmt: skip
    def test_tabs_filters_and_search(self, client_as: Any, query: str, found: str) -> None:
        draft = make_transfer({"A-1": 2}, reference="W46 lorry", expected_on=date(2020, 1, 1))
        coming = make_transfer({"B-1": 2}, state="in_transit")
        from core.text import search_words
        from inventory.models import Variant

        Variant.objects.filter(sku="B-1").update(search_text=search_words("B-1"))
        gone = make_transfer({"A-1": 1}, state="in_transit")
        arrived = [Arrived(gone.lines.get().pk, 2, over_reason="found")]
        receive_transfer(transfer_id=gone.pk, arrived=arrived, key="k", **WHO)
        path = f"/transfers/?{query.format(o=draft.origin_id, d=draft.destination_id)}"
        text = client_as("viewer").get(path).content.decode()
        names = {"D": draft, "I": coming, "R": gone}
        assert "".join(n for n, t in names.items() if f'href="/transfers/{t.pk}/"' in text) == found

    def test_a_number_finds_its_transfer(self, client_as: Any) -> None:
        first, second = make_transfer(), make_transfer()
        for q in (first.number, first.number.lower(), str(first.pk)):
            text = client_as("viewer").get("/transfers/", {"tab": "all", "q": q}).content.decode()
            assert f"/transfers/{first.pk}/" in text and f"/transfers/{second.pk}/" not in text

    def test_bulk_acts_tell_each_refusal(self, client_as: Any) -> None:
        good, short = make_transfer(), make_transfer({"B-1": 99})
        client = client_as("warehouse")
        data = {"action": "ready", "id": [good.pk, short.pk]}
        text = client.post("/transfers/", data).content.decode()
        assert short.number in text and "10 of 99" in text
        assert list(Transfer.objects.order_by("pk").values_list("state", flat=True)) == ["ready", "draft"]
        data |= {"action": "cancel", "confirmed": "1", "reason": "no lorry"}
        client.post("/transfers/", data)
        assert set(Transfer.objects.values_list("state", flat=True)) == {"cancelled"}
        assert counts(good.origin) == (10, 0, 0, 0)

    def test_slips_are_printed_together(self, client_as: Any) -> None:
        transfers = [make_transfer(), make_transfer({"B-1": 1})]
        client_as("warehouse").post("/transfers/", {"action": "print", "id": [t.pk for t in transfers]})
        job = Job.objects.get()
        run_job(job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert (job.state, job.done) == ("done", 2)
        text = text_of(bytes(job.output.data))
        assert all(transfer.number in text for transfer in transfers) and "B-1" in text


def form_of(**changes: Any) -> dict[str, Any]:
    a, b = make_location("A"), make_location("B")
    return {"origin": a.pk, "destination": b.pk, "key": "ab" * 16, "step": "save", **changes}


class TestEntry:
    def test_lines_come_by_scan_search_and_paste(self, client_as: Any) -> None:
        tee, mug, pen = (
            make_variant("TEE-S", barcode="5901234123457", search_text="tee-s"),
            make_variant("MUG"),
            make_variant("PEN"),
        )
        data = form_of(
            step="add", add="5901234123457", sku=["TEE-S"], quantity=["2"], paste="MUG\t4\npen; 3\nmug 1\n\n"
        )
        give_stock(tee, make_location("C"), 1)
        client = client_as("warehouse")
        text = client.post("/transfers/new/", data).content.decode()
        rows = dict(
            zip(
                re.findall(r'name="sku" value="([^"]*)"', text),
                re.findall(r'name="quantity" value="([^"]*)"', text),
                strict=True,
            )
        )
        assert rows == {"TEE-S": "3", "MUG": "5", "PEN": "3"}
        assert not Transfer.objects.exists()
        saved = client.post("/transfers/new/", data | {"step": "save"})
        made = Transfer.objects.get()
        assert saved["Location"] == f"/transfers/{made.pk}/"
        assert dict(made.lines.values_list("variant_id", "quantity")) == {tee.pk: 3, mug.pk: 5, pen.pk: 3}

    def test_a_search_offers_and_a_press_adds(self, client_as: Any) -> None:
        make_variant("TEE-S", title="Summer tee", search_text="tee-s summer tee")
        client = client_as("warehouse")
        text = client.post("/transfers/new/", form_of(step="add", add="summ")).content.decode()
        assert 'name="choose" value="TEE-S"' in text and "Choose which one." in text
        text = client.post("/transfers/new/", {"choose": "TEE-S", "add": "summ"}).content.decode()
        assert 'name="sku" value="TEE-S"' in text and 'name="choose"' not in text
        assert "Nothing is called" in client.post("/transfers/new/", {"step": "add", "add": "zzz"}).content.decode()

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"sku": ["NOPE"], "quantity": ["1"]}, "There is no such SKU."),
            ({"sku": ["PEN"], "quantity": ["0"]}, "A quantity lies between"),
            ({"sku": ["PEN"], "quantity": ["9999999"]}, "A quantity lies between"),
            ({"sku": ["PEN"], "quantity": ["-1"]}, "A quantity lies between"),
            ({"sku": ["SET"], "quantity": ["1"]}, "is a bundle"),
            ({}, "Say what is to be sent."),
            ({"sku": ["PEN"], "quantity": ["1"], "destination": ""}, "This field is required."),
            ({"sku": ["PEN"], "quantity": ["1"], "origin": "987654321"}, "Select a valid choice"),
            ({"sku": ["PEN"], "quantity": ["1"], "paste": "PEN\x00 4"}, "There is no such SKU."),
        ],
    )
    def test_what_is_wrong_stands_at_its_place(self, client_as: Any, changes: dict[str, Any], says: str) -> None:
        make_variant("PEN"), make_variant("SET", is_bundle=True)
        answer = client_as("warehouse").post("/transfers/new/", form_of(**changes))
        assert answer.status_code == 422
        assert says in answer.content.decode()
        assert not Transfer.objects.exists()

    def test_sent_twice_it_is_one_transfer(self, client_as: Any) -> None:
        make_variant("PEN")
        data, client = form_of(sku=["PEN"], quantity=["1"]), client_as("warehouse")
        assert client.post("/transfers/new/", data)["Location"] == client.post("/transfers/new/", data)["Location"]

    def test_a_line_goes_and_the_stock_of_the_origin_is_shown(self, client_as: Any) -> None:
        transfer = make_transfer({"A-1": 50, "B-1": 2})
        client = client_as("warehouse")
        text = client.get(f"/transfers/{transfer.pk}/edit/").content.decode()
        assert "too few" in text and 'value="B-1"' in text
        data = {"origin": transfer.origin_id, "sku": ["A-1", "B-1"], "quantity": ["50", "2"], "remove": "0"}
        text = client.post(f"/transfers/{transfer.pk}/edit/", data).content.decode()
        assert 'value="A-1"' not in text and 'value="B-1"' in text

    def test_an_edit_is_saved_and_an_old_one_refused(self, client_as: Any) -> None:
        transfer = make_transfer()
        data = {
            "origin": transfer.origin_id, "destination": transfer.destination_id, "key": "cd" * 16, "version": transfer.version, "step": "save",
            "sku": ["A-1"], "quantity": ["7"], "note": "careful",
        }  # fmt: skip
        client = client_as("warehouse")
        assert client.post(f"/transfers/{transfer.pk}/edit/", data).status_code == 302
        assert client.post(f"/transfers/{transfer.pk}/edit/", data).status_code == 422
        transfer.refresh_from_db()
        assert (transfer.units, transfer.note) == (7, "careful")

    def test_what_is_no_draft_is_not_edited(self, client_as: Any) -> None:
        transfer = make_transfer(state="ready")
        assert client_as("owner").get(f"/transfers/{transfer.pk}/edit/").status_code == 302


class TestPage:
    @pytest.mark.parametrize("state", ["draft", "ready", "in_transit"])
    def test_it_is_as_cheap_for_many_lines_as_for_one(self, client_as: Any, state: str) -> None:
        client = client_as("owner")
        one, many = make_transfer(state=state), make_transfer({f"M-{n}": 2 for n in range(5)}, state=state)
        client.get(f"/transfers/{one.pk}/")
        assert statements(client, f"/transfers/{one.pk}/") == statements(client, f"/transfers/{many.pk}/")

    def test_from_draft_to_received_by_plain_forms(self, client_as: Any) -> None:
        transfer, client = make_transfer(), client_as("warehouse")
        here, line = f"/transfers/{transfer.pk}", transfer.lines.get()
        assert client.post(f"{here}/act/", {"action": "ready", "version": transfer.version}).status_code == 302
        data = {"version": transfer.version + 1, f"quantity-{line.pk}": "4", "keep_rest": "on"}
        assert client.post(f"{here}/dispatch/", data).status_code == 302
        assert client.post(f"{here}/dispatch/", data).status_code == 422
        assert Transfer.objects.count() == 2
        client.post(f"{here}/receive/", {"code": "A-1", "damaged": "1"})
        client.post(
            f"{here}/receive/",
            {"action": "count", "key": "ab" * 16, f"quantity-{line.pk}": "3", f"damaged-{line.pk}": "1"},
        )
        post = {"action": "post", "key": "ef" * 16, f"damage-{line.pk}": "badly_packed"}
        for _ in range(2):
            client.post(f"{here}/receive/", post)
        assert counts(transfer.destination) == (3, 0, 1, 1)
        transfer.refresh_from_db()
        missing = {f"missing-{line.pk}": "1", f"reason-{line.pk}": "lost", "version": transfer.version}
        assert client.post(f"{here}/settle/", missing).status_code == 302
        assert client.post(f"{here}/settle/", missing).status_code == 422
        transfer.refresh_from_db()
        assert (transfer.state, transfer.lost) == ("received", 1)
        found = {"line": line.pk, "quantity": "1", "place": "destination", "version": transfer.version}
        assert client.post(f"{here}/find/", found).status_code == 302
        assert client.post(f"{here}/find/", found).status_code == 409
        assert counts(transfer.destination) == (4, 0, 1, 0)
        text = client.get(f"{here}/").content.decode()
        for words in ("Badly packed", "Lost on the way", "Everything is accounted for.", "Left behind: 1 × A-1."):
            assert words in text

    def test_what_the_origin_lacks_is_told_with_a_way_on(self, client_as: Any) -> None:
        transfer, client = make_transfer({"A-1": 50}), client_as("warehouse")
        answer = client.post(f"/transfers/{transfer.pk}/act/", {"action": "ready"})
        text = answer.content.decode()
        assert answer.status_code == 409 and "10 of 50" in text and 'name="reduce"' in text
        client.post(f"/transfers/{transfer.pk}/act/", {"action": "ready", "reduce": "1", "version": transfer.version})
        transfer.refresh_from_db()
        assert (transfer.state, transfer.units) == ("ready", 10)

    def test_a_receipt_is_taken_back_once(self, client_as: Any) -> None:
        transfer, client = make_transfer(state="in_transit"), client_as("warehouse")
        receive_transfer(transfer_id=transfer.pk, arrived=[Arrived(transfer.lines.get().pk, 5)], key="k", **WHO)
        data = {"arrival": Arrival.objects.get().pk}
        assert client.post(f"/transfers/{transfer.pk}/undo/", data).status_code == 302
        assert client.post(f"/transfers/{transfer.pk}/undo/", data).status_code == 409
        assert client.post(f"/transfers/{transfer.pk}/undo/", {"arrival": "x"}).status_code == 422
        assert counts(transfer.destination) == (0, 0, 0, 5)

    def test_a_receipt_of_another_transfer_is_not_taken_back_here(self, client_as: Any) -> None:
        one, other = make_transfer(state="in_transit"), make_transfer(state="in_transit")
        receive_transfer(transfer_id=other.pk, arrived=[Arrived(other.lines.get().pk, 5)], key="k", **WHO)
        assert (
            client_as("owner").post(f"/transfers/{one.pk}/undo/", {"arrival": Arrival.objects.get().pk}).status_code
            == 422
        )

    @pytest.mark.parametrize(
        ("path", "data", "status"),
        [
            ("act", {"action": "fly"}, 422), ("act", {"action": "dispatch"}, 422), ("act", {"action": "revise"}, 409),
            ("act", {"action": "ready", "version": "x"}, 422), ("dispatch", {}, 422), ("settle", {"version": "1"}, 422),
            ("find", {}, 422), ("undo", {}, 422),
        ],
    )  # fmt: skip
    def test_odd_posts_are_answered(self, client_as: Any, path: str, data: dict[str, str], status: int) -> None:
        transfer = make_transfer()
        assert client_as("owner").post(f"/transfers/{transfer.pk}/{path}/", data).status_code == status
        assert counts(transfer.origin) == (10, 0, 0, 0)

    def test_the_slip_says_what_travels(self, client_as: Any) -> None:
        transfer = make_transfer({"A-1": 3, "Ł-1": 2}, state="in_transit", note="<b>Fragile</b>", reference="W46")
        answer = client_as("viewer").get(f"/transfers/{transfer.pk}/slip.pdf")
        assert answer["Content-Type"] == "application/pdf"
        text = text_of(answer.content)
        for word in (
            transfer.number,
            "A-1",
            "Ł-1",
            "W46",
            "<b>Fragile</b>",
            transfer.origin.name,
            transfer.destination.name,
        ):
            assert word in text
        codes = {code.text for image in page_images(answer.content) for code in zxingcpp.read_barcodes(image)}
        assert codes >= {transfer.number, "A-1"}


class TestDock:
    def test_a_scan_leads_to_its_transfer(self, client_as: Any) -> None:
        transfer, client = make_transfer(state="in_transit"), client_as("warehouse")
        assert (
            client.post("/transfers/receive/", {"code": f" {transfer.number.lower()} "})["Location"]
            == f"/transfers/{transfer.pk}/receive/"
        )
        client.post("/transfers/receive/", {"code": "TR-0"})
        text = client.get("/transfers/receive/").content.decode()
        assert 'data-beep="wrong"' in text and "TR-0" in text and transfer.number in text
        other = make_transfer(state="in_transit")
        here = client.post(f"/transfers/{transfer.pk}/receive/", {"code": other.number})
        assert here["Location"] == f"/transfers/{other.pk}/receive/"

    def test_right_wrong_over_and_done_are_heard(self, client_as: Any) -> None:
        transfer, client = make_transfer({"A-1": 2, "B-1": 1}, state="in_transit"), client_as("warehouse")

        def beep(code: str, **data: str) -> str:
            headers = {"HX-Request": "true"}
            text = client.post(
                f"/transfers/{transfer.pk}/receive/", {"code": code, **data}, headers=headers
            ).content.decode()
            assert "<html" not in text
            return re.search(r'data-beep="(\w+)"', text)[1]

        assert beep("A-1") == "right"
        assert beep("X-9") == "wrong"
        assert beep("") == "wrong"
        assert beep("A-1", damaged="1") == "right"
        assert beep("B-1") == "done"
        assert beep("B-1") == "wrong", "one too many is counted and flagged"
        assert sorted(transfer.lines.values_list("counted", "counted_damaged")) == [(2, 0), (2, 1)]
        assert beep("", action="clear") == "right"
        assert set(transfer.lines.values_list("counted", flat=True)) == {0}

    def test_too_many_and_damaged_want_their_reasons(self, client_as: Any) -> None:
        transfer, client = make_transfer({"A-1": 2}, state="in_transit"), client_as("warehouse")
        line = transfer.lines.get()
        set_counts(transfer_id=transfer.pk, counts={line.pk: (4, 1)})
        here = f"/transfers/{transfer.pk}/receive/"
        answer = client.post(here, {"action": "post", "key": "ab" * 16})
        assert answer.status_code == 422 and f'name="over-{line.pk}"' in answer.content.decode()
        data = {"action": "post", "key": "ab" * 16, f"over-{line.pk}": "found", f"damage-{line.pk}": "on_the_way"}
        assert client.post(here, data).status_code == 302
        assert counts(transfer.destination) == (4, 0, 1, 0)
        assert "All done here" in client.get(here).content.decode()

    def test_what_is_missing_is_closed_with_reasons(self, client_as: Any) -> None:
        transfer, client = make_transfer({"A-1": 2, "B-1": 1}, state="in_transit"), client_as("warehouse")
        data: dict[str, Any] = {"action": "close", "version": transfer.version}
        assert client.post(f"/transfers/{transfer.pk}/receive/", data).status_code == 422
        for line, reason in zip(transfer.lines.all(), ("lost", "back"), strict=True):
            data |= {f"missing-{line.pk}": line.shipped, f"reason-{line.pk}": reason}
        client.post(f"/transfers/{transfer.pk}/receive/", data)
        transfer.refresh_from_db()
        assert (transfer.state, transfer.lost, transfer.returned) == ("received", 2, 1)

    def test_it_is_as_cheap_for_many_lines_as_for_one(self, client_as: Any) -> None:
        client = client_as("warehouse")
        one, many = (
            make_transfer(state="in_transit"),
            make_transfer({f"M-{n}": 2 for n in range(5)}, state="in_transit"),
        )
        client.get(f"/transfers/{one.pk}/receive/")
        assert statements(client, f"/transfers/{one.pk}/receive/") == statements(
            client, f"/transfers/{many.pk}/receive/"
        )


class TestSuggestions:
    def test_drafts_are_made_of_what_was_left_in_the_form(self, client_as: Any) -> None:
        here, there, variants = (
            make_location("Full"),
            make_location("Empty"),
            [make_variant("A-1"), make_variant("B-1")],
        )
        for variant in variants:
            give_stock(variant, here, 20)
            ReorderPolicy.objects.create(
                variant=variant, location=there, reorder_point=2, order_up_to=8, updated_at=NOW
            )
        client = client_as("warehouse")
        text = client.get("/transfers/suggested/").content.decode()
        fields = dict(re.findall(r'name="(units-[\d-]+)" value="(\d+)"', text))
        assert fields == {f"units-{here.pk}-{there.pk}-{v.pk}": "8" for v in variants}
        key = re.search(r'name="key" value="(\w+)"', text)[1]
        data = {
            **fields,
            "key": key,
            "pair": f"{here.pk}-{there.pk}",
            f"units-{here.pk}-{there.pk}-{variants[0].pk}": "3",
        }
        for _ in range(2):
            assert client.post("/transfers/suggested/", data).status_code == 302
        made = Transfer.objects.get()
        assert sorted(made.lines.values_list("variant__sku", "quantity")) == [("A-1", 3), ("B-1", 8)]
        text = client.get("/transfers/suggested/").content.decode()
        assert fields.keys().isdisjoint(re.findall(r'name="(units-[\d-]+)"', text)) or "B-1" not in text

    @pytest.mark.parametrize(
        "data", [{}, {"key": "ab" * 16}, {"key": "ab" * 16, "units-1-2-3": "x"}, {"key": "ab" * 16, "units-1-2": "4"}, {"key": "ab" * 16, "units-1-2-3": "4", "pair": "1-2"}]
    )  # fmt: skip
    def test_odd_forms_make_nothing(self, client_as: Any, data: dict[str, str]) -> None:
        assert client_as("owner").post("/transfers/suggested/", data).status_code == 422
        assert not Transfer.objects.exists()


class TestFile:
    def bring_in(self, client: Any, text: str) -> Job:
        answer = client.post("/transfers/import/", {"file": SimpleUploadedFile("moves.csv", text.encode())})
        assert answer.status_code == 302, answer.content
        job = Job.objects.latest("pk")
        run_job(job.pk, clock=timezone.now)
        job.refresh_from_db()
        return job

    def test_rows_become_drafts_once(self, client_as: Any) -> None:
        (
            make_location("Warsaw", code="WAW"),
            make_location("Berlin", code="BER"),
            make_variant("A-1"),
            make_variant("B-1"),
        )
        text = (
            "Origin;Destination;SKU;Quantity;Reference\nWarsaw;ber;A-1;5;W1\nWAW;Berlin;b-1;2;W2\nWarsaw;ber;B-1;1;W1\n"
        )
        client = client_as("warehouse")
        for _ in range(2):
            job = self.bring_in(client, text)
            assert (job.state, job.done, job.total) == ("done", 2, 2)
        assert sorted(Transfer.objects.values_list("reference", "units", "lines__variant__sku")) == [
            ("W1", 6, "A-1"), ("W1", 6, "B-1"), ("W2", 2, "B-1"),
        ]  # fmt: skip

    def test_each_row_at_fault_is_named_and_its_transfer_not_made(self, client_as: Any) -> None:
        make_location("Warsaw"), make_location("Berlin"), make_variant("A-1")
        rows = [
            "Warsaw,Berlin,A-1,5,good", "Warsaw,Mars,A-1,5,place", "Warsaw,Berlin,NOPE,5,sku", "Warsaw,Berlin,A-1,many,count",
            "Warsaw,Berlin,A-1,1,sku", "Warsaw,Warsaw,A-1,1,same", "Warsaw,Berlin,A-1",
        ]  # fmt: skip
        job = self.bring_in(client_as("owner"), "origin,destination,sku,quantity,reference\n" + "\n".join(rows))
        assert job.state == "done_with_errors"
        assert list(Transfer.objects.values_list("reference", flat=True)) == ["good"]
        assert sorted(JobError.objects.values_list("line", flat=True)) == [3, 4, 5, 6, 7, 8]

    def test_a_file_without_its_columns_is_refused(self, client_as: Any) -> None:
        job = self.bring_in(client_as("owner"), "origin,sku,quantity\nWarsaw,A-1,5\n")
        assert job.state == "failed" and "destination" in job.message
