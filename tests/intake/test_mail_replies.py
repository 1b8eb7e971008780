"""Replies that others collected (kept beside the repository), against what a person left of them."""

from pathlib import Path

import pytest

from services.intake.mail.text import read_text

COLLECTED = Path(__file__).parents[3] / "shared" / "data" / "mail_replies"
FILES = sorted((COLLECTED / "emails").glob("*.txt"))
OTHERWISE = {"forwarded_gmail.txt"}
"""Left out there, kept by us: what was forwarded is the concern."""


@pytest.mark.skipif(not FILES, reason=f"the collection of replies is not at {COLLECTED}")
def test_replies_come_out_as_a_person_would_cut_them() -> None:
    differ = set[str]()
    for file in FILES:
        wanted = (COLLECTED / "trimmed" / file.name).read_text("utf-8")
        if read_text(file.read_text("utf-8"), answering=True).text.rstrip() != wanted.rstrip():
            differ.add(file.name)
    assert differ <= OTHERWISE
