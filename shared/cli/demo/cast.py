"""Who plays in the demo and with which complaints: read from the two tables beside this file."""

import csv
from dataclasses import dataclass
from pathlib import Path

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
    """Complaints of the user's own: one column of a CSV file. LookupError names the columns that there are."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if column not in (reader.fieldnames or ()):
            raise LookupError(f"{path} has no column {column!r}; it has {', '.join(reader.fieldnames or ())}")
        texts = [row[column].strip() for row in reader if (row[column] or "").strip()]
    if not texts:
        raise LookupError(f"{path}: column {column!r} is empty")
    reply = "We have looked into it and put it right."
    return [Complaint("", "web", "", "negative", "", text[:20_000], reply) for text in texts]
