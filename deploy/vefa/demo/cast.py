"""Who plays in the demo and with which complaints: read from the two tables beside this file."""

import csv
from dataclasses import dataclass
from pathlib import Path

from deploy.vefa.base import Failed

FOLDER = Path(__file__).parent
TEAMS = {
    "billing": ("money", "general"), "delivery": ("delivery", "general"), "technical": ("technical", "general"),
    "care": ("care", "privacy", "sales", "general"),
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A customer, an agent or a supervisor."""

    name: str
    role: str
    language: str
    team: str
    skills: tuple[str, ...]
    local: str

    @property
    def id(self) -> str:
        return self.local.replace("-", ".")

    @property
    def mail(self) -> str:
        return f"{self.local}@{'customers' if self.role == 'customer' else 'desk'}.example"


@dataclass(frozen=True)
class Complaint:
    """What somebody complains about, and what an agent answers."""

    language: str
    channel: str
    topic: str
    sentiment: str
    subject: str
    text: str
    reply: str


def people() -> list[Person]:
    with (FOLDER / "people.csv").open(encoding="utf-8", newline="") as file:
        return [
            Person(r["name"], r["role"], r["language"], r["team"], tuple(r["skills"].split()), r["email_local"])
            for r in csv.DictReader(file)
        ]


def complaints() -> list[Complaint]:
    with (FOLDER / "complaints.csv").open(encoding="utf-8", newline="") as file:
        return [
            Complaint(r["language"], r["channel"], r["topic"], r["sentiment"], r["subject"], r["text"], r["reply"])
            for r in csv.DictReader(file)
        ]


def foreign(path: Path, column: str) -> list[Complaint]:
    """Complaints of the user's own: one column of a CSV file, separated by commas, semicolons or tabs.

    Raises Failed with the option, what is wrong there, and what helps."""
    lines = _lines(path)
    separator = max(",;\t", key=lines[0].count) if lines else ","
    reader = csv.DictReader(lines, delimiter=separator)
    try:
        there = reader.fieldnames or ()
        if column not in there:
            has = f"it has {', '.join(there)}" if there else "it is empty; give one whose first line names its columns"
            raise Failed(f"--text: {path} has no column {column!r}; {has}")
        texts = [row[column].strip() for row in reader if (row[column] or "").strip()]
    except csv.Error as e:
        raise Failed(f"--from: {path}, after line {reader.line_num}: {e}; correct it there") from e
    if not texts:
        raise Failed(f"--text: column {column!r} of {path} is empty; choose another")
    reply = "We have looked into it and put it right."
    return [Complaint("", "web", "", "negative", "", text[:20_000], reply) for text in texts]


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel writes a BOM
            return list(file)
    except OSError as e:
        raise Failed(f"--from: {path} cannot be read: {e.strerror}; give a CSV file") from e
    except UnicodeDecodeError as e:
        raise Failed(f"--from: {path} is not UTF-8 (byte {e.start}); save it as 'CSV UTF-8'") from e
