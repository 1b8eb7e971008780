"""HTTP of loyalty: members and their ledgers, spends, grants, purchases and returns, the programme's totals.

A customer's token is named after them or one of their contact points, as in intake; it opens their own account only."""

from typing import Annotated, Any

from fastapi import Query

from contracts.loyalty import (
    ApproveGrant,
    EnrolMember,
    GrantApproved,
    GrantRefused,
    GrantRequested,
    MemberEnrolled,
    PointsSpent,
    RefundSpend,
    RefuseGrant,
    RequestGrant,
    SpendPoints,
    SpendRefunded,
)
from contracts.outside import PurchaseMade, PurchaseReturned
from shared.core.event import Id, Value
from shared.core.message import Role
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.http import Api, Call, roles
from shared.edge.paging import LINKED, Paged
from shared.runtime.outcome import Outcome

from .earning import refuse_ahead
from .policy import Programme
from .schemas import (
    Address,
    Buying,
    Enrolled,
    Granting,
    GrantOut,
    Heard,
    LotOut,
    MemberOut,
    MovementOut,
    ProgrammeOut,
    Refunded,
    Returning,
    Spending,
    Spent,
)

api = Api()
ANYBODY = roles("customer", "agent", "supervisor", "service")
STAFF = roles("agent", "supervisor")
SHOP = roles("service", "supervisor")


@api.post("/v1/members", access=ANYBODY, status=201)
async def enrol(body: Address, call: Call) -> Enrolled:
    """Join the programme with a contact point of a customer whom intake knows."""
    contact, _ = call.contact(body.kind, body.address)
    if call.actor.role == Role.customer and not await _owns(call, contact):
        raise Refused("forbidden", "address", "not a contact point of this token's owner", "enrol with your own", 403)
    joined = (await call.send(EnrolMember(contact=contact))).first(MemberEnrolled)
    assert joined is not None
    return Enrolled(member=joined.member, tier=joined.tier)


@api.get("/v1/members/{member}", access=ANYBODY)
async def member_(member: Id, call: Call) -> MemberOut:
    row = await _member(call, member)
    document = (await _programme(call))[1]
    period = document.period(call.now)
    counted = await call.row("select points from {views}.basis where key = %s", f"{member}/{period}")
    lots = await call.rows(
        "select key as lot, * from {views}.lots where member = %s and state in ('pending', 'active') and \"left\" > 0 "
        "order by expires_at nulls last, earned_at, key",
        member,
    )
    basis, rank = counted["points"] if counted else 0, document.rank(row["tier"])
    above = document.tiers[rank + 1] if rank + 1 < len(document.tiers) else None
    return MemberOut(
        **_of(MemberOut, row), member=member, period=period, basis=basis, next_tier=above.tier if above else None,
        to_next=max(above.from_ - basis, 0) if above else 0, to_stay=max(document.tiers[rank].from_ - basis, 0),
        lots=[LotOut(**_of(LotOut, lot)) for lot in lots],
    )  # fmt: skip


