"""The test trade as declared services: a shop with a policy, a clerk, and an intake that erases at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from contracts.intake import CustomerErased, EraseCustomer
from shared.core.event import Code, Event, Id, State, Value
from shared.core.message import Message
from shared.core.views import Views
from shared.core.world import Decider, World
from shared.edge.http import Api, Call, roles
from shared.host.app import App, Policies
from tests.shared import trade
from tests.shared.trade import OrderPlaced, PlaceOrder

HERE = Path(__file__).parent


class OrderFlagged(Event, topic="shop.order-flagged.v1", stream="order:{order}"):
    order: Id
    rule: Code
    policy: int
    limit: int


class Limits(Value):
    flag_above: Annotated[int, Field(gt=0)]


def take_and_flag(world: World, message: Message) -> Iterator[Event]:
    yield from trade.take_orders(world, message)
    match message.event:
        case PlaceOrder() as e:
            policy = world.policy("limits")
            if e.amount > (limit := policy.document.flag_above):
                yield OrderFlagged(order=e.order, rule="large", policy=policy.version, limit=limit)


class OrderNoted(Event, topic="intake.order-noted.v1", stream="order:{order}"):
    order: Id


class Person(State):
    """A customer, of whom the test's intake keeps nothing."""


def note_and_erase(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case OrderPlaced() as e:
            yield OrderNoted(order=e.order)
        case EraseCustomer() as e:
            yield CustomerErased(
                customer=e.customer, contacts=("ada",), destroyed_at=message.occurred_at, certificate="certificate-1",
                rotation_outstanding=False, regime=e.regime, statement="The keys are destroyed.",
            )  # fmt: skip


api = Api()


@api.post("/v1/customers/{customer}/erase", access=roles("supervisor"))
async def post_erase(customer: str, body: dict[str, str], call: Call) -> dict[str, str]:
    await call.send(EraseCustomer(customer=customer, regime=body["regime"], by=call.actor.name))
    return {}


def nothing(message: Message) -> tuple[()]:
    return ()


shop = App(
    "shop", Decider(trade.STATES, trade.evolve, take_and_flag), trade.SHOP_VIEWS, HERE,
    policies={"limits": Policies(Limits, {"limits": "limits.yaml"})},
)  # fmt: skip
clerk = App("clerk", trade.CLERK, trade.CLERK_VIEWS, HERE, subscribes=(OrderPlaced,))
intake = App(
    "intake",
    Decider({"customer": Person()}, lambda s, m: s, note_and_erase),
    Views({}, nothing),
    HERE,
    subscribes=(OrderPlaced,),
    api=api,
)


def mended(world: Any, message: Message) -> Iterator[Event]:
    """The clerk's rule without what raised."""
    match message.event:
        case OrderPlaced() as e:
            yield trade.OrderPacked(order=e.order, amount=e.amount)
