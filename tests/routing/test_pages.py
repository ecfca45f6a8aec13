"""The pages of routing: who may do what, what they show, that trying writes nothing, and what they cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Place
from core.permissions import Role, role_allows
from inventory.models import Location
from orders.models import Order
from routing.models import RoutingDecision, RuleSet
from routing.operations import publish_rules
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db

RANKED = {"filters": [], "rankers": [{"name": "ranked_locations", "params": {}}]}


@pytest.fixture(autouse=True)
def no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidebar's counts are kept for some seconds; here they would make the number of statements depend on the clock."""
    monkeypatch.setattr("oms.navigation.waiting_counts", dict)


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> Location:
    """Where the customers of the factory live; the places that a process remembers are those of this test alone."""
    monkeypatch.setattr("core.geo._known", {})
    Place.objects.create(country="PL", key="krakow", latitude=50.06, longitude=19.94)
    return make_location("Kraków", latitude=50.06, longitude=19.94, rank=9)


@pytest.fixture
def far() -> Location:
    return make_location("Gdańsk <b>", latitude=54.35, longitude=18.65, rank=1)


@pytest.fixture
def order(near: Location, far: Location) -> Order:
    """Two lines in stock at both locations, routed to the nearer one."""
    channel = make_channel(name="Web & Co")
    skus = []
    for name in ("MUG-<i>", "CAP"):
        variant = make_variant(name)
        give_stock(variant, near, 5), give_stock(variant, far, 5)
        skus.append((variant.sku, 2))
    return make_order(channel, skus, number="#77001")


