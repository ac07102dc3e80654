"""The same ideas inside SQL text: each function yields edits of tokens."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable

from autograder.authoring.mutants.nodes import short
from autograder.authoring.mutants.operators import values
from autograder.authoring.mutants.operators.registry import Change, Changes, operator
from autograder.authoring.mutants.solution import Solution
from autograder.authoring.mutants.statement import Edit, Edits, Statement

BORDER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "==": "<>", "<>": "=", "!=": "="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
CONDITIONS = ("WHERE", "HAVING", "ON", "QUALIFY")
STATEMENTS = (
    "SELECT",
    "FROM",
    "WITH",
    "CREATE",
    "DECLARE",
    "SET",
    "BEGIN",
    "EXPLAIN",
    "INSERT",
    "MERGE",
    "DELETE",
    "UPDATE",
    "ALTER",
)
SIDES = ("LEFT", "RIGHT", "FULL", "INNER", "SEMI", "ANTI", "CROSS", "OUTER")
JOINS = ("", "LEFT", "RIGHT", "FULL", "LEFT SEMI", "LEFT ANTI")
AGGREGATES = {"SUM": "avg", "AVG": "sum", "MIN": "max", "MAX": "min", "COUNT_IF": "count", "MEDIAN": "avg", "FIRST": "last",
              "LAST": "first", "COLLECT_LIST": "collect_set", "COLLECT_SET": "collect_list", "MAX_BY": "min_by",
              "MIN_BY": "max_by", "RANK": "dense_rank", "DENSE_RANK": "row_number", "ROW_NUMBER": "rank", "LAG": "lead",
              "LEAD": "lag", "EXPLODE": "explode_outer", "EXPLODE_OUTER": "explode", "POSEXPLODE": "posexplode_outer",
              "FLOOR": "ceil", "CEIL": "floor"}  # fmt: skip
FRAMES = {"ROWS": "RANGE", "RANGE": "ROWS"}
KEPT_CALLS = ("COUNT", "SUM", "AVG", "MIN", "MAX", "CAST", "TRY_CAST", "IN", "IDENTIFIER", "ARRAY", "EXISTS", "OVER", "VALUES",
              "STRUCT", "NAMED_STRUCT", "DECIMAL", "AS", "USING", "TABLE")  # fmt: skip
"""Words before a parenthesis whose first argument cannot stand for the whole."""

Editor = Callable[[Statement], Edits]


def sql_operator(name: str) -> Callable[[Editor], Editor]:
    """Register a function from the tokens of a text in SQL to edits as an operator."""

    def register(edits: Editor) -> Editor:
        def changes(node: ast.AST, solution: Solution) -> Changes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and solution.is_sql(node):
                statement = Statement(node.value)
                for edit in edits(statement):
                    yield Change(ast.Constant(statement.edited(edit)), short(statement.told(edit)))

        changes.__doc__ = edits.__doc__
        operator(f"SQL {name}")(changes)
        return edits

    return register


@sql_operator("border")
def border(statement: Statement) -> Edits:
    """< ↔ <=, > ↔ >=."""
    for position, token in enumerate(statement.tokens):
        if token.text in BORDER and not _is_type(statement, position):
            yield Edit(position, position + 1, BORDER[token.text])


@sql_operator("opposite")
def opposite(statement: Statement) -> Edits:
    """= ↔ <>, < ↔ >=, IN ↔ NOT IN, EXISTS ↔ NOT EXISTS, IS NULL ↔ IS NOT NULL."""
    for position, token in enumerate(statement.tokens):
        if token.text in OPPOSITE and not _is_type(statement, position) and not _is_assignment(statement, position):
            yield Edit(position, position + 1, OPPOSITE[token.text])
        if token.word == "NOT" and not statement.words(position - 1, "IF"):
            yield Edit(position, position + 1, "")
        if token.word in ("IN", "EXISTS", "BETWEEN", "LIKE") and statement.at(position - 1).word not in ("NOT", "IF"):
            yield Edit(position, position + 1, f"NOT {token.text}")
        if token.word == "IS" and statement.at(position + 1).word in ("NULL", "TRUE", "FALSE"):
            yield Edit(position, position + 1, "IS NOT")


@sql_operator("null-safe equality")
def null_safe_equality(statement: Statement) -> Edits:
    """= ↔ <=>."""
    for position, token in enumerate(statement.tokens):
        if token.text in ("=", "<=>") and not _is_assignment(statement, position):
            yield Edit(position, position + 1, "<=>" if token.text == "=" else "=")


@sql_operator("and or")
def and_or(statement: Statement) -> Edits:
    """AND ↔ OR; the AND of a BETWEEN is none."""
    between: list[int] = []
    for position, token in enumerate(statement.tokens):
        if token.word == "BETWEEN":
            between.append(token.depth)
        elif token.word == "AND" and between and between[-1] == token.depth:
            between.pop()
        elif token.word in ("AND", "OR") and not statement.words(position + 1, "REPLACE"):
            yield Edit(position, position + 1, "OR" if token.word == "AND" else "AND")


@sql_operator("drop condition")
def drop_condition(statement: Statement) -> Edits:
    """WHERE, HAVING, ON or one of their conditions is always true; also a whole text that is a condition."""
    begins = [position + 1 for position, token in enumerate(statement.tokens) if token.word in CONDITIONS]
    if statement.at(0).word not in STATEMENTS:
        begins.append(0)
    for begin in begins:
        end = statement.end_of(begin)
        parts = statement.parts(begin, end, "AND", "OR")
        if begin == 0 and len(parts) == 1:
            continue
        for first, last in parts:
            neutral = "false" if "OR" in (statement.at(first - 1).word, statement.at(last).word) else "true"
            yield Edit(first, last, neutral)


@sql_operator("join type")
def join_type(statement: Statement) -> Edits:
    """A join keeps other rows."""
    for position, token in enumerate(statement.tokens):
        if token.word != "JOIN":
            continue
        first = position
        while statement.at(first - 1).word in SIDES:
            first -= 1
        before = statement.source(first, position).upper().replace(" OUTER", "").replace("INNER", "")
        for other in JOINS:
            if other != before:
                yield Edit(first, position + 1, f"{other} JOIN".strip())


@sql_operator("distinct")
def distinct(statement: Statement) -> Edits:
    """DISTINCT is forgotten, count(x) counts different values, UNION ALL ↔ UNION."""
    for position, token in enumerate(statement.tokens):
        if token.word == "DISTINCT":
            yield Edit(position, position + 1, "")
        if token.word == "COUNT" and statement.is_call(position):
            inside = statement.at(position + 2)
            if inside.text != "*" and inside.word != "DISTINCT":
                yield Edit(position + 2, position + 2, "DISTINCT")
        if token.word == "UNION":
            every = statement.words(position + 1, "ALL")
            yield Edit(position, position + 1 + every, "UNION" if every else "UNION ALL")


@sql_operator("function")
def function(statement: Statement) -> Edits:
    """Another aggregate, rank, explosion, rounding or date part."""
    parts = {name.upper(): other for name, other in values.PARTS.items()}
    for position, token in enumerate(statement.tokens):
        if statement.is_call(position) and token.word in AGGREGATES:
            yield Edit(position, position + 1, AGGREGATES[token.word])
        elif statement.is_call(position) and token.word in parts:
            yield Edit(position, position + 1, parts[token.word])
        elif token.word.startswith("TRY_") and statement.is_call(position):
            yield Edit(position, position + 1, token.text[4:])


@sql_operator("drop function")
def drop_function(statement: Statement) -> Edits:
    """A function is not applied: coalesce(a, b) → a."""
    for position, token in enumerate(statement.tokens):
        if _is_function(statement, position) and token.word not in AGGREGATES:
            end = statement.closing(position + 1)
            arguments = statement.parts(position + 2, end, ",")
            if arguments[0][0] < arguments[0][1]:
                yield Edit(position, end + 1, statement.source(*arguments[0]))


@sql_operator("swap arguments")
def swap_arguments(statement: Statement) -> Edits:
    """Two neighbouring arguments of a function change places, or the two sides of a minus or a division."""
    for position, token in enumerate(statement.tokens):
        if _is_function(statement, position):
            arguments = statement.parts(position + 2, statement.closing(position + 1), ",")
            for one, other in itertools.pairwise(arguments):
                yield Edit(one[0], other[1], f"{statement.source(*other)}, {statement.source(*one)}")
        if token.text in ("-", "/") and token.kind == "sign":
            left, right = statement.at(position - 1), statement.at(position + 1)
            if left.kind in ("word", "number") and right.kind in ("word", "number"):
                yield Edit(position - 1, position + 2, f"{right.text} {token.text} {left.text}")


@sql_operator("swap names")
def swap_names(statement: Statement) -> Edits:
    """Two neighbouring results get each other's name."""
    named = [position + 1 for position, token in enumerate(statement.tokens) if token.word == "AS"]
    for one, other in itertools.pairwise(named):
        left, right = statement.at(one), statement.at(other)
        if statement.at(one + 1).text == "," and left.depth == right.depth and statement.at(other + 1).text != "(":
            between = statement.text[left.end : right.start]
            yield Edit(one, other + 1, f"{right.text}{between}{left.text}")


