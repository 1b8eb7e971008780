"""A case that an agent writes down for a customer is that agent's, where the policy says so."""

import pytest

from contracts.router import CaseAssigned, CaseQueued

from .desk import Desk


def owners(said: list[object]) -> list[str]:
    return [e.agent for e in said if isinstance(e, CaseAssigned)]


def test_who_writes_a_case_down_owns_it() -> None:
    desk = Desk()
    desk.hire("ada", "delivery"), desk.hire("bora", "money")
    said = desk.opened("c1", by="ada", channel="phone").classified("c1", "billing")
    [assigned] = [e for e in said if isinstance(e, CaseAssigned)]
    assert (assigned.agent, assigned.how, assigned.why) == ("ada", "taken", "written down by the agent")
    assert [e.queue for e in said if isinstance(e, CaseQueued)] == ["billing"]


def test_also_when_there_is_no_room_left_for_others() -> None:
    desk = Desk()
    desk.hire("ada", "money", capacity=1)
    desk.classified("c1")
    assert owners(desk.opened("c2", by="ada").classified("c2")) == ["ada"]


@pytest.mark.parametrize("writer", ["supervisor-who-is-no-agent", "bora"])
def test_a_writer_who_is_not_there_owns_nothing(writer: str) -> None:
    desk = Desk()
    desk.hire("ada", "money"), desk.hire("bora", "money", here=False)
    assert owners(desk.opened("c1", by=writer).classified("c1")) == ["ada"]


def test_a_case_that_nobody_wrote_down_goes_its_usual_way() -> None:
    desk = Desk()
    desk.hire("ada", "money")
    assert owners(desk.opened("c1").classified("c1")) == ["ada"]


def test_a_case_that_was_released_does_not_come_back_by_itself() -> None:
    desk = Desk()
    desk.hire("ada", "delivery"), desk.hire("bora", "money")
    desk.opened("c1", by="ada").classified("c1")
    desk.releases("ada", "c1")
    desk.classified("c1", "billing", "high")
    assert desk.memory["case:c1"].owner == "bora"


def test_the_policy_may_say_otherwise() -> None:
    desk = Desk(writer_owns=False)
    desk.hire("ada", "delivery"), desk.hire("bora", "money")
    assert owners(desk.opened("c1", by="ada").classified("c1")) == ["bora"]


def test_spam_is_nobodys() -> None:
    desk = Desk()
    desk.hire("ada", "money")
    assert owners(desk.opened("c1", by="ada").classified("c1", tags=("spam",))) == []
