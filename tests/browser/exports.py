"""A small shop's export in Shopify's own format: products, locations, stock and paid, open orders."""

from __future__ import annotations

from pathlib import Path

from tests.channels.files import PAID, csv_file

SKUS = ("TEE-S", "TEE-M", "MUG", "CAP")
#: The next digit is the check digit of EAN-13.
BARCODES = {"TEE-S": "5901234123457", "TEE-M": "4006381333931", "MUG": "9780201379624", "CAP": "8711253001202"}


def write_export(folder: Path, *, orders: int) -> dict[str, Path]:
    """The four files; order n buys one unit of one SKU and, every third, two of another."""
    files = {
        "products": csv_file(
            *[
                {"Handle": sku.lower(), "Title": sku.title(), "Status": "active", "Option1 Name": "Title", "Option1 Value": "Default Title",
                 "Variant SKU": sku, "Variant Price": "10.00", "Variant Grams": "300", "Variant Barcode": BARCODES[sku]}
                for sku in SKUS
            ]
        ),
        "locations": csv_file(
            {"Name": "Warszawa", "Kind": "warehouse", "Address1": "ul. Prosta 1", "City": "Warszawa", "Zip": "'00-001", "Country": "PL",
             "Latitude": "52.23", "Longitude": "21.01"}
        ),
        "inventory": csv_file(
            *[{"SKU": sku, "Location": "Warszawa", "Bin name": f"A-{n}", "On hand (current)": "500"} for n, sku in enumerate(SKUS, start=1)]
        ),
        "orders": csv_file(*[row for n in range(1, orders + 1) for row in _order(n)]),
    }  # fmt: skip
    paths = {}
    for kind, data in files.items():
        paths[kind] = folder / f"{kind}.csv"
        paths[kind].write_bytes(data)
    return paths


def _order(n: int) -> list[dict[str, str]]:
    twice = n % 3 == 0
    total = "30.00" if twice else "10.00"
    first = PAID | {
        "Name": f"#{1000 + n}", "Id": str(700000 + n), "Email": f"buyer{n}@example.com", "Total": total, "Subtotal": total,
        "Lineitem sku": SKUS[n % 2], "Lineitem name": SKUS[n % 2].title(), "Shipping Name": f"Żaneta Łącka {n}", "Risk Level": "Low",
    }  # fmt: skip
    rows = [first]
    if twice:
        blank = dict.fromkeys(first, "")
        rows.append(
            blank
            | {"Name": first["Name"], "Email": first["Email"], "Created at": first["Created at"], "Lineitem quantity": "2", "Lineitem name": "Mug",
               "Lineitem price": "10.00", "Lineitem sku": "MUG", "Lineitem fulfillment status": "pending"}
        )  # fmt: skip
    return rows
