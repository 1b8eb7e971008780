"""What the read models show, and that they agree with the state that the rules have."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.intake import AddNote, ChangeStatus, Confirm, Reopen, Reply
from services.intake.policy import FieldSpec, Form, IntakePolicy
from tests.intake.words import AYSE, POLICY, assigned, case_in, classified, complaint, resolve, with_case, wrote
from tests.scene import Scene


def busy() -> tuple[Scene, str]:
    at, opening = with_case()
    case = opening.case
    at.when(classified(opening))
    at.when(assigned(opening))
    at.later(minutes=5).when(Reply(case=case, contact=AYSE, by="agent:1", text="?", status="waiting_customer"))
    at.when(wrote(case))
    at.when(AddNote(case=case, contact=AYSE, by="agent:1", text="not"))
    at.when(resolve(case))
    at.when(Confirm(case=case, contact=AYSE, solved=False, text="hayır"))
    at.when(resolve(case))
    return at, case


def test_a_row_of_a_case_agrees_with_its_state() -> None:
    at, case = busy()
    row, state = at.tables["cases"][case], case_in(at, case)
    shared = row.keys() & type(state).model_fields.keys()
    assert {c: row[c] for c in shared} == {c: getattr(state, c) for c in shared}
    assert {"version", "category", "reopens", "resolved_at", "first_response_at", "owner"} <= shared


def test_messages_have_their_direction_in_order() -> None:
    at, _ = busy()
    rows = sorted(at.tables["messages"].values(), key=lambda r: r["row"])
    assert [r["direction"] for r in rows] == ["in", "out", "in", "note", "in"]


def test_a_timeline_tells_every_step() -> None:
    at, _ = busy()
    steps = [row["what"] for _, row in sorted(at.tables["timeline"].items())]
    assert steps == [
        "case-opened", "case-classified", "case-assigned", "status-changed", "reply-sent", "status-changed",
        "message-received", "status-changed", "note-added", "case-resolved", "message-received", "case-reopened",
        "case-resolved",
    ]  # fmt: skip


def test_volume_counts_by_day_and_channel() -> None:
    at, _ = busy()
    at.later(days=1).when(complaint())
    assert {k: (r.get("opened"), r.get("received"), r.get("sent")) for k, r in at.tables["volume"].items()} == {
        "2026-10-26/web": (1, 2, 1), "2026-10-27/web": (1, None, None),
    }  # fmt: skip


def test_a_reopened_case_shows_no_end() -> None:
    at, case = busy()
    at.when(Reopen(case=case, by="agent:1"))
    assert (at.tables["cases"][case]["resolved_at"], at.tables["cases"][case]["category"]) == (None, "open")
    assert f"quiet:{case}" not in at.tables["deadlines"]


def test_a_change_of_status_shows_the_companys_name() -> None:
    at, opening = with_case()
    at.when(ChangeStatus(case=opening.case, status="waiting_carrier", by="agent:1"))
    assert at.tables["cases"][opening.case]["status"] == "waiting_carrier"


FORM = Form(
    fields=(
        FieldSpec(name="n", type="number", required=True), FieldSpec(name="d", type="date"),
        FieldSpec(name="c", type="choice", options=("a", "b")), FieldSpec(name="y", type="yes_no"),
        FieldSpec(name="t", max_length=3),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("filled", "wrong"),
    [
        ({"n": "12,5"}, []),
        ({}, ["n"]),
        ({"n": " "}, ["n"]),
        ({"n": "x", "d": "2026-02-30", "c": "z", "y": "evet", "t": "uzun", "u": "1"}, ["u", "n", "d", "c", "y", "t"]),
        ({"n": "1", "d": "2026-02-28", "c": "a", "y": "yes", "t": "kıs"}, []),
    ],
)
def test_a_form_names_every_wrong_field(filled: dict[str, str], wrong: list[str]) -> None:
    assert [p.field for p in FORM.problems(filled)] == wrong


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"statuses": {"done": "resolved", "open": "open", "spam": "spam"}}, "use one of"),
        ({"statuses": {"open": "open"}}, "spam"),
        ({"forms": {}}, "complaint"),
        ({"numbers": {"zone": "Mars/Base"}}, "Europe/Istanbul"),
        ({"recovery_subject": {"en": "{case}"}}, "number"),
        ({"recovery_subject": {"tr": "x"}}, "'en'"),
        ({"recovery_subject": {"en": "{number:>9999999999}"}}, "only {number} can be filled in"),
        ({"recovery_subject": {"en": "{number.__class__}"}}, "only {number} can be filled in"),
        ({"recovery_subject": {"en": "x" * 301}}, "longer than 300 characters"),
        ({"mail": {"loop_window": 10**15}}, "mail.loop_window"),
        ({"mail": {"repeat_within": 2**64}}, "mail.repeat_within"),
        ({"numbers": {"zone": "x" * 5000}}, "Europe/Istanbul"),
        ({"forms": {"complaint": {"fields": [{"name": "a", "type": "choice"}]}}}, "options"),
        ({"forms": {"complaint": {"fields": [{"name": "a"}, {"name": "a"}]}}}, "more than once"),
    ],
)
def test_a_wrong_policy_is_refused_with_a_remedy(change: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        IntakePolicy.model_validate(POLICY.model_dump() | change)
