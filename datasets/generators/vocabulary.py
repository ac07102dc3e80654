"""Words that rows are made of. Faker, with a fixed seed, gives names, streets, companies; the rest is written here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from faker import Faker

_FAKER_SEED = 2026
NAMES_PER_COUNTRY = 100


@dataclass(frozen=True)
class Country:
    """A country customers live in: Faker locale, calling code, share of the customers, aliases met in dirty exports."""

    name: str
    locale: str
    calling_code: str
    weight: int
    alias: str
    cities: tuple[str, ...]


COUNTRIES = (
    Country(
        "Germany", "de_DE", "49", 26, "Deutschland", ("Berlin", "Hamburg", "Köln", "Leipzig", "München", "Stuttgart")
    ),
    Country("France", "fr_FR", "33", 18, "FR", ("Bordeaux", "Lille", "Lyon", "Marseille", "Nantes", "Paris")),
    Country(
        "United Kingdom", "en_GB", "44", 16, "UK", ("Bristol", "Edinburgh", "Leeds", "London", "Manchester", "York")
    ),
    Country("United States", "en_US", "1", 14, "USA", ("Austin", "Boston", "Chicago", "Denver", "Portland", "Seattle")),
    Country("Spain", "es_ES", "34", 10, "España", ("Barcelona", "Bilbao", "Madrid", "Málaga", "Sevilla", "Valencia")),
    Country("Italy", "it_IT", "39", 8, "Italia", ("Bologna", "Firenze", "Milano", "Napoli", "Roma", "Torino")),
    Country("Poland", "pl_PL", "48", 5, "Polska", ("Gdańsk", "Kraków", "Łódź", "Poznań", "Warszawa", "Wrocław")),
    Country(
        "Brazil", "pt_BR", "55", 3, "Brasil", ("Belém", "Curitiba", "Recife", "Rio de Janeiro", "Salvador", "São Paulo")
    ),
)


def _distinct(draw: Callable[[], str], count: int) -> tuple[str, ...]:
    """`count` different words, in the order in which they are drawn."""
    words: dict[str, None] = {}
    for _ in range(100 * count):
        words.setdefault(draw().replace("\n", " "))
        if len(words) == count:
            return tuple(words)
    raise ValueError(f"Faker has only {len(words)} of the {count} different words asked for; ask for fewer.")


def _faker(locale: str) -> Faker:
    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(f"{_FAKER_SEED}.{locale}")
    return fake


@cache
def first_names() -> tuple[str, ...]:
    """`NAMES_PER_COUNTRY` first names of each country, one country after the other."""
    return tuple(name for c in COUNTRIES for name in _distinct(_faker(c.locale).first_name, NAMES_PER_COUNTRY))


@cache
def last_names() -> tuple[str, ...]:
    """`NAMES_PER_COUNTRY` last names of each country, one country after the other."""
    return tuple(name for c in COUNTRIES for name in _distinct(_faker(c.locale).last_name, NAMES_PER_COUNTRY))


@cache
def streets() -> tuple[str, ...]:
    """Street names."""
    return _distinct(_faker("en_US").street_name, 200)


@cache
def companies() -> tuple[str, ...]:
    """Company names, used as brands."""
    return _distinct(_faker("en_GB").company, 40)


_SECTORS = ("energy", "finance", "health", "industry", "technology")
_LISTED = 20


def instruments() -> list[tuple[str, str, str, float, float]]:
    """Rows (symbol, name, sector, first price in EUR, standard deviation of a day's change) of the listed companies."""
    rows = []
    for number, name in enumerate(companies()[:_LISTED]):
        letters = "".join(letter for letter in name.upper() if letter.isascii() and letter.isalpha())
        symbol = f"{letters[:3]:X<3}{chr(ord('A') + number)}"
        price = round(8.0 * 1.27 ** (number * 7 % _LISTED), 2)
        rows.append(
            (symbol, name, _SECTORS[number % len(_SECTORS)], price, round(0.010 + 0.0015 * (number * 3 % 11), 4))
        )
    return rows


def mail_words(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as they appear in e-mail addresses: lower-case ASCII letters only."""
    return tuple(_ascii_letters(name) for name in names)


def _ascii_letters(name: str) -> str:
    spelled = name.lower().replace("ß", "ss").replace("ł", "l")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain if letter.isalpha())


CATEGORY_TREE: dict[str, dict[str, dict[str, str]]] = {
    "Home": {
        "Kitchen": {"Cookware": "Saucepan", "Cutlery": "Knife", "Storage": "Jar"},
        "Lighting": {"Table lamps": "Table Lamp", "String lights": "String Light"},
        "Textiles": {"Blankets": "Blanket", "Cushions": "Cushion"},
    },
    "Garden": {
        "Tools": {"Hand tools": "Trowel", "Watering": "Watering Can"},
        "Plants": {"Seeds": "Seed Box", "Pots": "Flower Pot"},
        "Outdoor furniture": {"Garden chairs": "Garden Chair", "Hammocks": "Hammock"},
    },
    "Leisure": {
        "Books": {"Novels": "Novel", "Cookbooks": "Cookbook", "Atlases": "Atlas"},
        "Games": {"Board games": "Board Game", "Puzzles": "Puzzle"},
        "Music": {"Records": "Record", "Instruments": "Ukulele"},
    },
    "Sport": {
        "Cycling": {"Bike lights": "Bike Light", "Panniers": "Pannier"},
        "Camping": {"Tents": "Tent", "Camp stoves": "Camp Stove"},
        "Running": {"Running shirts": "Running Shirt", "Head torches": "Head Torch"},
    },
}
"""Three levels of categories; the value of a leaf is the noun that its products are named after."""


def categories() -> list[tuple[int, int | None, str]]:
    """Rows (category_id, parent_id, name): first the roots, then the middle level, then the leaves."""
    roots = list(CATEGORY_TREE)
    middles = [(root, middle) for root in roots for middle in CATEGORY_TREE[root]]
    rows: list[tuple[int, int | None, str]] = [(1 + number, None, root) for number, root in enumerate(roots)]
    rows += [(1 + len(roots) + number, 1 + roots.index(root), name) for number, (root, name) in enumerate(middles)]
    parents = [
        (1 + len(roots) + number, leaf)
        for number, (root, name) in enumerate(middles)
        for leaf in CATEGORY_TREE[root][name]
    ]
    first_leaf = 1 + len(roots) + len(middles)
    return rows + [(first_leaf + number, parent, leaf) for number, (parent, leaf) in enumerate(parents)]


def leaf_nouns() -> tuple[str, ...]:
    """Product nouns of the leaf categories, in the order of their identifiers."""
    return tuple(noun for middles in CATEGORY_TREE.values() for leaves in middles.values() for noun in leaves.values())


def first_leaf_id() -> int:
    """The smallest identifier of a leaf category; leaves are numbered without gaps from here."""
    return len(categories()) - len(leaf_nouns()) + 1


PRODUCT_ADJECTIVES = (
    "Amber", "Basic", "Classic", "Compact", "Cosy", "Deluxe", "Eco", "Everyday", "Folding", "Grand", "Handmade",
    "Light",
    "Mini", "Modern", "Nordic", "Premium", "Rustic", "Silent", "Solid", "Sunny", "Travel", "Vintage", "Weekend", "Wild",
)  # fmt: skip
COLOURS = ("black", "blue", "green", "grey", "natural", "red", "white", "yellow")
TAGS = ("bestseller", "clearance", "eco", "fragile", "gift", "handmade", "limited", "new", "outlet", "vegan")
INTERESTS = ("books", "cooking", "cycling", "games", "garden", "hiking", "music", "pets", "photography", "travel")

BOROUGHS: dict[str, tuple[str, ...]] = {
    "Old Town": (
        "Cathedral", "Market Square", "Town Hall", "Mint", "Weavers Lane", "Castle Hill", "Glass Arcade", "Opera",
        "Fish Market", "Gallows Gate", "Bell Tower", "Printers Row", "Spice Street", "Bridgehead",
    ),
    "Harbour": (
        "Ferry Terminal", "Warehouse Quay", "Lighthouse", "Shipyard", "Customs House", "Container Port", "Sailors Rest",
        "Cold Store", "Rope Walk", "Pilot Station", "Harbour East",
    ),
    "Riverside": (
        "Botanic Garden", "Rowing Club", "Weir", "Mill Island", "University", "Science Park", "Stadium", "Willow Bank",
        "Ferry Steps", "Museum Mile", "Clinic", "Riverside North",
    ),
    "Northgate": (
        "Central Station", "Bus Depot", "Brickworks", "Hill Farm", "Orchard", "Pump House", "Observatory", "Allotments",
        "Tram Shed", "Quarry", "Northgate Mall", "Reservoir",
    ),
    "Southfields": (
        "Racecourse", "Exhibition Halls", "Garden Suburb", "Windmill", "Cemetery", "Ring Road South", "Business Park",
        "Barracks", "Vineyard", "Canal Basin", "Film Studios",
    ),
    "Airport": ("Terminal 1", "Terminal 2", "Cargo Village"),
}  # fmt: skip


def zones() -> list[tuple[int, str, str]]:
    """Rows (zone_id, borough, zone) of the invented city."""
    pairs = [(borough, zone) for borough, zones_of_borough in BOROUGHS.items() for zone in zones_of_borough]
    return [(number, borough, zone) for number, (borough, zone) in enumerate(pairs, start=1)]


BUSINESS_KINDS: dict[str, tuple[str, ...]] = {
    "Kitchen": ("Restaurants", "Italian", "Pizza", "Pasta"),
    "Noodle House": ("Restaurants", "Asian", "Noodles", "Soup"),
    "Taqueria": ("Restaurants", "Mexican", "Tacos", "Street Food"),
    "Bakery": ("Food", "Bakeries", "Coffee & Tea", "Breakfast"),
    "Coffee Bar": ("Food", "Coffee & Tea", "Cafes", "Desserts"),
    "Books": ("Shopping", "Bookstores", "Gifts", "Local Flavor"),
    "Cycles": ("Shopping", "Bikes", "Repair", "Active Life"),
    "Salon": ("Beauty & Spas", "Hair Salons", "Nail Salons", "Massage"),
    "Garage": ("Automotive", "Repair", "Tires", "Oil Change"),
    "Inn": ("Hotels & Travel", "Hotels", "Event Planning", "Bars"),
}
"""Second word of a business's name and the categories it is listed under, the most general first."""

BUSINESS_ADJECTIVES = (
    "Blue", "Corner", "Copper", "Crooked", "Golden", "Green", "Happy", "Hidden", "Little", "Lucky", "Old",
    "Quiet", "Red",
    "Rolling", "Royal", "Salty", "Silver", "Sleepy", "Twin", "Velvet",
)  # fmt: skip
BUSINESS_NOUNS = (
    "Anchor", "Badger", "Barrel", "Elephant", "Feather", "Fox", "Harbour", "Heron", "Kettle", "Lantern", "Lemon",
    "Maple",
    "Moon", "Otter", "Pepper", "River", "Spoon", "Swan", "Tram", "Walnut",
)  # fmt: skip
REVIEW_CITIES = {
    "Ashbury": 30,
    "Brinkley": 22,
    "Carrow": 16,
    "Dunmere": 12,
    "Eastleigh Bay": 9,
    "Fennick": 6,
    "Gull Point": 5,
}

OPENINGS = {
    "bad": ("Never again.", "What a let-down.", "I really wanted to like this place.", "Avoid on weekends."),
    "fair": ("It was fine.", "A mixed visit.", "Not bad, not great.", "Decent if you are nearby."),
    "good": (
        "What a find!",
        "Our new favourite.",
        "I keep coming back.",
        "Five friends told me to go, and they were right.",
    ),
}
DETAILS = {
    "bad": (
        "We waited 40 minutes and nobody apologised.", "The staff argued in front of us.", "The bill was wrong twice.",
        "Everything felt dirty and overpriced.", "They lost our booking.", "The music was so loud that we left early.",
    ),
    "fair": (
        "Service was slow but friendly.", "Prices are a little high for what you get.", "The room is small, come "
        "early.",
        "Half of it was lovely, the other half forgettable.", "Parking is difficult, take the tram.",
        "The website said open, the door said closed; the second try worked.",
    ),
    "good": (
        "The staff remembered us from last year.", "Everything was fresh and carefully made.", "Great value for "
        "the price.",
        "They fixed a problem within minutes.", "Clean, calm and quick.", "The owner took time to explain everything.",
    ),
}  # fmt: skip
CLOSINGS = {
    "bad": ("One star is generous.", "Save your money.", "I want a refund.", "The café next door is better."),
    "fair": ("I might return.", "Three stars seems right.", "Worth a second try.", "Ask for a table by the window."),
    "good": ("Highly recommended!", "See you next week :-)", "Worth every cent.", "Bring the whole family 😊"),
}
COMPANIONS = (
    "aunt",
    "boss",
    "brother",
    "children",
    "colleagues",
    "cousin",
    "neighbour",
    "parents",
    "partner",
    "sister",
)
WEATHERS = ("foggy", "freezing", "hot", "rainy", "snowy", "stormy", "sunny", "windy")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
