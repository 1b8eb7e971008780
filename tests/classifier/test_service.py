"""The classifier on its log and over HTTP: labels with their reasons, the review queue, correction by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.classifier.app import app
from tests.serving import Served, served

from .desk import SURE, UNSURE, document, opening

pytestmark = pytest.mark.servers


@pytest_asyncio.fixture
async def classifier(database: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(app, database, tmp_path, {"classification": document()}) as running:
        yield running


async def test_labels_are_told_with_source_score_and_the_sum_of_the_priority(classifier: Served) -> None:
    await classifier.handle(opening(SURE))
    status, said = await classifier("GET", "/v1/cases/one/classification", role="agent")
    assert status == 200
    assert (said["case"], said["topic"], said["labels"]["topic"]["source"]) == ("one", "delivery", "model")
    assert said["arithmetic"].endswith(f"-> {said['priority']}")


async def test_a_person_confirms_what_was_unsure_and_it_leaves_the_queue(classifier: Served) -> None:
    await classifier.handle(opening(UNSURE))
    _, waiting = await classifier("GET", "/v1/reviews")
    assert {row["head"] for row in waiting} >= {"topic"}
    status, said = await classifier(
        "PUT", "/v1/cases/one/classification/topic", {"value": "delivery", "reason": "It is about a parcel"}
    )
    assert (status, said["value"], said["revision"]) == (200, "delivery", 2)
    _, waiting = await classifier("GET", "/v1/reviews")
    assert "topic" not in {row["head"] for row in waiting}
    _, agreed = await classifier("GET", "/v1/agreement")
    assert sum(row["corrected"] or 0 for row in agreed) == 1
    assert await classifier.rebuilt_equal()


@pytest.mark.parametrize(
    ("path", "value", "status", "problem"),
    [
        ("/v1/cases/two/classification/topic", "delivery", 404, "urn:vefa:unknown-case"),
        ("/v1/cases/one/classification/topic", "astrology", 422, "urn:vefa:unknown-value"),
    ],
)
async def test_a_refusal_names_the_field_and_the_remedy(
    classifier: Served, path: str, value: str, status: int, problem: str
) -> None:
    await classifier.handle(opening(SURE))
    code, said = await classifier("PUT", path, {"value": value})
    assert (code, said["type"]) == (status, problem)
    assert said["field"]
    assert said["remedy"]


async def test_who_is_no_staff_sees_nothing(classifier: Served) -> None:
    await classifier.handle(opening(SURE))
    assert (await classifier("GET", "/v1/cases/one/classification", role="customer", name="ada"))[0] == 403
    assert (await classifier("GET", "/v1/reviews", role="service", name="shop"))[0] == 403


async def test_a_case_that_is_heard_twice_is_classified_once(classifier: Served) -> None:
    await classifier.handle(opening(SURE), opening(SURE))
    _, said = await classifier("GET", "/v1/cases/one/classification")
    assert said["revision"] == 1
