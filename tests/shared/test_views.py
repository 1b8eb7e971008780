"""Row operations: what a column takes, and that personal text never gets into a plain one."""

import pytest

from shared.core.event import Value
from shared.core.personal import Personal
from shared.core.projection import Add, Drop, Index, Put, Table, fold
from shared.core.views import Views
from shared.runtime.memory import ResidentRows, Undo
from shared.store.view_sql import create, dump


class Label(Value):
    value: str
    words: tuple[Personal, ...] = ()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_personal_text_is_refused_in_a_plain_column(kind: str) -> None:
    with pytest.raises(TypeError, match="personal"):
        dump(kind, Personal("Ayşe"))


def test_personal_text_within_a_model_is_refused_in_a_json_column() -> None:
    with pytest.raises(TypeError, match="personal"):
        dump("json", {"topic": Label(value="billing", words=(Personal("Ayşe"),))})
    assert dump("json", {"topic": Label(value="billing")}) == '{"topic":{"value":"billing","words":[]}}'


def test_a_personal_column_takes_only_sealed_text() -> None:
    with pytest.raises(TypeError, match="personal column"):
        dump("personal", "Ayşe")


def test_a_fold_puts_adds_and_drops() -> None:
    rows = {}
    fold(rows, [Put("t", "a", {"n": 1}), Add("t", "a", {"n": 2}), Put("t", "b", {"n": 1}), Drop("t", "b")])
    assert rows == {"t": {"a": {"n": 3}}}


def test_an_index_of_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="owned"):
        Table({"owner": "text"}, indexes=(Index(("owner", "key"), where="owned"),))


def test_an_index_is_made_of_its_columns_and_holds_only_rows_with_a_value() -> None:
    views = Views(
        {"desks": Table({"owner": "text"}, indexes=("owner", Index(("owner", "key"), "owner")))}, lambda _: ()
    )
    texts = [statement.as_string(None) for statement in create(views.all_tables(), "s")]
    made = [text for text in texts if '"desks"' in text]
    assert made[1:] == [
        'create index on "s"."desks" ("owner")',
        'create index on "s"."desks" ("owner", "key") where "owner" is not null',
    ]


def test_a_resident_table_is_looked_up_by_the_first_column_of_an_index() -> None:
    table = ResidentRows(Table({"queue": "text", "since": "bigint"}, True, (Index(("queue", "since")),)), Undo())
    table.put("a", {"queue": "general", "since": 1})
    table.put("b", {"queue": "billing", "since": 2})
    assert [key for key, _ in table.where(queue="billing")] == ["b"]