@sql_operator("sort")
def sort(statement: Statement) -> Edits:
    """ORDER BY or one of its keys is forgotten, or runs the other way; nulls come at the other end."""
    for position, token in enumerate(statement.tokens):
        if token.word == "NULLS" and statement.at(position + 1).word in ("FIRST", "LAST"):
            other = "LAST" if statement.words(position + 1, "FIRST") else "FIRST"
            yield Edit(position + 1, position + 2, other)
        if not statement.words(position, "ORDER", "BY"):
            continue
        end = statement.end_of(position + 2)
        keys = statement.parts(position + 2, end, ",")
        first = position - 1 if statement.at(position - 1).text == "|>" else position
        yield Edit(first, end, "")
        for number, (begin, last) in enumerate(keys):
            downward = next((place for place in range(begin, last) if statement.at(place).word == "DESC"), None)
            key = statement.source(begin, last)
            kept = [statement.source(*other) for place, other in enumerate(keys) if place != number]
            yield Edit(downward, downward + 1, "ASC") if downward else Edit(begin, last, f"{key} DESC")
            if kept:
                yield Edit(position + 2, end, ", ".join(kept))


@sql_operator("window frame")
def window_frame(statement: Statement) -> Edits:
    """ROWS ↔ RANGE, UNBOUNDED ↔ CURRENT ROW, PARTITION BY is forgotten."""
    for position, token in enumerate(statement.tokens):
        if token.word in FRAMES and statement.at(position + 1).word in ("BETWEEN", "UNBOUNDED", "CURRENT"):
            yield Edit(position, position + 1, FRAMES[token.word])
        if token.word == "UNBOUNDED":
            yield Edit(position, position + 2, "CURRENT ROW")
        if statement.words(position, "CURRENT", "ROW"):
            yield Edit(position, position + 2, "UNBOUNDED FOLLOWING")
        if statement.words(position, "PARTITION", "BY"):
            yield Edit(position, statement.end_of(position + 2), "")


