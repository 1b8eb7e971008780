"""A small trade for tests of the kernel: a shop takes orders and says so; a clerk hears them and packs, each clerk
one at a time; a courier hears both."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.core.event import Event, Id, State
from shared.core.facts import DeadlineReached
from shared.core.message import Actor, Message, fresh
from shared.core.personal import Personal
from shared.core.projection import Add, Drop, Put, RowOp, Table, arm
from shared.core.views import Views
from shared.core.world import Decider, Refused, World
from shared.privacy.vault import Vault
from shared.runtime.rules import Rules
from shared.runtime.service import Service
from shared.store.codec import Envelope, to_wire
from shared.store.event_log import EventLog

NOON = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)


class PlaceOrder(Event, topic="to.shop.place-order.v1", stream="order:{order}", also=("buyer:{contact}",)):
    order: Id
    contact: Id
    text: Personal
    amount: int = 1


class OrderPlaced(Event, topic="shop.order-placed.v1", stream="order:{order}", also=("buyer:{contact}",)):
    order: Id
    contact: Id
    text: Personal
    amount: int
    nth: int


class OrderStale(Event, topic="shop.order-stale.v1", stream="order:{order}"):
    order: Id


class OrderPacked(Event, topic="clerk.order-packed.v1", stream="order:{order}"):
    order: Id
    amount: int


class HurryOrder(Event, topic="to.clerk.hurry-order.v1", stream="order:{order}"):
    order: Id


class OrderHurried(Event, topic="clerk.order-hurried.v1", stream="order:{order}"):
    order: Id


class Order(State):
    placed: int = 0
    packed: int = 0


class Buyer(State):
    orders: int = 0


def evolve(state: Any, message: Message) -> Any:
    match state, message.event:
        case Order(), OrderPlaced():
            return state.model_copy(update={"placed": state.placed + 1})
        case Order(), OrderPacked():
            return state.model_copy(update={"packed": state.packed + 1})
        case Buyer(), OrderPlaced():
            return state.model_copy(update={"orders": state.orders + 1})
    return state


def take_orders(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case PlaceOrder() as e:
            if world[e.stream].placed:
                raise Refused("placed", "order", f"order {e.order} was placed", "choose another number")
            nth = world[f"buyer:{e.contact}"].orders + 1
            yield OrderPlaced(order=e.order, contact=e.contact, text=e.text, amount=e.amount, nth=nth)
        case DeadlineReached() as e:
            yield OrderStale(order=e.of.removeprefix("order:"))


def pack(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case OrderPlaced(amount=13):
            raise ZeroDivisionError("unlucky")
        case OrderPlaced() as e:
            yield OrderPacked(order=e.order, amount=e.amount)
        case HurryOrder() as e:
            yield OrderHurried(order=e.order)


def shop_rows(message: Message) -> Iterable[RowOp]:
    match message.event:
        case OrderPlaced() as e:
            yield Put("orders", e.order, {"text": e.text, "amount": e.amount, "nth": e.nth, "at": message.occurred_at})
            yield Add("totals", "all", {"orders": 1, "amount": e.amount})
            yield arm(message, e.order, e.stream, "stale", message.occurred_at + timedelta(hours=1))
        case OrderStale() as e:
            yield Put("orders", e.order, {"stale": True})


def clerk_rows(message: Message) -> Iterable[RowOp]:
    match message.event:
        case OrderPlaced() as e:
            yield Put("bench", e.order, {"amount": e.amount})
        case OrderPacked() as e:
            yield Drop("bench", e.order)
            yield Add("packed", "all", {"orders": 1, "amount": e.amount})


STATES = {"order": Order(), "buyer": Buyer()}
SHOP = Decider(STATES, evolve, take_orders)
CLERK = Decider(STATES, evolve, pack)
ORDERS = Table({"text": "personal", "amount": "bigint", "nth": "bigint", "at": "timestamptz", "stale": "bool"})
SHOP_VIEWS = Views({"orders": ORDERS, "totals": Table({"orders": "bigint", "amount": "bigint"})}, shop_rows)
CLERK_VIEWS = Views(
    {
        "bench": Table({"amount": "bigint"}, resident=True, indexes=("amount",)),
        "packed": Table({"orders": "bigint", "amount": "bigint"}),
    },
    clerk_rows,
)
COURIER = Decider(STATES, evolve, lambda world, message: ())
COURIER_VIEWS = Views({}, lambda message: ())


def service(rules: Rules, log: EventLog, vault: Vault, *, tracer: Any = None, batch: int = 500, **more: Any) -> Service:
    """``more``: what is other in the rules."""
    return Service(replace(rules, **more), log, vault, tracer=tracer, batch=batch)


def shop(log: EventLog, vault: Vault, decider: Decider = SHOP, **options: Any) -> Service:
    return service(Rules("shop", decider, SHOP_VIEWS), log, vault, **options)


def clerk(log: EventLog, vault: Vault, decider: Decider = CLERK, **options: Any) -> Service:
    rules = Rules("clerk", decider, CLERK_VIEWS, subscribes=[("shop", OrderPlaced.TOPIC)])
    return service(rules, log, vault, **options)


def courier(log: EventLog, vault: Vault, **options: Any) -> Service:
    """Hears what the shop says and what the clerk says because of it, and says nothing."""
    hears = [("shop", OrderPlaced.TOPIC), ("clerk", OrderPacked.TOPIC), ("clerk", OrderHurried.TOPIC)]
    return service(Rules("courier", COURIER, COURIER_VIEWS, subscribes=hears), log, vault, **options)


def order(number: object, *, at: datetime = NOON, id: Any = None, **fields: Any) -> Message:
    """A command that places an order."""
    values = {"order": str(number), "contact": "ada", "text": f"please wrap number {number}", **fields}
    return fresh(PlaceOrder(**values), at, id=id or uuid4(), actor=Actor("customer", "ada"), command=True)


async def said_by(service: Service, after: int = 0) -> list[Envelope]:
    """What a service said, as it travels."""
    rows = await service.log.rows(after, 10_000, said=True)
    return [Envelope.parse(to_wire(service.name, row).body, NOON) for row in rows]