def fields_of(rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A draft as the editor's form sends it."""
    sent: dict[str, Any] = {"based_on": "0", "note": "", "count": "50", **more}
    for group, rows in rules.items():
        for at, rule in enumerate(rows):
            sent[f"{group}-{at}-name"] = rule["name"]
            sent |= {f"{group}-{at}-{key}": value for key, value in rule.get("params", {}).items()}
    return sent


def counts() -> dict[str, int]:
    """Rows of every table."""
    return {model._meta.db_table: model._default_manager.count() for model in apps.get_models()}


GETS = [
    "/routing/",
    "/routing/try/",
    "/routing/versions/",
    "/routing/versions/0/",
    "/routing/versions/1/",
    "/routing/decisions/{decision}/",
]
POSTS = [
    ("/routing/edit/", "routing.edit"),
    ("/routing/try/", "routing.edit"),
    ("/routing/versions/0/restore/", "routing.edit"),
    ("/routing/retry/", "orders.route"),
]


@pytest.fixture
def published(order: Order) -> RuleSet:
    return publish_rules(rules=RANKED, note="Gdańsk first", based_on=0, actor=ACTOR, now=NOW)


class TestRights:
    @pytest.mark.parametrize("path", [*GETS, "/routing/edit/"])
    def test_without_a_login_there_is_nothing(self, client: Client, published: RuleSet, path: str) -> None:
        response = client.get(path.format(decision=RoutingDecision.objects.first().pk))
        assert response.status_code == 302 and response.headers["Location"].startswith("/login/")

    @pytest.mark.parametrize(("path", "permission"), POSTS)
    def test_without_a_login_nothing_is_done(
        self, client: Client, published: RuleSet, path: str, permission: str
    ) -> None:
        before = counts()
        response = client.post(path, fields_of(RANKED, act="publish", based_on=1))
        assert response.status_code == 302 and response.headers["Location"].startswith("/login/")
        assert counts() == before

    @pytest.mark.parametrize("role", Role.values)
    @pytest.mark.parametrize(("path", "permission"), POSTS)
    def test_each_role_may_what_the_matrix_says(
        self, client_as: Any, published: RuleSet, role: str, path: str, permission: str
    ) -> None:
        client = client_as(role)
        before = RuleSet.objects.count()
        response = client.post(path, fields_of({"filters": [], "rankers": []}, act="publish", based_on="1"))
        assert (response.status_code != 403) == role_allows(role, permission)
        if not role_allows(role, permission):
            assert RuleSet.objects.count() == before

    @pytest.mark.parametrize("role", Role.values)
    def test_everybody_may_read_and_some_may_edit(self, client_as: Any, published: RuleSet, role: str) -> None:
        client = client_as(role)
        for path in GETS:
            assert client.get(path.format(decision=RoutingDecision.objects.first().pk)).status_code == 200
        may_edit = role_allows(role, "routing.edit")
        assert client.get("/routing/edit/").status_code == (200 if may_edit else 403)
        assert ("/routing/edit/" in client.get("/routing/").content.decode()) == may_edit

    @pytest.mark.parametrize("path", ["/routing/versions/9/", "/routing/decisions/999999/"])
    def test_what_is_not_there_is_not_found(self, client_as: Any, path: str) -> None:
        assert client_as("owner").get(path).status_code == 404

    @pytest.mark.parametrize("path", ["/routing/retry/", "/routing/versions/0/restore/"])
    def test_what_writes_is_no_link(self, client_as: Any, path: str) -> None:
        assert client_as("owner").get(path).status_code == 405


class TestRulesPage:
    def test_the_live_rules_stand_in_order_with_their_sentences(self, client_as: Any) -> None:
        text = client_as("viewer").get("/routing/").content.decode()
        labels = ["Ships online orders", "Ships to the destination", "Serves the channel", "Has capacity left today",
                  "Fewest parcels", "Stay in the market", "Nearest", "Ranked locations"]  # fmt: skip
        places = [text.index(f"<strong>{label}</strong>") for label in labels]
        assert places == sorted(places)
        assert "As few parcels as possible" in text

    def test_it_counts_what_waits_and_links_there(self, client_as: Any, near: Location) -> None:
        make_order(lines=[(make_variant("A").sku, 1)])
        near.ships_online = False
        near.save()
        make_order(lines=[(make_variant("B").sku, 1)])
        text = client_as("operations").get("/routing/").content.decode()
        for tab in ("to-route", "back-ordered"):
            tile = text[text.index(f'href="/orders/?tab={tab}"><span') :]
            assert '<b class="tile-value">1</b>' in tile[:300]
        assert "Try them again now" in text

    def test_retrying_places_what_has_a_place_now_once(self, client_as: Any) -> None:
        variant = make_variant("A")
        location = make_location(ships_online=False)
        give_stock(variant, location, 5)
        order = make_order(lines=[("A", 1)])
        location.ships_online = True
        location.save()
        client = client_as("operations")
        for _twice in range(2):
            assert client.post("/routing/retry/").status_code == 302
        order.refresh_from_db()
        assert (order.needs_routing, order.lines.get().allocated) == (False, 1)
        assert RoutingDecision.objects.filter(order=order, cause="retried").count() == 1

    def test_its_cost_does_not_grow(self, client_as: Any, order: Order) -> None:
        client = client_as("owner")
        assert _statements(client, "/routing/") == (few := _statements(client, "/routing/"))
        for _n in range(3):
            make_order(order.channel, [("CAP", 1)])
        assert _statements(client, "/routing/") == few

    def test_history_tells_what_changed(self, client_as: Any, published: RuleSet) -> None:
        text = client_as("viewer").get("/routing/").content.decode()
        assert "Version 1 published. “Gdańsk first”" in text
        assert "“Nearest” is gone" in text


def _statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


class TestEditor:
    def test_it_begins_with_the_live_rules_or_a_version(self, client_as: Any, published: RuleSet) -> None:
        client = client_as("owner")
        assert 'name="rankers-0-name" value="ranked_locations"' in client.get("/routing/edit/").content.decode()
        text = client.get("/routing/edit/?from=0").content.decode()
        assert 'name="rankers-0-name" value="fewest_parcels"' in text
        assert 'name="based_on" value="1"' in text
        for wrong in ("x", "99", "-1", "9" * 30):
            assert client.get("/routing/edit/", {"from": wrong}).status_code == 200

    @pytest.mark.parametrize(
        ("act", "more", "expected"),
        [
            ("up rankers 1", {}, ["nearest", "fewest_parcels"]),
            ("down rankers 0", {}, ["nearest", "fewest_parcels"]),
            ("remove rankers 0", {}, ["nearest"]),
            ("add rankers", {"add-rankers": "ranked_locations"}, ["fewest_parcels", "nearest", "ranked_locations"]),
            ("up rankers 0", {}, ["fewest_parcels", "nearest"]),
            ("down rankers 1", {}, ["fewest_parcels", "nearest"]),
            ("remove rankers 7", {}, ["fewest_parcels", "nearest"]),
            ("add rankers", {"add-rankers": "channel"}, ["fewest_parcels", "nearest"]),
            ("add nothing", {}, ["fewest_parcels", "nearest"]),
            ("up rankers ²", {}, ["fewest_parcels", "nearest"]),
            ("", {}, ["fewest_parcels", "nearest"]),
        ],
    )
    def test_every_button_works_without_script_and_keeps_nothing(
        self, client_as: Any, act: str, more: dict[str, str], expected: list[str]
    ) -> None:
        draft = {
            "filters": [],
            "rankers": [{"name": "fewest_parcels"}, {"name": "nearest", "params": {"step_km": "25"}}],
        }
        before = counts()
        client = client_as("owner")
        client.get("/routing/edit/")
        before = counts()
        response = client.post("/routing/edit/", fields_of(draft, act=act, note="why <b>", **more))
        text = response.content.decode()
        assert response.status_code == 200
        assert [
            text.split(f'name="rankers-{at}-name" value="')[1].split('"')[0] for at in range(len(expected))
        ] == expected
        assert f"rankers-{len(expected)}-name" not in text
        assert 'value="25"' in text and "within the same 25 km" in text
        assert "why &lt;b&gt;" in text
        assert counts() == before

    @pytest.mark.parametrize(
        ("group", "rule", "named"),
        [
            (
                "rankers",
                {"name": "nearest", "params": {"step_km": "0"}},
                "Nearest, Distance step (km): Ensure this value is greater than or equal to 0.1.",
            ),
            (
                "rankers",
                {"name": "nearest", "params": {"step_km": "many"}},
                "Nearest, Distance step (km): Enter a number.",
            ),
            (
                "rankers",
                {"name": "nearest", "params": {"step_km": "1e999"}},
                "Nearest, Distance step (km): Enter a number.",
            ),
            (
                "filters",
                {"name": "capacity_left", "params": {"keep_free": "1.5"}},
                "Has capacity left today, Orders kept free: Enter a whole number.",
            ),
            (
                "filters",
                {"name": "capacity_left", "params": {"keep_free": "-1"}},
                "Ensure this value is greater than or equal to 0.",
            ),
            (
                "rankers",
                {"name": "stay_in_market", "params": {"markets": "PL, Poland"}},
                "“POLAND” is no country code.",
            ),
            ("rankers", {"name": "<script>"}, "There is no rule “&lt;script&gt;” any more."),
        ],
    )
    @pytest.mark.parametrize("act", ["publish", "compare"])
    def test_a_wrong_parameter_is_named_and_what_was_typed_stays(
        self, client_as: Any, group: str, rule: Any, named: str, act: str
    ) -> None:
        draft = {"filters": [], "rankers": [], group: [rule]}
        response = client_as("owner").post("/routing/edit/", fields_of(draft, act=act, note="kept"))
        text = response.content.decode()
        assert response.status_code == 422
        assert named in text
        assert "kept" in text
        for value in rule.get("params", {}).values():
            assert value in text
        assert "<script>" not in text.split("</head>")[1]
        assert RuleSet.objects.count() == 0

    def test_publishing_makes_it_live(self, client_as: Any) -> None:
        draft = {
            "filters": [{"name": "capacity_left", "params": {"keep_free": "2"}}],
            "rankers": [
                {"name": "stay_in_market", "params": {"markets": "pl, de\n\nes"}},
                {"name": "nearest", "params": {"step_km": ""}},
            ],
        }
        response = client_as("operations").post(
            "/routing/edit/", fields_of(draft, act="publish", note="winter"), follow=True
        )
        assert response.redirect_chain == [("/routing/", 302)]
        stored = RuleSet.objects.get(live=True)
        assert stored.rules == {
            "filters": [{"name": "capacity_left", "params": {"keep_free": 2}}],
            "rankers": [
                {"name": "stay_in_market", "params": {"markets": [["DE", "PL"], ["ES"]]}},
                {"name": "nearest", "params": {}},
            ],
        }
        assert (stored.note, stored.actor_label) == ("winter", "operations-tester")
        text = response.content.decode()
        assert "DE, PL; ES" in text and "more than 2 orders today" in text

    def test_sent_twice_it_is_published_once(self, client_as: Any) -> None:
        client = client_as("owner")
        for _twice in range(2):
            assert client.post("/routing/edit/", fields_of(RANKED, act="publish")).status_code == 302
        assert RuleSet.objects.count() == 1

    def test_a_stale_draft_is_refused_and_kept_and_may_then_be_published(
        self, client_as: Any, published: RuleSet
    ) -> None:
        client = client_as("owner")
        mine = {"filters": [{"name": "channel"}], "rankers": [{"name": "nearest", "params": {"step_km": "7"}}]}
        response = client.post("/routing/edit/", fields_of(mine, act="publish", note="mine"))
        text = response.content.decode()
        assert response.status_code == 409
        assert "test published version 1 on" in text
        assert 'value="7"' in text and "mine" in text
        assert "“Ranked locations” is gone" in text  # what publishing would do to the version they had not seen
        assert 'name="based_on" value="1"' in text
        assert RuleSet.objects.count() == 1
        assert (
            client.post("/routing/edit/", fields_of(mine, act="publish", note="mine", based_on="1")).status_code == 302
        )
        assert RuleSet.objects.get(live=True).note == "mine"

    @pytest.mark.parametrize("based_on", ["", "x", "-1"])
    def test_without_the_version_it_was_based_on_nothing_is_published(self, client_as: Any, based_on: str) -> None:
        response = client_as("owner").post("/routing/edit/", fields_of(RANKED, act="publish", based_on=based_on))
        assert response.status_code == 422
        assert RuleSet.objects.count() == 0

    def test_the_live_rules_are_not_published_again(self, client_as: Any, published: RuleSet) -> None:
        response = client_as("owner").post("/routing/edit/", fields_of(RANKED, act="publish", based_on="1"))
        assert response.status_code == 409
        assert "These rules are live already." in response.content.decode()


class TestTryingOnOpenOrders:
    def test_it_says_how_many_would_change_and_writes_nothing(
        self, client_as: Any, order: Order, near: Location
    ) -> None:
        only_near = make_variant("ONLY")
        give_stock(only_near, near, 3)
        make_order(order.channel, [("ONLY", 1)], number="#77002")
        client = client_as("owner")
        client.get("/routing/edit/")
        before = counts()
        text = client.post("/routing/edit/", fields_of(RANKED, act="compare")).content.decode()
        assert counts() == before
        assert "2 orders looked at" in text
        assert "1 order would go another way." in text
        row = text[text.index("#77001") :]
        assert "Kraków ships everything in one parcel" in row
        assert "Gdańsk &lt;b&gt; ships everything in one parcel" in row
        assert "#77002" not in text

    def test_the_live_rules_change_nothing(self, client_as: Any, order: Order) -> None:
        from routing.queries import DEFAULT_RULES

        text = client_as("owner").post("/routing/edit/", fields_of(DEFAULT_RULES, act="compare")).content.decode()
        assert "Every order would go the same way." in text

    def test_its_statements_do_not_grow_with_the_orders(self, client_as: Any, order: Order) -> None:
        client = client_as("owner")

        def statements() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.post("/routing/edit/", fields_of(RANKED, act="compare")).status_code == 200
            return len(captured)

        statements()
        one = statements()
        for _n in range(4):
            make_order(order.channel, [("CAP", 1)])
        assert statements() == one

    def test_without_open_orders_it_says_so(self, client_as: Any) -> None:
        text = client_as("owner").post("/routing/edit/", fields_of(RANKED, act="compare")).content.decode()
        assert "No open order has anything left to ship." in text


class TestTryingOnOneOrder:
    @pytest.mark.parametrize("q", ["#77001", "77001", "zofia", "MUG"])
    def test_the_order_is_found_and_its_receipt_read_out(self, client_as: Any, order: Order, q: str) -> None:
        client = client_as("viewer")
        client.get("/routing/try/")
        before = counts()
        text = client.get("/routing/try/", {"q": q}).content.decode()
        assert counts() == before
        assert "Kraków ships everything in one parcel: nearer (" in text
        assert "Rule 3, “Nearest”" in text
        assert "MUG-&lt;i&gt;" in text and "Gdańsk &lt;b&gt;" in text
        assert "Decides" in text and "Level" in text and "Not asked" in text

    def test_another_version_may_be_tried(self, client_as: Any, order: Order) -> None:
        publish_rules(rules=RANKED, note="", based_on=0, actor=ACTOR, now=NOW)
        client = client_as("viewer")
        assert "Gdańsk &lt;b&gt; ships everything" in client.get("/routing/try/", {"q": "77001"}).content.decode()
        assert "Kraków ships everything" in client.get("/routing/try/", {"q": "77001", "rules": "0"}).content.decode()
        assert client.get("/routing/try/", {"q": "77001", "rules": "44"}).status_code == 422

    def test_a_draft_comes_and_goes_with_the_form(self, client_as: Any, order: Order) -> None:
        client = client_as("operations")
        draft = {
            "filters": [],
            "rankers": [{"name": "ranked_locations"}, {"name": "nearest", "params": {"step_km": "12"}}],
        }
        before = counts()
        client.get("/routing/edit/")
        before = counts()
        text = client.post("/routing/try/", fields_of(draft, q="77001", note="kept")).content.decode()
        assert counts() == before
        assert "Gdańsk &lt;b&gt; ships everything in one parcel: ranked before Kraków" in text
        assert 'name="rankers-1-step_km" value="12"' in text
        assert 'name="note" value="kept"' in text
        assert (
            client.post(
                "/routing/try/",
                fields_of({"filters": [], "rankers": [{"name": "nearest", "params": {"step_km": "no"}}]}),
            ).status_code
            == 422
        )

    def test_as_json(self, client_as: Any, order: Order) -> None:
        response = client_as("viewer").get("/routing/try/", {"order": order.pk, "format": "json"})
        assert response.headers["Content-Disposition"] == f'attachment; filename="trial-{order.pk}.json"'
        body = json.loads(response.content)
        assert (body["order"], body["trial"], body["rule_set_version"]) == ("#77001", True, 0)
        assert body["receipt"]["decided_by"] == "nearest"
        sent = client_as("owner").post("/routing/try/", fields_of(RANKED, order=order.pk, format="json"))
        assert json.loads(sent.content)["rules"] == RANKED
        assert json.loads(sent.content)["receipt"]["decided_by"] == "ranked_locations"

    def test_of_several_one_is_chosen(self, client_as: Any, order: Order) -> None:
        other = make_order(order.channel, [("CAP", 1)])
        text = client_as("viewer").get("/routing/try/", {"q": "zofia"}).content.decode()
        for one in (order, other):
            assert f'name="order" value="{one.pk}"' in text
        assert (
            "ships everything"
            in client_as("viewer").get("/routing/try/", {"q": "zofia", "order": other.pk}).content.decode()
        )

    @pytest.mark.parametrize(
        "given", [{"q": "nothing like it"}, {"order": "9" * 18, "q": "nope"}, {"order": "²", "q": "nope"}]
    )
    def test_what_is_not_found_is_said(self, client_as: Any, order: Order, given: dict[str, str]) -> None:
        text = client_as("viewer").get("/routing/try/", given).content.decode()
        assert "No order fits" in text

    def test_only_units_without_a_place_may_be_asked_for(self, client_as: Any, order: Order) -> None:
        text = client_as("viewer").get("/routing/try/", {"order": order.pk, "scope": "open"}).content.decode()
        assert "Nothing of this order is left to route" in text


class TestReceipt:
    def test_it_reads_the_stored_run_and_links_the_json(self, client_as: Any, order: Order) -> None:
        decision = order.routing_decisions.get()
        client = client_as("support")
        text = client.get(f"/routing/decisions/{decision.pk}/").content.decode()
        assert "Kraków ships everything in one parcel: nearer (" in text
        assert "Order placed" in text and "Web &amp; Co" in text
        assert f"/orders/{order.pk}/receipt/{decision.pk}.json" in text
        assert f"/routing/decisions/{decision.pk}/" in client.get(f"/orders/{order.pk}/").content.decode()

    def test_names_keep_their_direction_in_a_language_from_right_to_left(self, client_as: Any, order: Order) -> None:
        client = client_as("viewer")
        path = f"/routing/decisions/{order.routing_decisions.get().pk}/"
        assert "\u2068" not in client.get(path).content.decode()
        client.cookies["django_language"] = "fa"
        assert "\u2068Kraków\u2069 همه را در یک بسته می‌فرستد" in client.get(path).content.decode()

    def test_what_removed_the_others_is_named(self, client_as: Any, near: Location) -> None:
        variant = make_variant("A")
        give_stock(variant, near, 1)
        make_location("Closed", ships_online=False)
        make_location("Abroad", ships_to=["DE"])
        make_location("Empty")
        order = make_order(lines=[("A", 3)])
        text = client_as("viewer").get(f"/routing/decisions/{order.routing_decisions.get().pk}/").content.decode()
        for reason, name in [
            ("Does not ship online orders", "Closed"),
            ("Does not ship to the destination", "Abroad"),
            ("Has nothing of the order", "Empty"),
        ]:
            assert name in text[text.index(reason) : text.index(reason) + 200]
        assert "There was only one location with any of it" in text
        assert "Back-ordered" in text and "too few" in text

    def test_many_lines_are_counted_instead_of_drawn(self, client_as: Any, near: Location, far: Location) -> None:
        lines = []
        for n in range(6):
            variant = make_variant(f"S-{n}")
            give_stock(variant, near if n else far, 2)
            lines.append((variant.sku, 1))
        order = make_order(lines=lines)
        text = client_as("viewer").get(f"/routing/decisions/{order.routing_decisions.get().pk}/").content.decode()
        assert "5 of 6 lines" in text and "1 of 6 lines" in text

    def test_an_order_that_no_location_may_ship(self, client_as: Any) -> None:
        make_location("Closed", ships_online=False)
        order = make_order(lines=[(make_variant("A").sku, 1)])
        text = client_as("viewer").get(f"/routing/decisions/{order.routing_decisions.get().pk}/").content.decode()
        assert "No location may ship this order" in text

    def test_its_cost_does_not_grow_with_the_candidates(self, client_as: Any, order: Order) -> None:
        client = client_as("viewer")
        path = f"/routing/decisions/{order.routing_decisions.get().pk}/"
        few = _statements(client, path)
        variant = make_variant("W")
        for n in range(6):
            give_stock(variant, make_location(f"W {n}"), 4)
        wide = make_order(order.channel, [("W", 2), ("CAP", 1)])
        assert _statements(client, f"/routing/decisions/{wide.routing_decisions.get().pk}/") == few


class TestVersions:
    def test_a_version_tells_what_it_changed_and_can_be_restored_once(self, client_as: Any, published: RuleSet) -> None:
        publish_rules(rules={"filters": [], "rankers": []}, note="", based_on=1, actor=ACTOR, now=NOW)
        client = client_as("owner")
        text = client.get("/routing/versions/1/").content.decode()
        assert "“Nearest” is gone" in text
        assert "Make these rules live again" in text
        for _twice in range(2):
            assert client.post("/routing/versions/1/restore/", {"based_on": "2", "note": "back"}).status_code == 302
        live = RuleSet.objects.get(live=True)
        assert (live.version, live.rules, live.note) == (3, RANKED, "back")
        assert "the rules of version 1 again" in client.get("/routing/").content.decode()

    def test_the_rules_of_the_installation_can_be_restored(self, client_as: Any, published: RuleSet) -> None:
        from routing.queries import DEFAULT_RULES

        client_as("owner").post("/routing/versions/0/restore/", {"based_on": "1"})
        assert RuleSet.objects.get(live=True).rules == DEFAULT_RULES

    @pytest.mark.parametrize(("based_on", "status"), [("0", 409), ("", 422), ("x", 422)])
    def test_restoring_on_old_knowledge_is_refused_and_the_note_kept(
        self, client_as: Any, published: RuleSet, based_on: str, status: int
    ) -> None:
        publish_rules(rules={"filters": [], "rankers": []}, note="", based_on=1, actor=ACTOR, now=NOW)
        response = client_as("owner").post("/routing/versions/1/restore/", {"based_on": based_on, "note": "back"})
        assert response.status_code == status
        assert 'value="back"' in response.content.decode()
        assert RuleSet.objects.count() == 2

    def test_the_list_shows_them_all(self, client_as: Any, published: RuleSet) -> None:
        client = client_as("viewer")
        text = client.get("/routing/versions/").content.decode()
        assert "/routing/versions/1/" in text and "Gdańsk first" in text and "Live" in text
        assert "Gdańsk first" not in client.get("/routing/versions/", {"note": "winter"}).content.decode()
        assert b"first" in client.get("/routing/versions/?export=csv").getvalue()
