"""Labels as they stand, what waits for a person, and how often people agreed with the machine."""

from collections.abc import Iterator

from contracts.classifier import CaseClassified, ClassificationCorrected, ReviewRequested
from contracts.intake import CaseClosed, CaseOpened
from shared.core.message import Message
from shared.core.projection import Add, Drop, Put, RowOp, Table
from shared.core.views import Views

HEADS = ("topic", "kind", "urgency", "sentiment", "action", "language")


def project(message: Message) -> Iterator[RowOp]:
    match message.event:
        case CaseClassified() as e:
            labels = {head: getattr(e, head) for head in HEADS}
            explained = {
                head: label.model_dump(mode="json", exclude={"words"}, exclude_none=True)
                for head, label in labels.items()
            }
            yield Put(
                "classifications", e.case,
                {**{head: label.value for head, label in labels.items()}, "priority": e.priority, "tags": list(e.tags),
                 "arithmetic": e.arithmetic, "revision": e.revision, "policy": e.policy, "at": message.occurred_at,
                 "labels": explained},
            )  # fmt: skip
            if e.revision == 1 and e.topic.source == "model":
                key = f"{message.occurred_at:%G-W%V}/{e.topic.model}/{e.topic.value}"
                yield Put("agreement", key, {"topic": e.topic.value, "model": e.topic.model})
                yield Add("agreement", key, {"predicted": 1})
        case ReviewRequested() as e:
            top = [scored.model_dump() for scored in e.top]
            yield Put(
                "reviews", f"{e.case}/{e.head}",
                {"case": e.case, "head": e.head, "value": e.value, "score": e.score, "top": top,
                 "since": message.occurred_at},
            )  # fmt: skip
        case CaseOpened() as e:
            yield Put("cases", e.case, {"number": e.number})
        case CaseClosed() as e:
            for head in HEADS:
                yield Drop("reviews", f"{e.case}/{head}")
        case ClassificationCorrected() as e:
            yield Drop("reviews", f"{e.case}/{e.head}")
            if e.head == "topic" and e.model:
                key = f"{message.occurred_at:%G-W%V}/{e.model}/{e.before}"
                yield Put("agreement", key, {"topic": e.before, "model": e.model})
                yield Add("agreement", key, {"confirmed" if e.value == e.before else "corrected": 1})


views = Views(
    {
        "classifications": Table(
            {**dict.fromkeys(HEADS, "text"), "priority": "text", "tags": "json", "arithmetic": "text",
             "revision": "bigint", "policy": "bigint", "at": "timestamptz", "labels": "json"},
        ),
        "reviews": Table(
            {"case": "text", "head": "text", "value": "text", "score": "float", "top": "json", "since": "timestamptz"},
            indexes=("since",),
        ),
        "agreement": Table(
            {"topic": "text", "model": "text", "predicted": "bigint", "confirmed": "bigint", "corrected": "bigint"}
        ),
        "cases": Table({"number": "text"}, indexes=("number",)),
    },
    project,
    (CaseClassified, ReviewRequested, CaseOpened, CaseClosed, ClassificationCorrected),
)  # fmt: skip
