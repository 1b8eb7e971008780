"""Who may do what, told by the routes: the tables of ``docs/roles.md``. ``python -m tests.access`` writes them anew."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.vefa.services import app_of, names
from shared.core.message import Role
from shared.edge.http import Route
from shared.edge.policies_api import policies_api

PAGE = Path(__file__).parents[1] / "docs" / "roles.md"
NOBODY = "nobody"
COLUMNS = (NOBODY, *(role.value for role in (
    Role.customer, Role.agent, Role.supervisor, Role.admin, Role.ops, Role.service
)))  # fmt: skip
EVERY = "every service"
OWN = {"POST /v1/cases/{case}/confirm"}
"""What a customer may do with a token of their own although a signed link is the usual way."""
ANY = {"POST /v1/cases"}
"""What customers may do without asking whose it is: it makes something new."""
SELF = {"PUT /v1/agents/{agent}/status"}
"""What agents may do for themselves only."""
PART = {"GET /v1/scores"}
"""What agents may see without the figures of single agents."""


@dataclass(frozen=True)
class Row:
    """One route: what comes of a call by who calls; ``what`` in words."""

    service: str
    route: str
    cells: dict[str, str]
    what: str

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    def line(self) -> str:
        return f"| `{self.route}` | " + " | ".join(self.cells[c] for c in COLUMNS) + f" | {self.what} |"


def rows_of_routes() -> list[Row]:
    found = [(name, route) for name in names() for route in app_of(name).api.routes]
    found += [(EVERY, route) for route in policies_api("{service}").routes]
    return [row_of(service, route) for service, route in found]


def row_of(service: str, route: Route) -> Row:
    said = f"{route.method} {route.path}"
    words = re.sub(r"\s+", " ", (route.endpoint.__doc__ or "").strip()).replace("|", "/")
    what = re.split(r"(?<=[.;:])\s", words)[0].rstrip(".;:") or route.endpoint.__name__.strip("_").replace("_", " ")
    return Row(service, said, {caller: cell(said, route, caller) for caller in COLUMNS}, what)


def cell(said: str, route: Route, caller: str) -> str:
    if route.access.kind == "public":
        return "yes"
    if route.access.kind == "signed":
        return "own" if caller == Role.customer and said in OWN else "link"
    if caller == NOBODY or not route.access.admits(caller):
        return "no"
    if caller == Role.customer and said not in ANY:
        return "own"
    if caller == Role.agent and said in SELF:
        return "self"
    return "part" if caller == Role.agent and said in PART else "yes"


def tables(rows: list[Row]) -> str:
    """As the page has them, a table for each service."""
    head = "| route | " + " | ".join(COLUMNS) + " | what |\n|---|" + ":-:|" * len(COLUMNS) + "---|"
    services = list(dict.fromkeys(row.service for row in rows))
    return "\n\n".join(
        f"## {service}\n\n" + "\n".join([head, *(row.line() for row in rows if row.service == service)])
        for service in services
    )


def rows_of_page() -> Iterator[Row]:
    """What the page says."""
    service = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            service = line[3:]
        if line.startswith("| `"):
            route, *cells, what = (part.strip() for part in line.strip("| ").split(" | "))
            yield Row(service, route.strip("`"), dict(zip(COLUMNS, cells, strict=True)), what)


def main() -> None:
    words = PAGE.read_text("utf-8").partition("\n## ")[0].rstrip()
    PAGE.write_text(f"{words}\n\n{tables(rows_of_routes())}\n", "utf-8")


if __name__ == "__main__":
    main()