@api.get("/v1/members/{member}/ledger", access=ANYBODY, responses=LINKED)
async def ledger(
    member: Id,
    call: Call,
    page: Paged,
    before: Annotated[int, Query(ge=1, le=2**62)] = 2**62,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[MovementOut]:
    """Movements, newest first; ``before`` the row of the last one read."""
    await _member(call, member)
    query = "select * from {views}.ledger where member = %s and row < %s order by row desc limit %s"
    rows = page.of(await call.rows(query, member, before, limit + 1), limit, lambda row: row["row"], "before")
    return [MovementOut(**_of(MovementOut, row)) for row in rows]


@api.post("/v1/members/{member}/spends", access=ANYBODY, status=201)
async def spend(member: Id, body: Spending, call: Call) -> Spent:
    await _member(call, member)
    spent = (await call.send(SpendPoints(member=member, amount=body.amount, what=body.what))).first(PointsSpent)
    assert spent is not None
    return Spent(spend=spent.spend, amount=spent.amount)


@api.post("/v1/members/{member}/spends/{spend}/refund", access=roles("agent", "supervisor", "service"))
async def refund(member: Id, spend: Id, call: Call) -> Refunded:
    undone = (await call.send(RefundSpend(member=member, spend=spend))).first(SpendRefunded)
    assert undone is not None
    return Refunded(spend=spend, returned=sum(share.amount for share in undone.shares), lost=undone.lost)


@api.post("/v1/cases/{case}/grants", access=STAFF, status=201)
async def grant(case: Id, body: Granting, call: Call) -> GrantOut:
    """Points that make good a bad experience: approved at once within the own limit, otherwise requested."""
    asked = RequestGrant(case=case, severity=body.severity, by=call.actor.name, reason=Personal(body.reason))
    return _grant(await call.send(asked))


@api.post("/v1/grants/{grant}/approve", access=roles("supervisor"))
async def approve(grant: Id, call: Call) -> GrantOut:
    return _grant(await call.send(ApproveGrant(grant=grant, by=call.actor.name)))


@api.post("/v1/grants/{grant}/refuse", access=roles("supervisor"))
async def refuse(grant: Id, call: Call) -> GrantOut:
    return _grant(await call.send(RefuseGrant(grant=grant, by=call.actor.name)))


@api.post("/v1/purchases", access=SHOP, status=202)
async def purchase(body: Buying, call: Call) -> Heard:
    """The shop sold something. A purchase number that is known changes nothing."""
    contact, _ = call.contact(body.kind, body.address)
    made = PurchaseMade(
        contact=contact, purchase=body.purchase, amount=body.amount, currency=body.currency, bought_at=body.bought_at,
        labels=body.labels,
    )  # fmt: skip
    refuse_ahead(made, call.now)
    return Heard(position=(await call.send(made, command=False)).position)


@api.post("/v1/purchases/{purchase}/returns", access=SHOP, status=202)
async def return_(purchase: Id, body: Returning, call: Call) -> Heard:
    """Goods came back, all or in part. A return number that is known changes nothing."""
    row = await call.row("select contact from {views}.purchases where key = %s", purchase)
    if row is None:
        raise Refused(
            "unknown-purchase", "purchase", f"there is no purchase {purchase}", "send the purchase first", 404
        )
    back = PurchaseReturned(contact=row["contact"], purchase=purchase, returned=body.returned, amount=body.amount)
    return Heard(position=(await call.send(back, command=False)).position)


@api.get("/v1/programme", access=STAFF)
async def programme(call: Call) -> ProgrammeOut:
    version, document = await _programme(call)
    totals = await call.row("select * from {views}.totals where key = 'programme'") or {}
    names = ("members", "earned", "active", "pending", "owed", "spent", "expired", "clawed_back", "cancelled")
    counts = {name: totals.get(name) or 0 for name in names}
    liability = (counts["active"] + counts["pending"]) * document.point_value
    return ProgrammeOut(
        **counts, programme=document.programme, version=version, liability=liability, currency=document.currency
    )


async def _member(call: Call, member: str) -> dict[str, Any]:
    """The member's row; for a customer the own one only: somebody else's is not told apart from none."""
    row = await call.row("select * from {views}.members where key = %s", member)
    if row is not None and call.actor.role == Role.customer:
        own = await call.row(
            "select 1 from {views}.customers where member = %s and key = any(%s)", member, await _own(call)
        )
        row = row if own else None
    if row is None:
        raise Refused("unknown-member", "member", f"there is no member {member}", "enrol with POST /v1/members", 404)
    return row


async def _own(call: Call) -> list[str]:
    """The customers that a customer's token stands for."""
    rows = await call.rows("select customer from {views}.contacts where key = %s", call.actor.name)
    return [call.actor.name, *(row["customer"] for row in rows)]


async def _owns(call: Call, contact: str) -> bool:
    row = await call.row("select customer from {views}.contacts where key = %s", contact)
    return contact == call.actor.name or (row is not None and row["customer"] in await _own(call))


async def _programme(call: Call) -> tuple[int, Programme]:
    row = await call.row("select version, document from {views}.policies where key = 'programme'")
    assert row is not None, "the shipped programme is published before HTTP answers"
    return row["version"], Programme.model_validate_json(row["document"])


def _of(model: type[Value], row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in model.model_fields if name in row}


def _grant(outcome: Outcome) -> GrantOut:
    if approved := outcome.first(GrantApproved):
        return GrantOut(grant=approved.grant, state="approved", amount=approved.amount)
    if asked := outcome.first(GrantRequested):
        return GrantOut(grant=asked.grant, state="requested", amount=asked.amount)
    refused = outcome.first(GrantRefused)
    assert refused is not None
    return GrantOut(grant=refused.grant, state="refused", amount=refused.amount, why=refused.why)
