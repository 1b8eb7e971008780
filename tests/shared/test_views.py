"""Row operations: what a column takes, and that personal text never gets into a plain one."""

import pytest

from shared.core.event import Value
from shared.core.personal import Personal
from shared.core.projection import Add, Drop, Put, fold
from shared.store.view_sql import dump


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
