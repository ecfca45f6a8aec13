"""A walk over every address: who may come in, who may act, what looking changes (nothing), and what odd numbers do (nothing)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse

from core.permissions import MATRIX, Role, role_allows
from tests.security.routes import ACTS, ROUTES, Act, Route, all_routes, route
from tests.security.world import Statements, World, fingerprint

pytestmark = pytest.mark.django_db
ROLES = list(Role.values)
GUARDED = [one for one in all_routes() if getattr(one.view, "permission", None)]
PUBLIC = {one.name for one in all_routes() if getattr(one.view, "permission", "?") is None}
LISTS = [one for one in all_routes() if hasattr(one.view, "list_page")]
ACT_IDS = [act.id for act in ACTS]
#: The whole list of pages that need no login. It grows only with a reason.
MEANT_FOR_EVERYBODY = {
    "login", "logout", "set_language", "healthz", "api-docs", "track-lookup", "tracking", "tracking-return-items", "tracking-return",
    "tracking-return-cancel", "tracking-return-label", "tracking-document", "draft-offer", "draft-offer-accept", "draft-offer-pdf", "pay", "pay-go", "pay-return", "payment-webhook",
}  # fmt: skip
#: Posted by machines of others, whose signature over the body is the proof that a form's token is elsewhere.
SIGNED = {"payment-webhook"}
#: Acts that somebody else than the one who began them is refused, whatever their role.
OWN = {"stock-undo"}


def url_of(one: Route, world: World, role: str | None) -> str:
    return reverse(one.name, kwargs=ROUTES[one.name](world, role))


def leads_to_login(response: HttpResponse) -> bool:
    return response.status_code == 302 and response.headers["Location"].startswith("/login/?next=")


class TestEveryRouteIsKnown:
    def test_each_says_who_may_see_it(self) -> None:
        silent = [one.name for one in all_routes() if not hasattr(one.view, "permission")]
        assert silent == [], "views without core.permissions.require or public"
        assert [one.name for one in GUARDED if one.permission not in MATRIX] == []

    def test_only_these_need_no_login(self) -> None:
        assert PUBLIC == MEANT_FOR_EVERYBODY

    def test_each_has_an_entry_and_each_entry_a_route(self) -> None:
        names = {one.name for one in all_routes()}
        assert names - ROUTES.keys() == set(), "routes without an entry in tests/security/routes.py"
        assert {act.route for act in ACTS} <= names
        assert ROUTES.keys() <= names

    def test_each_bulk_act_has_an_entry(self) -> None:
        entered = {(act.route, act.name) for act in ACTS}
        offered = {(one.name, action.name) for one in LISTS for action in one.view.list_page.bulk_actions}
        assert offered - entered == set()

    @pytest.mark.parametrize("name", sorted(ROUTES))
    def test_what_takes_a_post_has_an_act(self, world: World, name: str) -> None:
        response = world.client(Role.OWNER).post(url_of(route(name), world, Role.OWNER), {})
        takes_posts = response.status_code != 405
        is_a_list_without_acts = hasattr(route(name).view, "list_page") and not route(name).view.list_page.bulk_actions
        assert takes_posts == (name in {act.route for act in ACTS}) or is_a_list_without_acts


class TestLooking:
    @pytest.mark.parametrize("one", GUARDED, ids=lambda one: one.name)
    def test_nobody_gets_in_without_a_login(self, world: World, one: Route) -> None:
        url, before = url_of(one, world, None), fingerprint()
        for method in ("get", "post"):
            response = getattr(world.client(None), method)(url)
            assert leads_to_login(response) or response.status_code == 405
        assert fingerprint() == before

    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("one", GUARDED, ids=lambda one: one.name)
    def test_a_role_sees_what_the_matrix_says(self, world: World, one: Route, role: str) -> None:
        response = world.client(role).get(url_of(one, world, role))
        if role_allows(role, one.permission or ""):
            assert response.status_code in (200, 302, 405), response.content[:300]
        else:
            assert response.status_code in (403, 405)

    @pytest.mark.parametrize("name", sorted(ROUTES))
    def test_looking_changes_nothing(self, world: World, name: str) -> None:
        url, client, statements = url_of(route(name), world, Role.OWNER), world.client(Role.OWNER), Statements()
        with connection.execute_wrapper(statements):
            for method in ("get", "head", "options"):
                assert getattr(client, method)(url).status_code < 500
        assert statements.writes == []

    @pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
    def test_exports_have_a_right_of_their_own(self, world: World, one: Route) -> None:
        page = one.view.list_page
        for role in ROLES:
            allowed = role_allows(role, page.permission) and role_allows(
                role, page.export_permission or page.permission
            )
            for kind in ("csv", "xlsx"):
                response = world.client(role).get(url_of(one, world, role), {"export": kind})
                _content = b"".join(response) if response.streaming else response.content  # read to its end, it closes
                assert (response.status_code == 200) == allowed, (role, kind, response.status_code)
                assert allowed or response.status_code == 403


def run(world: World, act: Act, role: str, **extra: Any) -> HttpResponse:
    """Send the act as somebody of the role; the data is made before anything is measured."""
    return world.client(role).post(act.url(world, role), act.data(world, role) | extra)


class TestActing:
    @pytest.mark.parametrize("act", ACTS, ids=ACT_IDS)
    def test_the_owner_can_and_it_has_an_effect(self, world: World, act: Act) -> None:
        """Without this, a refusal below could come from wrong data."""
        url, data, client, before = (
            act.url(world, Role.OWNER),
            act.data(world, Role.OWNER),
            world.client(Role.OWNER),
            fingerprint(),
        )
        response = client.post(url, data)
        assert response.status_code in (200, 204, 302) or not act.changes, response.content.decode()[-3000:]
        assert response.status_code < 500
        assert (fingerprint() != before) == act.changes

    @pytest.mark.parametrize("act", [act for act in ACTS if act.permission_needed()], ids=lambda act: act.id)
    def test_no_role_does_what_it_may_not(self, world: World, act: Act) -> None:
        permission = act.permission_needed() or ""
        for role in [role for role in ROLES if not role_allows(role, permission)]:
            url, data, client, statements = (
                act.url(world, role),
                act.data(world, role),
                world.client(role),
                Statements(),
            )
            with connection.execute_wrapper(statements):
                response = client.post(url, data)
            if act.name == "save_shared_view":
                assert response.status_code in (302, 403)
                assert not any("core_savedview" in sql and "true" in sql.lower() for sql in statements.writes)
                continue
            assert response.status_code == 403, role
            assert statements.writes == [], role

    @pytest.mark.parametrize("act", [act for act in ACTS if act.permission_needed()], ids=lambda act: act.id)
    def test_each_role_that_may_can(self, world: World, act: Act) -> None:
        for role in [
            role for role in ROLES if role_allows(role, act.permission_needed() or "") and act.route not in OWN
        ]:
            savepoint = transaction.savepoint()
            response = run(world, act, role)
            assert response.status_code in (200, 204, 302) or not act.changes, (role, response.content.decode()[-1500:])
            transaction.savepoint_rollback(savepoint)

    @pytest.mark.parametrize("act", [act for act in ACTS if act.route not in SIGNED], ids=lambda act: act.id)
    def test_a_form_from_elsewhere_does_nothing(self, world: World, act: Act) -> None:
        url, data, before = act.url(world, Role.OWNER), act.data(world, Role.OWNER), fingerprint()
        response = world.client(Role.OWNER, enforce_csrf_checks=True).post(url, data)
        assert response.status_code == 403
        assert fingerprint() == before

    @pytest.mark.parametrize("act", [act for act in ACTS if act.permission_needed()], ids=lambda act: act.id)
    def test_a_right_taken_away_is_gone_with_the_next_request(self, world: World, act: Act) -> None:
        url, data, client = act.url(world, Role.OWNER), act.data(world, Role.OWNER), world.client(Role.OWNER)
        user = world.users[Role.OWNER]
        type(user).objects.filter(pk=user.pk).update(is_active=False)
        before = fingerprint()
        response = client.post(url, data)
        assert response.status_code in (302, 403)
        assert response.status_code == 403 or leads_to_login(response)
        assert fingerprint() == before

    @pytest.mark.parametrize("act", ACTS, ids=ACT_IDS)
    def test_fields_that_no_form_has_change_nothing(self, world: World, act: Act) -> None:
        """Mass assignment: the outcome is the same with and without fields that name columns."""
        planted = {
            "is_superuser": "1", "is_staff": "1", "state": "delivered", "total": "0", "captured_total": "99999", "payment_status": "paid",
            "reserved": "99", "actor": "user:1", "digest": "x", "shipped": "9", "pk": "1",
        }  # fmt: skip
        response = run(world, act, Role.OWNER, **planted)
        assert response.status_code < 500
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM core_user WHERE is_superuser OR is_staff),"
                " (SELECT count(*) FROM orders_order WHERE captured_total = 99999 OR total = 0),"
                " (SELECT count(*) FROM inventory_stocklevel WHERE reserved = 99)"
            )
            assert cursor.fetchone() == (0, 0, 0)


#: Numbers that no row has, that no column holds, and that are no numbers.
ODD_NUMBERS = ("0", "999999999", str(2**63 + 1), "-1", "%00", "٣")
ODD_WORDS = ("x", "%00", "%2e%2e%2f%2e%2e", "A" * 3000)


def odd_addresses(one: Route, world: World) -> list[str]:
    """The address of a route with each of its arguments in turn replaced by something odd."""
    arguments = ROUTES[one.name](world, Role.OWNER)
    plain = reverse(one.name, kwargs=arguments)
    found = []
    for name, value in arguments.items():
        kind = re.search(rf"<(\w+):{name}>", one.path)
        for odd in ODD_NUMBERS if kind and kind[1] == "int" else ODD_WORDS:
            found.append(plain.replace(f"/{value}", f"/{odd}", 1))
    return [address for address in found if address != plain]


class TestOddNumbers:
    @pytest.mark.parametrize("one", [one for one in all_routes() if "<" in one.path], ids=lambda one: one.name)
    def test_what_is_not_there_is_not_found(self, world: World, one: Route) -> None:
        client, before = world.client(Role.OWNER), fingerprint()
        for address in odd_addresses(one, world):
            if one.name == "routing-version" and "/0/" in address:
                continue
            for method in ("get", "post"):
                response = getattr(client, method)(address)
                assert response.status_code in (404, 405), (method, address, response.status_code)
        assert fingerprint() == before

    @pytest.mark.parametrize("act", ACTS, ids=ACT_IDS)
    def test_odd_numbers_in_forms_are_refused(self, world: World, act: Act) -> None:
        """Every field that holds a whole number, in turn: an answer for people, nothing half-written, never a broken page."""
        data, url = act.data(world, Role.OWNER), act.url(world, Role.OWNER)
        for field, value in data.items():
            sent = value[0] if isinstance(value, list) and value else value
            if not str(sent).isdigit():
                continue
            for odd in ("-1", str(2**63 + 1), "\x00"):
                savepoint = transaction.savepoint()
                response = world.client(Role.OWNER).post(url, data | {field: odd})
                assert response.status_code < 500, (field, odd)
                transaction.savepoint_rollback(savepoint)

    @pytest.mark.parametrize("act", ACTS, ids=ACT_IDS)
    def test_a_nul_or_a_novel_in_every_field_breaks_nothing(self, world: World, act: Act) -> None:
        data, url = act.data(world, Role.OWNER), act.url(world, Role.OWNER)
        for odd in ("\x00", "x" * 20_000):
            led_on = set(data) - {"id", "action", "step", "act", "key"}
            for fields in (set(data), led_on) if odd == "\x00" else (led_on,):
                savepoint = transaction.savepoint()
                response = world.client(Role.OWNER).post(url, data | dict.fromkeys(fields, odd))
                assert response.status_code < 500, odd[:3]
                transaction.savepoint_rollback(savepoint)

    def test_ids_of_others_in_a_form_do_nothing(self, world: World) -> None:
        """Lines, holds and returns of another order, named in the form of one's own."""
        other, client = world.held, world.client(Role.OWNER)
        line, returned = other.lines.get(), world.received.lines.get()
        tries = [
            (
                reverse("order-cancel", args=[world.order.pk]),
                {"version": world.order.version, f"line-{line.pk}": 1, "step": "cancel"},
            ),
            (
                reverse("order-refund", args=[world.order.pk]),
                {"key": "foreign-line", "reason": "x", f"line-{line.pk}": 1},
            ),
            (reverse("fulfillment-missing", args=[world.picking.pk]), {"line": world.work.lines.get().pk, "units": 1}),
            (reverse("pick", args=[world.picking.pk]), {"action": "line", "line": world.work.lines.get().pk}),
            (reverse("pack", args=[world.picked.pk]), {"action": "line", "line": world.work.lines.get().pk}),
            (
                reverse("return-inspect", args=[world.approved.pk]),
                {"line": returned.pk, "quantity": 1, "disposition": "restock"},
            ),
            (
                reverse("return-resolve", args=[world.inspected.pk]),
                {"amount": "0", f"units-{returned.pk}": 1, "version": 9999},
            ),
            (
                reverse("return-receive", args=[world.requested.pk]),
                {"location": world.location.pk, f"quantity-{returned.pk}": 1},
            ),
        ]
        for url, data in tries:
            before = fingerprint()
            assert client.post(url, data).status_code < 500, url
            assert fingerprint() == before, url

    def test_a_hold_is_released_only_at_its_own_order(self, world: World) -> None:
        before = fingerprint()
        response = world.client(Role.OWNER).post(reverse("order-release", args=[world.order.pk, world.hold.pk]))
        assert response.status_code == 404
        assert fingerprint() == before

    def test_an_undo_is_done_only_at_its_own_level(self, world: World) -> None:
        other = type(world.level).objects.exclude(pk=world.level.pk).first()
        before = fingerprint()
        world.client(Role.OWNER).post(reverse("stock-undo", args=[other.pk]), {"movement": world.movement.pk})
        assert fingerprint() == before

    def test_a_receipt_is_shown_only_at_its_own_order(self, world: World) -> None:
        url = reverse("order-receipt", args=[world.held.pk, world.decision.pk])
        assert world.client(Role.OWNER).get(url).status_code == 404