@sql_operator("group key")
def group_key(statement: Statement) -> Edits:
    """One of several keys of a group is forgotten."""
    for position in range(len(statement)):
        if statement.words(position, "GROUP", "BY"):
            end = statement.end_of(position + 2)
            keys = statement.parts(position + 2, end, ",")
            for number in range(len(keys) if len(keys) > 1 else 0):
                kept = [statement.source(*key) for place, key in enumerate(keys) if place != number]
                yield Edit(position + 2, end, ", ".join(kept))


@sql_operator("drop branch")
def drop_branch(statement: Statement) -> Edits:
    """A branch of CASE is forgotten."""
    for position, token in enumerate(statement.tokens):
        if token.word in ("WHEN", "ELSE"):
            then = statement.end_of(position + 1)
            end = statement.end_of(then + 1) if token.word == "WHEN" else then
            yield Edit(position, end, "")


@sql_operator("drop step")
def drop_step(statement: Statement) -> Edits:
    """A step of a pipe, a statement of a script, a collation or a recursion is forgotten."""
    steps = [position for position, token in enumerate(statement.tokens) if token.text == "|>"]
    for position, following in zip(steps, [*steps[1:], len(statement)], strict=False):
        yield Edit(position, following, "")
    for position, token in enumerate(statement.tokens):
        if token.word == "COLLATE":
            yield Edit(position, position + 2, "")
        if token.word == "SET" and position > 0 and statement.at(position - 1).text != "|>":
            end = next((place for place in range(position, len(statement)) if statement.at(place).text == ";"), None)
            if end is not None:
                yield Edit(position, end, "SELECT 1")


