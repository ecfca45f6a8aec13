"""A receipt in one sentence for people: what was decided, why, and what waits.

"Warsaw ships everything in one parcel: nearer (12 km) than Berlin (517 km)."
"Split over Warsaw + Berlin, as no single location had everything: no other locations do together."
"Back-ordered: 2 × MUG-RED; no location that may ship had any."

The engine does not translate. ``clauses`` gives template keys and parameters; ``sentence`` puts them together in the
language of the ``translate`` it is handed (Django's gettext, say). All templates are marked for the translators' catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .parameters import gettext_noop
from .types import Receipt

_LISTED = 3

TEMPLATES: dict[str, str] = {
    # What was decided.
    "what.one": gettext_noop("%(sites)s ships everything in one parcel"),
    "what.one_short": gettext_noop("%(sites)s ships what there is in one parcel"),
    "what.split": gettext_noop("Split over %(sites)s, as no single location had everything"),
    "what.split_short": gettext_noop("Split over %(sites)s, which together have most"),
    "what.spread": gettext_noop("Split over %(sites)s, although one parcel was possible"),
    "what.backordered": gettext_noop("Back-ordered: %(items)s"),
    "what.nothing": gettext_noop("Nothing to ship"),
    # Why.
    "why.only_candidate": gettext_noop("no other location has any of it"),
    "why.only_complete": gettext_noop("no other location has it all"),
    "why.only_way": gettext_noop("no other locations do together"),
    "why.not_compared": gettext_noop("the best by the rules among very many ways"),
    "why.fewest_parcels": gettext_noop("fewer parcels (%(value)s) than %(others)s (%(other_value)s)"),
    "why.stay_in_market": gettext_noop("in the customer's market, unlike %(others)s"),
    "why.stay_in_market_sum": gettext_noop(
        "fewer parcels from outside the market (%(value)s) than %(others)s (%(other_value)s)"
    ),
    "why.nearest": gettext_noop("nearer (%(value)s km) than %(others)s (%(other_value)s km)"),
    "why.nearest_sum": gettext_noop("fewer kilometres in all (%(value)s km) than %(others)s (%(other_value)s km)"),
    "why.nearest_unknown": gettext_noop("nearer than %(others)s as far as places are known"),
    "why.ranked_locations": gettext_noop("ranked before %(others)s"),
    "why.ranked_locations_sum": gettext_noop("better ranked in all than %(others)s"),
    "why.lowest_id": gettext_noop("level with %(others)s by every rule, and the location set up first goes first"),
    "why.by_rule": gettext_noop("better than %(others)s by the rule “%(rule)s”"),
    "why.no_stock": gettext_noop("no location that may ship had any"),
    "why.no_set": gettext_noop("what locations have does not make a whole set"),
    "why.no_site": gettext_noop("no location may ship this order"),
    # What waits, if something is shipped.
    "waits": gettext_noop("back-ordered: %(items)s"),
    "unproven": gettext_noop("a better way may exist, the search was cut short"),
    # How it is put together.
    "join.what": gettext_noop("%(what)s."),
    "join.why": gettext_noop("%(what)s: %(why)s."),
    "join.backordered": gettext_noop("%(what)s; %(why)s."),
    "join.more": gettext_noop("%(first)s; %(second)s"),
}

Clause = tuple[str, dict[str, str]]


def clauses(receipt: Receipt, site_names: Mapping[int, str], skus: Mapping[int, str] | None = None) -> list[Clause]:
    """(key of TEMPLATES, parameters) of each clause: what, then why, then what waits and whether the proof is missing.

    site_names: by site id. skus: by variant id. An id without a name stands as #id.
    """
    items = _items(receipt, skus or {})
    code = receipt["decided_by"]
    if receipt["chosen"] is None:
        if code == "nothing_to_ship":
            return [("what.nothing", {})]
        return [("what.backordered", {"items": items}), (f"why.{code}", {})]
    said = [_what(receipt, site_names), _why(receipt, site_names)]
    if items:
        said.append(("waits", {"items": items}))
    if not receipt["proven"]:
        said.append(("unproven", {}))
    return said


def sentence(
    receipt: Receipt,
    site_names: Mapping[int, str],
    skus: Mapping[int, str] | None = None,
    translate: Callable[[str], str] = str,
) -> str:
    """The receipt in one sentence. Names stand in it as they are: escape the result wherever it is put into HTML."""

    def text(key: str, params: Mapping[str, str]) -> str:
        return translate(TEMPLATES[key]) % params

    (what, *rest) = clauses(receipt, site_names, skus)
    if not rest:
        return text("join.what", {"what": text(*what)})
    why = text(*rest[0])
    for clause in rest[1:]:
        why = text("join.more", {"first": why, "second": text(*clause)})
    join = "join.backordered" if what[0] == "what.backordered" else "join.why"
    return text(join, {"what": text(*what), "why": why})


def _what(receipt: Receipt, names: Mapping[int, str]) -> Clause:
    sites = receipt["chosen"]["sites"]
    short = "_short" if receipt["backorders"] else ""
    key = "what.spread" if receipt["complete"] else f"what.split{short}"
    if len(sites) == 1:
        key = f"what.one{short}"
    return key, {"sites": _names(sites, names)}


def _why(receipt: Receipt, names: Mapping[int, str]) -> Clause:
    code, at, other = receipt["decided_by"], receipt["decided_at"], receipt["runner_up"]
    if other is None:
        return f"why.{code}", {}
    params = {"others": _names(other["sites"], names)}
    if code == "lowest_id":
        return "why.lowest_id", params
    if code in ("fewest_parcels", "fewer_parcels"):
        counts = {
            "value": str(len(receipt["chosen"]["sites"])),
            "other_value": str(len(other["sites"])),
        }
        return "why.fewest_parcels", params | counts
    value, other_value = receipt["chosen"]["values"][at], other["values"][at]
    if code == "nearest" and (value is None or other_value is None):
        return "why.nearest_unknown", params
    single = len(receipt["chosen"]["sites"]) == len(other["sites"]) == 1
    key = f"why.{code}" if single else f"why.{code}_sum"
    if key not in TEMPLATES:
        return "why.by_rule", params | {"rule": code}
    near, far = _kilometres(value, other_value) if code == "nearest" else (value, other_value)
    return key, params | {"value": str(near), "other_value": str(far)}


def _names(sites: list[int], names: Mapping[int, str]) -> str:
    return " + ".join(names.get(id_, f"#{id_}") for id_ in sites)


def _items(receipt: Receipt, skus: Mapping[int, str]) -> str:
    units: dict[int, int] = {}
    for _, variant, quantity in receipt["backorders"]:
        units[variant] = units.get(variant, 0) + quantity
    shown = [f"{count} × {skus.get(variant, f'#{variant}')}" for variant, count in units.items()]
    more = [f"… (+{len(shown) - _LISTED})"] if len(shown) > _LISTED else []
    return ", ".join(shown[:_LISTED] + more)


def _kilometres(near: float, far: float) -> tuple[str, str]:
    """Whole kilometres from ten on, if that still tells the two apart."""
    apart = round(near) != round(far)
    shown = [f"{round(km) if apart and km >= 10 else km:g}" for km in (near, far)]
    return shown[0], shown[1]