class TestQueryStrings:
    """Filters and orders of the address are an allowed few; anything else is told or ignored, and never reaches SQL."""

    ODD = (
        "sort=customer__password&tab=nothing&after=AAAA&_connector=OR%201%3D1&customer__password=x&id__in=1,2&cols=password,token",
        "sort=?&before=%00&q=%00&location=" + "9" * 60 + "&channel=-1&country=%00&sku=%00&bucket=%00&code=%00&kind=%00",
        "q="
        + "%25" * 500
        + "&placed_after=99999-99-99&placed_before=0001-01-01&total_min=1e1000&total_max=NaN&export=%00",
        "export=../../etc/passwd&q=%27%3B--&total_min=-Infinity&page=1000000000&days=999999999999&from=0000-00-00&period=x",
        "after=" + "A" * 5000 + "&until=9999-12-31&order=" + "9" * 40 + "&version=" + "9" * 40 + "&panel=x&result=x",
        "next=//evil.example&done=" + "x" * 9000 + "&sort=-password&order=%00&q=x&version=-1&days=-1&placed_after=%00",
    )

    @pytest.mark.parametrize("name", sorted(name for name in ROUTES if name not in ("logout", "set_language")))
    def test_an_odd_address_is_answered(self, world: World, name: str) -> None:
        url, client = url_of(route(name), world, Role.OWNER), world.client(Role.OWNER)
        for odd in ("&".join(self.ODD[:3]), "&".join(self.ODD[3:]), self.ODD[0]):
            response = client.get(f"{url}?{odd}")
            assert response.status_code in (200, 302, 404, 405, 422), (odd, response.status_code)
            assert "evil.example" not in response.headers.get("Location", "")

    def test_the_way_back_never_leads_to_another_site(self, world: World) -> None:
        for foreign in (
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "https:evil.example",
        ):
            login = world.client(None).post(
                f"/login/?next={foreign}",
                {"username": "owner-walker", "password": "a long enough pass phrase 7", "next": foreign},
            )
            language = world.client(None).post("/language/", {"language": "pl", "next": foreign})
            for response in (login, language):
                assert "evil" not in response.headers["Location"]
                assert not response.headers["Location"].startswith("javascript")