@sql_operator("number")
def number(statement: Statement) -> Edits:
    """A number is off by one; a fraction by a tenth. What an EXISTS selects does not matter."""
    for position, token in enumerate(statement.tokens):
        selected = statement.words(position - 1, "SELECT") and statement.words(position + 1, "FROM")
        if token.kind == "number" and not selected and not _in_decimal(statement, position):
            step = 0.1 if "." in token.text else 1
            for other in (float(token.text) + step, float(token.text) - step):
                yield Edit(position, position + 1, f"{other:.6g}")


@sql_operator("text")
def text(statement: Statement) -> Edits:
    """A text is another one, or empty."""
    for position, token in enumerate(statement.tokens):
        if token.kind == "text" and statement.at(position - 1).word not in ("DATE", "TIMESTAMP", "INTERVAL"):
            quote = token.text[0]
            yield Edit(position, position + 1, f"{token.text[:-1]}{values.ANOTHER}{quote}")
            if len(token.text) > 2:
                yield Edit(position, position + 1, quote * 2)


@sql_operator("day")
def day(statement: Statement) -> Edits:
    """A date or time is the next year's, or its next day's."""
    for position, token in enumerate(statement.tokens):
        if token.kind == "text" and statement.at(position - 1).word in ("DATE", "TIMESTAMP"):
            quoted, name = token.text[0], statement.at(position - 1).text
            yield Edit(position - 1, position + 1, f"({name} {token.text} + INTERVAL 1 YEAR)")
            yield Edit(position - 1, position + 1, f"({name} {quoted}{token.text[1:-1]}{quoted} + INTERVAL 1 DAY)")


@sql_operator("arithmetic")
def arithmetic(statement: Statement) -> Edits:
    """+ ↔ -, * ↔ /."""
    for position, token in enumerate(statement.tokens):
        before, after = statement.at(position - 1), statement.at(position + 1)
        sides = before.kind in ("word", "number", "name") or before.text == ")"
        if token.text in ARITHMETIC and sides and before.word != "SELECT" and after.text not in (")", ",", ""):
            yield Edit(position, position + 1, ARITHMETIC[token.text])


@sql_operator("type")
def type_(statement: Statement) -> Edits:
    """A value becomes another type."""
    for position, token in enumerate(statement.tokens):
        if token.word == "DECIMAL" and statement.is_call(position):
            end = statement.closing(position + 1) + 1
            for other in values.other_types(statement.source(position, end).replace(" ", "")):
                yield Edit(position, end, other.upper())
        elif token.word.lower() in values.TYPES and token.text.isupper() and statement.at(position + 1).kind != "text":
            yield Edit(position, position + 1, values.TYPES[token.word.lower()].upper())


def _is_function(statement: Statement, position: int) -> bool:
    named = statement.at(position - 1).word == "FUNCTION"
    return statement.is_call(position) and statement.at(position).word not in KEPT_CALLS and not named


def _is_type(statement: Statement, position: int) -> bool:
    """Whether < or > belongs to a type such as ARRAY<STRING>."""
    token, before = statement.at(position), statement.at(position - 1)
    if token.text == "<":
        return before.word in ("ARRAY", "STRUCT", "MAP")
    return token.text == ">" and (before.text == ">" or (before.word.lower() in values.TYPES and before.text.isupper()))


def _is_assignment(statement: Statement, position: int) -> bool:
    """Whether an = gives something its value: `SET x = 1`, `SET VAR x = 1`, `|> SET x = 1`."""
    return statement.at(position).text == "=" and "SET" in (
        statement.at(position - 2).word,
        statement.at(position - 3).word if statement.words(position - 2, "VAR") else "",
    )


def _in_decimal(statement: Statement, position: int) -> bool:
    """Whether a number says how many digits a decimal has."""
    depth = statement.at(position).depth
    opening = next((place for place in range(position, -1, -1) if statement.at(place).depth < depth), -1)
    return opening > 0 and statement.at(opening - 1).word == "DECIMAL"
