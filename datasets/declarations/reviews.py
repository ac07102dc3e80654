"""Businesses, users and their reviews."""

from datasets.table import Column, Defect, Table

_ALL_BUSINESSES = "SELECT count(*) FROM businesses"
_ALL_LINES = "SELECT count(*) FROM reviews_raw"
_VALID_LINES = "SELECT count(*) FROM reviews_raw WHERE try_parse_json(value) IS NOT NULL AND value <> ''"


def _lines_where(path: str, condition: str) -> str:
    """Valid lines whose field at a path, as text, fulfils a condition."""
    return f"{_VALID_LINES} AND try_variant_get(try_parse_json(value), '{path}', 'string') {condition}"


BUSINESSES = Table(
    name="businesses",
    family="reviews",
    description="Places that are reviewed, with nested columns.",
    key=("business_id",),
    columns=(
        Column("business_id", "STRING", "Identifier, 16 hexadecimal digits"),
        Column("name", "STRING", "Name; not unique"),
        Column("address", "STRING", "House number and street"),
        Column("city", "STRING", "One of seven invented cities"),
        Column("categories", "ARRAY<STRING>", "One to four, the most general first, or an empty array", nulls=0.03),
        Column(
            "hours",
            "MAP<STRING, STRING>",
            "Weekday to opening hours ('09:00-18:00'); closed days have no entry",
            nulls=0.1,
        ),
        Column(
            "attributes",
            "STRUCT<price_range: INT, wifi: STRING, parking: STRUCT<garage: BOOLEAN, street: BOOLEAN, lot: BOOLEAN>, "
            "ambience: MAP<STRING, BOOLEAN>>",
            "Price range 1 to 4 (null: 8 %), wifi free, paid or no (null: 12 %), parking (null: 15 %), ambience "
            "(null: 20 %)",
            nulls=0.05,
        ),
        Column("stars", "DOUBLE", "The listing's own rating in steps of 0.5; not the mean of `reviews`", "stars"),
        Column("is_open", "BOOLEAN", "Whether it still exists"),
    ),
    defects=(
        Defect(
            "empty array of categories",
            "SELECT count(*) FROM businesses WHERE size(categories) = 0",
            "SELECT count(categories) FROM businesses",
            0.03,
        ),
        Defect(
            "no price range, though there are attributes",
            "SELECT count(*) FROM businesses WHERE attributes IS NOT NULL AND attributes.price_range IS NULL",
            "SELECT count(attributes) FROM businesses",
            0.08,
        ),
        Defect(
            "closed on Sunday",
            "SELECT count(*) FROM businesses WHERE NOT map_contains_key(hours, 'Sunday')",
            "SELECT count(hours) FROM businesses",
            0.6,
        ),
        Defect(
            "businesses without any review (at least one in each twelve neighbours)",
            "SELECT count(*) FROM businesses LEFT ANTI JOIN reviews USING (business_id)",
            _ALL_BUSINESSES,
        ),
    ),
)

USERS = Table(
    name="users",
    family="reviews",
    description="People who write reviews.",
    key=("user_id",),
    columns=(
        Column("user_id", "STRING", "Identifier, 16 hexadecimal digits"),
        Column("name", "STRING", "First name"),
        Column("member_since", "DATE", "Day of registration"),
        Column("friends", "ARRAY<STRING>", "user_id of up to five friends; may be empty"),
        Column("elite", "ARRAY<INT>", "Years of elite membership; mostly empty", "year"),
        Column("compliments", "MAP<STRING, INT>", "Kind of compliment to count, counts above 2 only", nulls=0.3),
    ),
    defects=(
        Defect("no friends", "SELECT count(*) FROM users WHERE size(friends) = 0", "SELECT count(*) FROM users", 0.2),
        Defect(
            "users without any review",
            "SELECT count(*) FROM users LEFT ANTI JOIN reviews USING (user_id)",
            "SELECT count(*) FROM users",
        ),
    ),
)

REVIEWS_TABLE = Table(
    name="reviews",
    family="reviews",
    description="Reviews; a few businesses and users have most of them (Zipf).",
    key=("review_id",),
    columns=(
        Column("review_id", "STRING", "Identifier, 16 hexadecimal digits"),
        Column("business_id", "STRING", "What is reviewed"),
        Column("user_id", "STRING", "Who wrote"),
        Column("stars", "INT", "1 to 5", "stars"),
        Column("useful", "INT", "How many found it useful, mostly 0", "votes"),
        Column("text", "STRING", "Three to six sentences; 4 % begin with a quotation and a line break", nulls=0.015),
        Column("created", "TIMESTAMP", "When it was written", "UTC"),
    ),
    defects=(
        Defect(
            "business_id that is not in `businesses`",
            "SELECT count(*) FROM reviews LEFT ANTI JOIN businesses USING (business_id)",
            "SELECT count(*) FROM reviews",
            0.012,
        ),
        Defect(
            "text with a line break",
            "SELECT count(*) FROM reviews WHERE text LIKE '%\\n%'",
            "SELECT count(text) FROM reviews",
            0.04,
        ),
        Defect(
            "text that another review has word for word",
            "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) n FROM reviews WHERE text IS NOT NULL GROUP BY text "
            "HAVING count(*) > 1)",
            "SELECT count(text) FROM reviews",
        ),
    ),
)

REVIEWS_RAW = Table(
    name="reviews_raw",
    family="reviews",
    description=(
        "The reviews as JSON lines from a feed: review_id, business_id, user {user_id, name}, stars, votes "
        "{useful, funny, cool}, "
        "text, created, tags, sometimes device {os, version}."
    ),
    key=("value",),
    base="reviews",
    duplicates=0.03,
    columns=(Column("value", "STRING", "One line of the feed"),),
    defects=(
        Defect(
            "lines cut off in the middle",
            "SELECT count(*) FROM reviews_raw WHERE value LIKE '{%' AND try_parse_json(value) IS NULL",
            _ALL_LINES,
            0.02,
        ),
        Defect("lines that are HTML", "SELECT count(*) FROM reviews_raw WHERE value LIKE '<html>%'", _ALL_LINES, 0.006),
        Defect("empty lines", "SELECT count(*) FROM reviews_raw WHERE value = ''", _ALL_LINES, 0.008),
        Defect(
            "reviews sent twice",
            _VALID_LINES.replace("count(*)", "count(*) - count(DISTINCT value)"),
            _VALID_LINES,
            0.015,
        ),
        Defect("stars as a word ('four')", _lines_where("$.stars", "RLIKE '[a-z]'"), _VALID_LINES, 0.01),
        Defect(
            "stars between quotation marks ('4' or 'four')",
            _VALID_LINES + """ AND value LIKE '%"stars":"%'""",
            _VALID_LINES,
            0.0496,
        ),
        Defect("no votes", _lines_where("$.votes.useful", "IS NULL"), _VALID_LINES, 0.04),
        Defect("no tags", _lines_where("$.tags[0]", "IS NULL"), _VALID_LINES, 0.3),
        Defect("no text", _lines_where("$.text", "IS NULL"), _VALID_LINES, 0.015),
        Defect("device, a field that others lack", _lines_where("$.device.os", "IS NOT NULL"), _VALID_LINES, 0.03),
        Defect(
            "created as 2024-05-06T12:30:00Z instead of 2024-05-06 12:30:00",
            _lines_where("$.created", "LIKE '%T%Z'"),
            _VALID_LINES,
            0.05,
        ),
    ),
)

REVIEWS = (BUSINESSES, USERS, REVIEWS_TABLE, REVIEWS_RAW)