class TestPortal:
    def test_links_cannot_be_guessed_or_counted(self, world: World) -> None:
        token = world.sent.token
        assert len(token) >= 22, "128 bits in base64url"
        client = world.client(None)
        for wrong in (
            token[:-1],
            token + "A",
            token.swapcase(),
            token[::-1],
            str(world.sent.pk),
            world.sent.number.lstrip("#"),
            "%",
            "null",
            "None",
        ):
            assert client.get(f"/t/{wrong}/").status_code == 404

    def test_a_link_shows_its_own_order_alone(self, world: World) -> None:
        mine, other = world.sent, world.approved
        client, before = world.client(None), fingerprint()
        for path in ("", "label.pdf"):
            assert client.get(f"/t/{mine.token}/returns/{other.number}/{path}").status_code == 404
        assert client.post(f"/t/{mine.token}/returns/{other.number}/cancel/").status_code == 404
        foreign = other.order.lines.get()
        data = {
            f"quantity-{foreign.pk}": 1,
            f"reason-{foreign.pk}": "damaged",
            "request_key": "foreign-line-key",
            "step": "send",
        }
        assert client.post(f"/t/{mine.token}/return/", data).status_code == 422
        assert fingerprint() == before

    def test_a_customer_is_no_member_of_staff(self, world: World) -> None:
        """The link opens nothing of the dashboard."""
        client = world.client(None)
        client.get(f"/t/{world.sent.token}/")
        assert leads_to_login(client.get(f"/orders/{world.sent.pk}/"))

    def test_reverse_without_a_token_is_impossible(self) -> None:
        with pytest.raises(NoReverseMatch):
            reverse("tracking")
