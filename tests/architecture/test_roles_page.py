"""``docs/roles.md`` says of every route who may come in, and says it right."""

from tests.access import rows_of_page, rows_of_routes

AGAIN = "write the tables of docs/roles.md anew: python -m tests.access"


def test_every_route_has_its_row_and_no_row_is_of_another_day() -> None:
    told, there = list(rows_of_page()), rows_of_routes()
    assert {row.route for row in told} == {row.route for row in there}, AGAIN
    assert len(told) == len(there), AGAIN
    cells = {(row.service, row.route): row.cells for row in told}
    assert [row.route for row in there if cells[row.service, row.route] != row.cells] == [], AGAIN
