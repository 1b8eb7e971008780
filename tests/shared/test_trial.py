"""Trial decisions: what a batch is going to ask for is found without anything of it being kept."""

from shared.core.message import Message, fresh
from shared.runtime.memory import Held, Memory
from shared.runtime.trial import Trial

from . import trade
from .trade import order


def memory() -> Memory:
    found = Memory(trade.SHOP, trade.SHOP_VIEWS, {})
    for number in range(3):
        found.load(f"order:{number}", Held(0, trade.Order()))
    found.undo.forget()
    return found


def decide(memory: Memory, message: Message) -> None:
    memory.apply(message)
    for event in memory.decider.decide(memory, message):
        memory.apply(fresh(event, trade.NOON))


def test_it_finds_what_each_message_asks_for_and_keeps_nothing() -> None:
    found = memory()
    messages = [order(0), order(1, contact="bob"), order(2)]
    before = dict(found.streams)
    missing = Trial(found, lambda message: decide(found, message)).missing(messages)
    assert list(missing) == ["buyer:ada", "buyer:bob"]
    assert found.streams == before
    assert found.undo.savepoint() == 0


def test_a_rule_that_raises_is_left_to_its_turn() -> None:
    found = memory()

    def raises_at_one(message: Message) -> None:
        if message.event.order == "1":
            raise ZeroDivisionError
        decide(found, message)

    assert list(Trial(found, raises_at_one).missing([order(1), order(2, contact="bob")])) == ["buyer:bob"]
