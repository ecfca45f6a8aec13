"""What the demo shop sells, where it keeps it, who buys."""

from __future__ import annotations

from core.addresses import Address

#: (name, code, kind, country, latitude, longitude, time zone, address, more)
LOCATIONS = [
    ("Warsaw warehouse", "WAW", "warehouse", "PL", 52.1657, 20.9671, "Europe/Warsaw",
     Address("Northwind Warsaw", "", "ul. Magazynowa 12", "", "Warszawa", "", "02-652", "PL"), {"rank": 10}),
    ("Istanbul warehouse", "IST", "warehouse", "TR", 41.0351, 28.7633, "Europe/Istanbul",
     Address("Northwind İstanbul", "", "Depo Sokak 4", "", "İstanbul", "", "34295", "TR"), {"rank": 20}),
    ("Berlin store", "BER", "store", "DE", 52.5219, 13.4132, "Europe/Berlin",
     Address("Northwind Berlin", "", "Alexanderplatz 3", "", "Berlin", "", "10178", "DE"), {"rank": 40, "offers_pickup": True, "daily_capacity": 40}),
    ("Tehran 3PL", "THR", "3pl", "IR", 35.6892, 51.3890, "Asia/Tehran",
     Address("انبار نورث‌ویند", "", "خیابان آزادی ۱۲", "", "تهران", "", "1347813111", "IR"), {"rank": 50, "ships_to": ["IR"]}),
    ("Birmingham supplier", "BHM", "supplier", "GB", 52.4862, -1.8904, "Europe/London",
     Address("Outdoor Supply", "", "8 Canal Street", "", "Birmingham", "", "B4 7XG", "GB"), {"rank": 90, "accepts_returns": False}),
]  # fmt: skip

#: (name, kind, currency, zone, language, hold unpaid)
CHANNELS = [
    ("Web store", "web", "EUR", "Europe/Warsaw", "en", True),
    ("Allegro", "marketplace", "PLN", "Europe/Warsaw", "pl", True),
    ("Trendyol", "marketplace", "TRY", "Europe/Istanbul", "tr", True),
    ("Tehran shop", "web", "IRR", "Asia/Tehran", "fa", True),
    ("Phone", "phone", "EUR", "Europe/Warsaw", "en", False),
]

#: (handle, title, type, option, values, price in EUR, grams, HS code)
PRODUCTS = [
    ("trail-tent-2", "Trail tent for two", "Tents", "Color", ["Moss", "Sand"], "189.00", 2400, "630622"),
    ("ridge-tent-4", "Ridge family tent", "Tents", "Color", ["Blue", "Sand"], "329.00", 6200, "630622"),
    ("down-bag", "Down sleeping bag", "Sleeping", "Size", ["Regular", "Long"], "159.00", 980, "940430"),
    ("foam-mat", "Folding foam mat", "Sleeping", "Size", ["Short", "Long"], "34.50", 410, "940429"),
    ("summit-pack", "Summit backpack", "Packs", "Volume", ["35 l", "50 l", "65 l"], "129.00", 1650, "420292"),
    ("day-pack", "Everyday pack", "Packs", "Color", ["Black", "Rust", "Pine"], "64.90", 720, "420292"),
    ("rain-shell", "Rain shell jacket", "Clothing", "Size", ["S", "M", "L", "XL"], "119.00", 420, "620140"),
    ("fleece", "Grid fleece", "Clothing", "Size", ["S", "M", "L", "XL"], "69.00", 310, "611030"),
    ("wool-tee", "Merino t-shirt", "Clothing", "Size", ["S", "M", "L", "XL"], "54.00", 160, "610990"),
    ("wool-socks", "Hiking socks", "Clothing", "Size", ["36-39", "40-43", "44-47"], "18.90", 90, "611595"),
    ("trek-boots", "Trekking boots", "Footwear", "Size", ["39", "41", "43", "45"], "174.00", 1300, "640391"),
    ("camp-stove", "Gas camp stove", "Kitchen", "Title", ["Default"], "47.00", 230, "732111"),
    ("pot-set", "Nesting pot set", "Kitchen", "Title", ["Default"], "58.50", 640, "761510"),
    ("steel-bottle", "Steel bottle", "Kitchen", "Volume", ["0.5 l", "1 l"], "27.00", 280, "732393"),
    ("headlamp", "Headlamp 400", "Light", "Color", ["Black", "Red"], "39.90", 110, "851310"),
    ("lantern", "Camp lantern", "Light", "Title", ["Default"], "32.00", 300, "851310"),
    ("trek-poles", "Trekking poles", "Tools", "Length", ["110 cm", "130 cm"], "74.00", 520, "660200"),
    ("multi-tool", "Pocket multi-tool", "Tools", "Title", ["Default"], "49.00", 190, "820559"),
    ("first-aid", "First-aid kit", "Tools", "Title", ["Default"], "29.00", 350, "300650"),
    ("dry-bag", "Roll-top dry bag", "Packs", "Volume", ["5 l", "10 l", "20 l"], "21.00", 120, "420292"),
]

#: (name, e-mail part, address) of invented shoppers by country
SHOPPERS = {
    "PL": [("Zofia Wiśniewska", "zofia.w", "ul. Długa 5", "Kraków", "31-146"), ("Łukasz Dąbrowski", "lukasz.d", "ul. Świętokrzyska 14/3", "Warszawa", "00-050"),
           ("Małgorzata Żak", "m.zak", "ul. Grunwaldzka 82", "Gdańsk", "80-244"), ("Paweł Ćwikła", "pawel.c", "ul. Piotrkowska 120", "Łódź", "90-006")],
    "TR": [("Ayşe Yıldız", "ayse.y", "İstiklal Caddesi 41", "İstanbul", "34430"), ("Mehmet Öztürk", "mehmet.o", "Atatürk Bulvarı 18", "Ankara", "06420"),
           ("Işıl Çağlar", "isil.c", "Kıbrıs Şehitleri 7", "İzmir", "35220")],
    "IR": [("مریم احمدی", "maryam.a", "خیابان ولیعصر ۲۴", "تهران", "1967713111"), ("علی رضایی", "ali.r", "خیابان چهارباغ ۸", "اصفهان", "8146713111")],
    "DE": [("Jonas Weber", "jonas.w", "Torstraße 99", "Berlin", "10119"), ("Lena Groß", "lena.g", "Leopoldstraße 12", "München", "80802")],
    "GB": [("Chris Okafor", "chris.o", "14 Park Row", "Leeds", "LS1 5HD"), ("Emma Hughes", "emma.h", "3 Castle Lane", "Bristol", "BS1 3AG")],
    "FR": [("Chloé Lefèvre", "chloe.l", "8 rue des Arts", "Lyon", "69002")],
}  # fmt: skip

#: channel → countries that buy there, and how many units of its currency a euro is in the demo
MARKETS = {
    "Web store": (["DE", "GB", "FR", "PL"], "1"),
    "Allegro": (["PL"], "4.25"),
    "Trendyol": (["TR"], "48"),
    "Tehran shop": (["IR"], "61000"),
    "Phone": (["PL", "DE"], "1"),
}

PASSWORD = "northwind-demo"  # noqa: S105 - the demo's own, printed at its start; production has no demo people
