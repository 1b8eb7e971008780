"""HTTP of notification: what was sent and why not, sending again, what a recipient wants, how a mail will look."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from contracts.intake import CaseOpened
from contracts.notification import ChangePreferences, NoticeQueued, PreferenceChanged, Redeliver
from shared.core.calendar import Calendar, zone_names
from shared.core.event import Code, Id
from shared.core.vocabulary import Language
from shared.core.world import Refused
from shared.edge.http import Api, Call, roles
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, known

from .content import Reader, reader, write
from .policy import Templates, Word
from .web import routes

api = Api(routes.api.routes, routes.PAGES.static)
DESK = roles("agent", "supervisor", "service")


class Notice(BaseModel):
    """A notice as it stands."""

    model_config = ConfigDict(populate_by_name=True)

    notice: Id
    state: Literal["queued", "failed", "sent", "given-up", "withheld", "bounced"]
    reason: str | None
    template: str
    contact: str
    case: str | None
    cause: str
    cause_topic: str
    channel: str | None
    language: str | None
    message: str | None
    attempts: int
    queued_at: datetime | None
    not_before: datetime | None
    not_after: datetime | None
    next_attempt: datetime | None
    settled_at: datetime | None
    copies: tuple[Id, ...] = ()
    not_copied: tuple[Id, ...] = ()

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Notice":
        empty = {"attempts": 0, "copies": (), "not_copied": ()}
        return cls(notice=row["key"], **{**row, **{name: row[name] or value for name, value in empty.items()}})


def _zone(zone: str) -> str:
    Calendar.always(zone)
    return zone


Zone = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "enum": sorted(zone_names())})]


class Preferences(BaseModel):
    """All that a recipient wants; what is left out is unset."""

    language: Language | None = None
    muted: tuple[Code, ...] = ()
    zone: Zone | None = None


class Preview(BaseModel):
    """Which template, in which language, about which case."""

    template: Code
    language: Word
    case: Id


class Previewed(BaseModel):
    """The mail as it would be; links are not signed."""

    subject: str
    text: str
    html: str


@api.get("/v1/notices", access=DESK, also=(404,), responses=LINKED)
async def notices(case: Id, call: Call, page: Paged, after: After = None, limit: Limit = USUAL) -> list[Notice]:
    """The notices about a case, oldest first."""
    since, place = "", list[Any]()
    if after is not None:
        query = 'select coalesce(queued_at, settled_at) as at, key from {views}.notices where key = %s and "case" = %s'
        since = " and (coalesce(queued_at, settled_at), key) > (%s, %s)"
        place = list(known(await call.row(query, after, case)).values())
    rows = await call.rows(
        f'select * from {{views}}.notices where "case" = %s{since}'  # noqa: S608
        " order by coalesce(queued_at, settled_at), key limit %s", case, *place, limit + 1,
    )  # fmt: skip
    return [Notice.of(row) for row in page.of(rows, limit, lambda row: row["key"])]


@api.get("/v1/notices/{notice}", access=DESK)
async def notice(notice: Id, call: Call) -> Notice:
    row = await call.row("select * from {views}.notices where key = %s", notice)
    if row is None:
        raise Refused("unknown-notice", "notice", "there is no such notice", "see GET /v1/notices?case=", 404)
    return Notice.of(row)


@api.post("/v1/notices/{notice}/redeliver", access=roles("agent", "supervisor"), status=202)
async def redeliver(notice: Id, call: Call) -> dict[str, Any]:
    """Try again what was given up."""
    outcome = await call.send(Redeliver(notice=notice, by=call.actor.name))
    queued = outcome.first(NoticeQueued)
    return {"notice": notice, "not_before": queued.not_before if queued else None}


@api.put("/v1/preferences/{contact}", access=roles("agent", "supervisor", "service"))
async def prefer(contact: Id, body: Preferences, call: Call) -> Preferences:
    """Set what a recipient wants, all of it."""
    outcome = await call.send(ChangePreferences(contact=contact, **body.model_dump()))
    changed = outcome.first(PreferenceChanged)
    return Preferences.model_validate(changed.model_dump()) if changed else body


@api.get("/v1/preferences/{contact}", access=roles("agent", "supervisor", "service"))
async def preferences(contact: Id, call: Call) -> Preferences:
    row = await call.row("select language, muted, zone from {views}.preferences where key = %s", contact)
    return Preferences.model_validate(row or {})


@api.post("/v1/templates/preview", access=roles("supervisor"))
async def preview(body: Preview, call: Call) -> Previewed:
    """How the template in force looks about the newest event of a real case."""
    policy: Templates = call.service.memory.policy("templates").document
    rule = policy.rule(body.template)
    if rule is None:
        known = ", ".join(r.template for r in policy.rules)
        raise Refused("unknown-template", "template", f"no template {body.template!r}", f"known are {known}", 404)
    stream = await call.service.log.stream(f"case:{await call.case(body.case)}")
    rows = [row for row in stream if row.topic == rule.event]
    if not rows:
        remedy = "choose a case in which that happened"
        raise Refused("no-such-event", "case", f"the case has no {rule.event}", remedy, 404)
    [message] = await call.service.open(rows[-1:])
    opening = await call.service.open([row for row in stream if row.topic == CaseOpened.TOPIC][:1])
    contact = getattr(message.event, "contact", None)
    known_reader = await reader(call, contact) if contact and rule.recipient == "contact" else None
    to = known_reader or Reader(contact or "agent:preview", "mail", "", None)
    opened = opening[0].event if opening else None
    mail = await write(call, policy, rule, body.language, message.event, to, opened=opened, real=False)
    return Previewed(subject=mail.subject, text=mail.text, html=mail.html)
