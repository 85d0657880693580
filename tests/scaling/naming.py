"""Whether a statement names the organization of every table of partner data that it uses.

The statement is read by PostgreSQL's own parser. A table is named if its `organization_id` is equal
to a parameter, by itself or through columns that it is joined on: only conditions that always hold
count, so nothing below OR, NOT or CASE. What a WITH or a sub-select gives out is followed to where
it comes from. An INSERT names its organization by giving it a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from google.protobuf.json_format import MessageToDict
from postgast import parse

Node: TypeAlias = Mapping[str, Any]
Point: TypeAlias = tuple[int, str, str]

#: The column that partner data is distributed by.
OWNER: Final = "organization_id"

#: What every parameter stands for: which one it is does not matter.
_PARAMETER: Final[Point] = (-1, "$", "$")


@dataclass
class _Scope:
    """The names that one query can use, and those of the queries around it."""

    number: int
    outer: _Scope | None
    tables: dict[str, str] = field(default_factory=dict)
    #: Aliases of rows that a WITH or a sub-select gives out, by the scopes that make them.
    made: dict[str, list[_Scope]] = field(default_factory=dict)
    ctes: dict[str, list[_Scope]] = field(default_factory=dict)
    #: What it gives out under which name.
    given: dict[str, list[Point]] = field(default_factory=dict)

    def cte(self, name: str) -> list[_Scope] | None:
        found = self.ctes.get(name)
        if found is None and self.outer is not None:
            return self.outer.cte(name)
        return found


class Reading:
    """One statement, read."""

    def __init__(self, sql: str, tables: frozenset[str]) -> None:
        """`tables` are those, views included, that have the column; raises what the parser does."""
        self._tables = tables
        self._equal: dict[Point, Point] = {}
        self._count = 0
        #: Every use of such a table: where, and under which name.
        self._uses: list[tuple[Point, str]] = []
        self._written: list[tuple[str, bool]] = []
        tree = MessageToDict(parse(sql), preserving_proto_field_name=True)
        for one in tree.get("stmts", ()):
            self._statement(one["stmt"], None)

    @property
    def touched(self) -> set[str]:
        """The tables of partner data that it uses."""
        return {table for _, table in self._uses} | {table for table, _ in self._written}

    @property
    def unnamed(self) -> set[str]:
        """Those of them whose organization it does not name."""
        bound = self._root(_PARAMETER)
        return {table for point, table in self._uses if self._root(point) != bound} | {
            table for table, named in self._written if not named
        }

    # --- equalities

    def _root(self, point: Point) -> Point:
        while (above := self._equal.get(point, point)) != point:
            point = above
        return point

    def _same(self, one: Point, other: Point) -> None:
        a, b = self._root(one), self._root(other)
        if a != b:
            self._equal[a] = b

    # --- statements

    def _statement(self, node: Node, outer: _Scope | None) -> _Scope:
        ((kind, inner),) = node.items()
        self._count += 1
        scope = _Scope(self._count, outer)
        if isinstance(inner, Mapping):
            self._with(inner, scope)
        if kind == "select_stmt":
            self._select(inner, scope)
        elif kind == "insert_stmt":
            self._insert(inner, scope)
        elif kind in ("update_stmt", "delete_stmt", "merge_stmt"):
            self._change(inner, scope)
        else:
            self._inside(inner, scope)
        return scope

    def _with(self, node: Node, scope: _Scope) -> None:
        for one in node.get("with_clause", {}).get("ctes", ()):
            cte = one["common_table_expr"]
            made: list[_Scope] = []
            # One that is recursive reads itself.
            scope.ctes[cte["ctename"]] = made
            made.append(self._statement(cte["ctequery"], scope))
            names = [name["string"]["sval"] for name in cte.get("aliascolnames", ())]
            _rename(made, names)

    def _select(self, node: Node, scope: _Scope) -> None:
        if "larg" in node:
            for side in ("larg", "rarg"):
                part = self._statement({"select_stmt": node[side]}, scope)
                for name, points in part.given.items():
                    # Of a UNION both sides have to be named: each is its own use.
                    scope.given.setdefault(name, []).extend(points[:1] if side == "larg" else [])
            self._inside({k: v for k, v in node.items() if k not in ("larg", "rarg")}, scope)
            return
        self._from(node.get("from_clause", ()), scope)
        self._holds(node.get("where_clause"), scope)
        self._gives(node.get("target_list", ()), scope)
        done = ("from_clause", "with_clause")
        self._inside({k: v for k, v in node.items() if k not in done}, scope)

    def _insert(self, node: Node, scope: _Scope) -> None:
        table = node["relation"]["relname"]
        columns = {one["res_target"]["name"] for one in node.get("cols", ())}
        if table in self._tables:
            self._written.append((table, OWNER in columns))
        if "select_stmt" in node:
            self._statement(node["select_stmt"], scope)
        scope.tables[node["relation"].get("alias", {}).get("aliasname", table)] = table
        self._gives(node.get("returning_list", ()), scope)
        self._inside(node.get("returning_list", ()), scope)
        if OWNER in columns:
            # What was inserted is of the organization that the statement gave it.
            for alias in scope.tables:
                self._same((scope.number, alias, OWNER), _PARAMETER)

    def _change(self, node: Node, scope: _Scope) -> None:
        self._item({"range_var": node["relation"]}, scope)
        for clause in ("from_clause", "using_clause"):
            self._from(node.get(clause, ()), scope)
        self._holds(node.get("where_clause"), scope)
        self._gives(node.get("returning_list", ()), scope)
        done = ("relation", "from_clause", "using_clause", "with_clause")
        self._inside({k: v for k, v in node.items() if k not in done}, scope)

    # --- what stands in FROM

    def _from(self, items: Any, scope: _Scope) -> None:
        for item in items:
            self._item(item, scope)

    def _item(self, item: Node, scope: _Scope) -> None:
        ((kind, node),) = item.items()
        if kind == "range_var":
            self._range_var(node, scope)
        elif kind == "range_subselect":
            alias = node.get("alias", {})
            made = [self._statement(node["subquery"], scope)]
            _rename(made, [name["string"]["sval"] for name in alias.get("colnames", ())])
            self._row(alias.get("aliasname", ""), made, scope)
        elif kind == "join_expr":
            for side in ("larg", "rarg"):
                self._item(node[side], scope)
            self._holds(node.get("quals"), scope)
            for name in node.get("using_clause", ()):
                column = name["string"]["sval"]
                sides = [
                    point
                    for alias in scope.tables | scope.made
                    if (point := (scope.number, alias, column))
                ]
                for other in sides[1:]:
                    self._same(sides[0], other)
        else:
            self._inside(node, scope)

    def _range_var(self, node: Node, scope: _Scope) -> None:
        table = node["relname"]
        alias = node.get("alias", {}).get("aliasname", table)
        cte = scope.cte(table)
        if cte is not None:
            self._row(alias, cte, scope)
            return
        scope.tables[alias] = table
        if table in self._tables:
            self._uses.append(((scope.number, alias, OWNER), table))

    def _row(self, alias: str, made: list[_Scope], scope: _Scope) -> None:
        scope.made[alias] = made
        for one in made:
            for name, points in one.given.items():
                for point in points:
                    self._same((scope.number, alias, name), point)

    # --- conditions and columns

    def _holds(self, node: Node | None, scope: _Scope) -> None:
        """Take note of the equalities of a condition that holds for every row."""
        if not node:
            return
        if "bool_expr" in node and node["bool_expr"]["boolop"] == "AND_EXPR":
            for part in node["bool_expr"]["args"]:
                self._holds(part, scope)
        elif "a_expr" in node:
            expression = node["a_expr"]
            name = [one["string"]["sval"] for one in expression.get("name", ())]
            if expression.get("kind") == "AEXPR_OP" and name == ["="]:
                self._equals(expression["lexpr"], expression["rexpr"], scope)

    def _equals(self, left: Node, right: Node, scope: _Scope) -> None:
        if "row_expr" in left and "row_expr" in right:
            for one, other in zip(left["row_expr"]["args"], right["row_expr"]["args"], strict=True):
                self._equals(one, other, scope)
            return
        a, b = self._point(left, scope), self._point(right, scope)
        if a is not None and b is not None:
            self._same(a, b)

    def _point(self, node: Node, scope: _Scope) -> Point | None:
        """What an expression is, if it is a column or a parameter."""
        if "type_cast" in node:
            return self._point(node["type_cast"]["arg"], scope)
        if "param_ref" in node:
            return _PARAMETER
        if "column_ref" not in node:
            return None
        fields = [one.get("string", {}).get("sval") for one in node["column_ref"]["fields"]]
        if None in fields:
            return None
        return self._column(fields, scope)

    def _column(self, fields: list[str], scope: _Scope | None) -> Point | None:
        name = fields[-1]
        while scope is not None:
            if len(fields) > 1:
                if fields[-2] in scope.tables or fields[-2] in scope.made:
                    return scope.number, fields[-2], name
            else:
                having = [
                    alias for alias in scope.tables | scope.made if self._has(scope, alias, name)
                ]
                if having:
                    return scope.number, having[0], name
            scope = scope.outer
        return None

    def _has(self, scope: _Scope, alias: str, name: str) -> bool:
        if alias in scope.made:
            return any(name in one.given for one in scope.made[alias])
        # Of a table, only this column is known.
        return name != OWNER or scope.tables[alias] in self._tables

    def _gives(self, targets: Any, scope: _Scope) -> None:
        for one in targets:
            target = one["res_target"]
            value = target.get("val", {})
            fields = value.get("column_ref", {}).get("fields", ())
            if fields and "a_star" in fields[-1]:
                whose = fields[0]["string"]["sval"] if len(fields) > 1 else None
                self._gives_all(whose, scope)
                continue
            point = self._point(value, scope)
            name = target.get("name") or (fields[-1]["string"]["sval"] if fields else "")
            if name:
                scope.given.setdefault(name, []).extend([] if point is None else [point])

    def _gives_all(self, whose: str | None, scope: _Scope) -> None:
        for alias in [whose] if whose else [*scope.tables, *scope.made]:
            names = {OWNER} if scope.tables.get(alias) in self._tables else set()
            names |= {name for one in scope.made.get(alias, ()) for name in one.given}
            for name in names:
                scope.given.setdefault(name, []).append((scope.number, alias, name))

    def _inside(self, node: Any, scope: _Scope) -> None:
        """Read the queries that stand in expressions."""
        for query in _queries(node):
            self._statement(query, scope)


def _rename(made: list[_Scope], names: list[str]) -> None:
    for one in made:
        one.given = {
            names[n] if n < len(names) else name: points
            for n, (name, points) in enumerate(one.given.items())
        }


def _queries(node: Any) -> Iterator[Node]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "select_stmt" and isinstance(value, Mapping):
                yield {key: value}
            else:
                yield from _queries(value)
    elif isinstance(node, (list, tuple)):
        for one in node:
            yield from _queries(one)
