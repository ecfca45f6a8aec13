"""The kinds of files: what each is for, its columns in words with an example, who may take it out and who may bring it in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from oms.exchange import sources
from oms.exchange.sources import Source


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: what it means, whether a file must have it, and what stands in it in the rows of the example."""

    name: str
    text: Any
    example: tuple[str, ...]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A kind of file in one format. route, query: the page that imports it."""

    kind: str
    format: str
    title: Any
    text: Any
    columns: tuple[Column, ...]
    source: Source
    route: str
    import_permission: str
    export_permission: str
    query: str = ""

    @property
    def slug(self) -> str:
        """Its name in addresses, files and jobs."""
        return self.kind if self.format == "plain" else f"{self.kind}-{self.format}"

    @property
    def example(self) -> Iterator[list[str]]:
        """The rows of its example file, with the header."""
        yield [column.name for column in self.columns]
        for cells in zip(*(column.example for column in self.columns), strict=True):
            yield list(cells)


_SKU = _("A SKU that is known here.")
_PLACE = _("A location, by its name or its code.")


def _imported_by_channels(kind: str, format_: str = "plain") -> dict[str, str]:
    return {"route": "import-new", "query": f"?kind={kind}&format={format_}", "import_permission": "imports.run"}


EXCHANGES: tuple[Exchange, ...] = (
    Exchange(
        "products", "shopify", _("Products"),
        _("Shopify's product file: one row a variant. What belongs to the product stands in its first row. A column that is left out changes nothing."),
        (
            Column("Handle", _("The product's own name in addresses; rows with the same one are one product."), ("tee", "tee"), needed=True),
            Column("Title", _("The product's title."), ("Tee", ""), needed=True),
            Column("Vendor", _("Its maker."), ("Acme", "")),
            Column("Type", _("What kind of thing it is."), ("Shirts", "")),
            Column("Tags", _("Words with commas between them."), ("summer, cotton", "")),
            Column("Status", _("active, or draft: switched off."), ("active", "")),
            Column("Option1 Name", _("An option of the variant; there may be three."), ("Size", "")),
            Column("Option1 Value", _("Its value."), ("M", "L")),
            Column("Variant SKU", _("The SKU; a new one is added."), ("TEE-M", "TEE-L"), needed=True),
            Column("Variant Title", _("As it is printed; empty: the title with the options."), ("", "")),
            Column("Variant Price", _("The price of one."), ("19.90", "19.90")),
            Column("Cost per item", _("What one costs."), ("4.20", "4.20")),
            Column("Variant Barcode", _("GTIN (EAN, UPC) or your own."), ("4006381333931", "")),
            Column("Variant Grams", _("Weight in grams."), ("180", "190")),
            Column("Variant HS Code", _("For customs."), ("610910", "610910")),
            Column("Variant Country of Origin", _("Country of origin, two letters."), ("PT", "PT")),
            Column("Variant Requires Shipping", _("false: nothing is sent."), ("true", "true")),
            Column("Followed by", _("none, lot or serial."), ("none", "none")),
        ),
        sources.PRODUCTS, export_permission="costs.view", **_imported_by_channels("products", "shopify"),
    ),
    Exchange(
        "locations", "shopify", _("Locations"), _("One row a location, known by its name. An empty cell leaves what is there."),
        (
            Column("Name", _("The location's name."), ("Main warehouse", "Store"), needed=True),
            Column("Code", _("A short one, up to 12 characters."), ("MAIN", "STORE")),
            Column("Kind", _("warehouse, store, 3pl or supplier."), ("warehouse", "store")),
            Column("Address1", _("Street and number."), ("Prosta 1", "Rynek 2")),
            Column("City", _("Town."), ("Warszawa", "Kraków")),
            Column("Zip", _("Postal code."), ("00-850", "31-042")),
            Column("Country", _("Two letters."), ("PL", "PL")),
            Column("Latitude", _("In degrees; with the longitude, for distances."), ("52.2297", "")),
            Column("Longitude", _("In degrees."), ("21.0122", "")),
            Column("Time zone", _("As Europe/Warsaw."), ("Europe/Warsaw", "Europe/Warsaw")),
            Column("Fulfills online orders", _("true: it ships orders."), ("true", "false")),
            Column("Local pickup", _("true: customers may collect there."), ("false", "true")),
            Column("Accepts returns", _("true: returns may be sent there."), ("true", "true")),
            Column("Daily capacity", _("Orders a day; empty: any number."), ("400", "")),
            Column("Cut-off", _("Orders until then leave on the same day."), ("14:00", "")),
            Column("Rank", _("Smaller comes first, where rules ask for it."), ("10", "20")),
            Column("Active", _("false: it is switched off."), ("true", "true")),
        ),
        sources.LOCATIONS, export_permission="inventory.export", **_imported_by_channels("locations", "shopify"),
    ),
    Exchange(
        "inventory", "plain", _("Stock"),
        _("What lies where, by bucket. A column that is left out changes nothing, and neither does an empty count. Counts are set through the ledger."),
        (
            Column("sku", _SKU, ("TEE-M", "TEE-L"), needed=True),
            Column("location", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("on_hand", _("Units that are there, whatever their condition."), ("40", "0")),
            Column("safety_stock", _("Units that are kept back from sale."), ("5", "0")),
            Column("damaged", _("Units on hand that are damaged."), ("1", "0")),
            Column("quality_control", _("Units on hand that somebody has to look at first."), ("0", "0")),
            Column("bin", _("Where it lies there; an empty cell takes the bin away."), ("A-01-2", "")),
            Column("incoming", _("Units on their way; no fewer than transfers and purchase orders bring."), ("20", "0")),
        ),
        sources.STOCK, export_permission="inventory.export", **_imported_by_channels("inventory"),
    ),
    Exchange(
        "inventory", "shopify", _("Stock in Shopify's format"),
        _("Shopify's inventory file: take it out here and bring it in there, or the other way round. “On hand (new)” is what you fill in."),
        (
            Column("Handle", _("The product."), ("tee", "tee")),
            Column("Title", _("The product's title."), ("Tee", "Tee")),
            Column("Option1 Name", _("An option of the variant; there may be three."), ("Size", "Size")),
            Column("Option1 Value", _("Its value."), ("M", "L")),
            Column("SKU", _SKU, ("TEE-M", "TEE-L"), needed=True),
            Column("HS Code", _("For customs."), ("610910", "610910")),
            Column("COO", _("Country of origin, two letters."), ("PT", "PT")),
            Column("Location", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("Bin name", _("Where it lies there."), ("A-01-2", "")),
            Column("Incoming (not editable)", _("Not read."), ("20", "0")),
            Column("Unavailable (not editable)", _("On hand and not for sale; what exceeds the units set aside here goes to quality control."), ("6", "0")),
            Column("Committed (not editable)", _("Not read where “On hand” stands."), ("3", "0")),
            Column("Available (not editable)", _("Not read where “On hand” stands."), ("31", "0")),
            Column("On hand (current)", _("Units that are there; “not stocked” where it is not carried."), ("40", "0"), needed=True),
            Column("On hand (new)", _("What it shall be; empty: as it is."), ("", "")),
        ),
        sources.STOCK_SHOPIFY, export_permission="inventory.export", **_imported_by_channels("inventory", "shopify"),
    ),
    Exchange(
        "lots", "plain", _("Lots"),
        _("Units by lot, the rows of a SKU together. Units that become known as a lot's come out of those without one first, unless a row says how many of these there are."),
        (
            Column("sku", _("A SKU that is followed by lot."), ("MILK-1L", "MILK-1L"), needed=True),
            Column("lot", _("The lot; empty for units that came without one."), ("L-2231", ""), needed=True),
            Column("expires_on", _("Its date, as 2027-03-31; empty: as it is."), ("2027-03-31", "")),
            Column("location", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("quantity", _("Units of it on hand there."), ("24", "6"), needed=True),
        ),
        sources.LOTS, export_permission="inventory.export", **_imported_by_channels("lots"),
    ),
    Exchange(
        "serials", "plain", _("Serial numbers"),
        _("Units in stock, one a row. A new one names a unit on hand that has no number yet, or is one more; a known one moves to the location that the row says."),
        (
            Column("sku", _("A SKU that is followed by serial number."), ("PHONE-X", "PHONE-X"), needed=True),
            Column("serial", _("The serial number."), ("SN-000123", "SN-000124"), needed=True),
            Column("location", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("lot", _("Always empty: a SKU is followed by lot or by serial number."), ("", "")),
        ),
        sources.SERIALS, export_permission="inventory.export", **_imported_by_channels("serials"),
    ),
    Exchange(
        "bundles", "plain", _("Bundles"), _("What bundles are made of, the rows of a bundle together. A bundle becomes what the file says."),
        (
            Column("bundle_sku", _("The bundle."), ("GIFT-SET", "GIFT-SET"), needed=True),
            Column("component_sku", _("What is in it."), ("MUG", "TEE-M"), needed=True),
            Column("quantity", _("Units of it in one bundle."), ("2", "1"), needed=True),
        ),
        sources.BUNDLES, export_permission="inventory.export", **_imported_by_channels("bundles"),
    ),
    Exchange(
        "purchases", "plain", _("Purchase orders"),
        _("Open orders with their lines, the rows of an order together. New ones become drafts under their number, drafts become what the file says; what was sent stays."),
        (
            Column("number", _("The order. A new one keeps the number it has in the file."), ("4711", "4711"), needed=True),
            Column("supplier", _("The supplier, by code or name."), ("ACME", "ACME"), needed=True),
            Column("location", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("expected_on", _("When it should arrive, as 2027-01-15; empty: by the supplier's lead time."), ("2027-01-15", "")),
            Column("note", _("To the supplier; in the first row of an order."), ("Back door, please", "")),
            Column("state", _("Not read."), ("draft", "draft")),
            Column("sku", _SKU, ("TEE-M", "TEE-L"), needed=True),
            Column("quantity", _("Units."), ("100", "60"), needed=True),
            Column("unit_cost", _("The price of one; empty: the supplier's."), ("4.20", "4.20")),
            Column("currency", _("The supplier's, for reading."), ("EUR", "EUR")),
            Column("received", _("Not read."), ("0", "0")),
        ),
        sources.PURCHASES, export_permission="costs.view", **_imported_by_channels("purchases") | {"import_permission": "purchasing.edit"},
    ),
    Exchange(
        "counts", "plain", _("Count sheets"),
        _("The lines of open counts. Fill in “counted” and bring the sheet back: each number counts from the moment of the import, so bring it soon after."),
        (
            Column("count", _("The stock count."), ("CT-1042", "CT-1042"), needed=True),
            Column("location", _("Not read."), ("Main warehouse", "Main warehouse")),
            Column("bin", _("The bin."), ("A-01-2", "A-01-3"), needed=True),
            Column("sku", _("A SKU on the list of the bin."), ("TEE-M", "TEE-L"), needed=True),
            Column("title", _("Not read."), ("Tee – M", "Tee – L")),
            Column("barcode", _("Not read."), ("4006381333931", "")),
            Column("lot", _("The lot, where the count is by lot."), ("", "")),
            Column("counted", _("Units found; empty: not counted yet."), ("39", ""), needed=True),
        ),
        sources.COUNTS, export_permission="counts.view", **_imported_by_channels("counts") | {"import_permission": "counts.count"},
    ),
    Exchange(
        "transfers", "plain", _("Transfers"),
        _("Transfers that are not closed. New ones become drafts: rows with the same places and reference are one. A number or reference that is known is left as it is."),
        (
            Column("origin", _PLACE, ("Main warehouse", "Main warehouse"), needed=True),
            Column("destination", _PLACE, ("Store", "Store"), needed=True),
            Column("sku", _SKU, ("TEE-M", "TEE-L"), needed=True),
            Column("quantity", _("Units."), ("10", "6"), needed=True),
            Column("reference", _("What tells it from others: a number of yours, or of ours."), ("lorry 7", "lorry 7")),
        ),
        sources.TRANSFERS, "transfer-import", "transfers.edit", "transfers.view",
    ),
    Exchange(
        "suppliers", "plain", _("Suppliers and prices"), _("One row a SKU of a supplier, or a supplier alone. An empty cell leaves what is there."),
        tuple(
            Column(name, text, example, needed=name == "Supplier code")
            for name, text, example in (
                ("Supplier code", _("The supplier's code; a new one is added."), ("ACME", "ACME")),
                ("Supplier", _("Its name."), ("Acme Textiles", "Acme Textiles")),
                ("E-mail", _("Where orders are sent."), ("orders@acme.example", "")),
                ("Currency", _("Of its prices."), ("EUR", "EUR")),
                ("Language", _("Of its orders, e.g. en."), ("en", "en")),
                ("Supplier's lead time (days)", _("From order to arrival."), ("14", "14")),
                ("Spread (days)", _("How much that varies (standard deviation)."), ("2.5", "2.5")),
                ("Minimum order", _("An amount in its currency."), ("250", "250")),
                ("Payment terms", _("In words."), ("30 days net", "")),
                ("SKU", _SKU, ("TEE-M", "TEE-L")),
                ("Supplier SKU", _("What the supplier calls it."), ("AC-100-M", "AC-100-L")),
                ("Pack size", _("Units in a pack."), ("10", "10")),
                ("Minimum quantity", _("Units of it in an order."), ("20", "20")),
                ("Price", _("Of one unit."), ("4.2", "4.2")),
                ("Preferred", _("Yes: it is bought here."), ("Yes", "No")),
                ("Lead time (days)", _("Of this SKU; empty: the supplier's."), ("", "21")),
            )
        ),
        sources.SUPPLIERS, "supplier-import", "purchasing.edit", "costs.view",
    ),
    Exchange(
        "policies", "plain", _("Reorder points"), _("When a SKU is restocked and up to how much, at a location or in total."),
        (
            Column("sku", _SKU, ("TEE-M", "TEE-L"), needed=True),
            Column("location", _("A location, by its code or name; empty: in total."), ("MAIN", "")),
            Column("reorder_point", _("Restocked when no more than this are available."), ("10", "30"), needed=True),
            Column("order_up_to", _("Up to how many."), ("60", "200")),
        ),
        sources.POLICIES, "policies-import", "replenishment.edit", "inventory.export",
    ),
    Exchange(
        "availability", "plain", _("Availability rules"), _("What channels are shown. A row adds a rule, or changes the one of its channel and scope."),
        (
            Column("channel", _("The channel's name."), ("Web shop", "Web shop"), needed=True),
            Column("scope", _("channel, type, tag or sku."), ("channel", "sku"), needed=True),
            Column("target", _("The type, the tag or the SKU."), ("", "TEE-M")),
            Column("buffer", _("none, units, percent or days."), ("units", "percent")),
            Column("value", _("How much is kept back."), ("2", "10")),
            Column("pool", _("The name of a pool of locations."), ("", "")),
            Column("maximum", _("No more than this is shown."), ("", "50")),
            Column("budget", _("Units that may be sold beyond what is there."), ("", "5")),
            Column("budget_until", _("Until when, as 2026-12-31."), ("", "2026-12-31")),
            Column("never", _("yes: none is shown."), ("no", "no")),
            Column("active", _("no: the rule is switched off."), ("yes", "yes")),
            Column("note", _("In words."), ("", "Christmas")),
        ),
        sources.RULES, "availability-rules-import", "availability.edit", "inventory.export",
    ),
)  # fmt: skip

BY_SLUG = {exchange.slug: exchange for exchange in EXCHANGES}


def exchange_of(kind: str, format_: str = "plain") -> Exchange:
    """The exchange of a kind in a format. LookupError when there is none."""
    return BY_SLUG[kind if format_ == "plain" else f"{kind}-{format_}"]
