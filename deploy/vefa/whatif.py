"""``vefa what-if``: past decisions taken again with another policy document."""

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from shared.audit.logs import Logs, Seen
from shared.runtime import whatif

from .audit import bar
from .base import DATA, AsJson, Data, app_of, console, opened, print_json, print_table
from .documents import read

app = typer.Typer()
PAGE = 2000


@app.command("what-if")
def what_if(
    service: Annotated[str, typer.Argument(help="Name of a service")],
    policy: Annotated[Path, typer.Option("--policy", help="The other document, YAML or JSON")],
    name: Annotated[str, typer.Option("--name", help="Its name; needed when the service has several")] = "",
    examples: Annotated[int, typer.Option(min=0, help="How many differing decisions to show")] = 10,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Take each past decision of a service again with another policy: which differ, and how clocks would have run."""
    app_ = app_of(service)
    found = read(app_, policy, name, "--policy")
    parsers, documents = app_.document_parsers(), {found.name: found.document}
    again = whatif.Again(app_.decider, app_.views, parsers, documents, examples=examples)
    course = whatif.Course(service, app_.decider, app_.views, parsers, documents)

    async def run() -> None:
        async with opened(data, service) as logs:
            with bar(f"what-if {service}", (await logs[service].head()).position) as advance:
                async for heard in heard_of(logs, service):
                    again.handle(heard)
                    course.handle(heard)
                    advance(heard.message.row)

    asyncio.run(run())
    result = again.result
    if as_json:
        print_json(_as_data(found.name, result, course))
        return
    console.print(
        f"{result.decisions} decisions of {service} were taken again with {policy} as {found.name}:"
        f" {result.differing} differ, {result.erased} could not be taken again because their texts are erased."
    )
    if result.changes:
        columns = ("event", "what comes out otherwise", "decisions")
        rows = [(topic, field or "whether it is said", n) for (topic, field), n in result.changes.most_common()]
        print_table("In what they differ", columns, rows)
        print_table(
            "Examples", ("position", "heard", "on", "event", "field", "really", "otherwise"),
            [
                (
                    d.message.row, d.message.event.TOPIC, d.message.event.stream, c.topic, c.field, c.really,
                    d.error or c.otherwise,
                )
                for d in result.examples
                for c in d.changes
            ],
        )  # fmt: skip
    if moved := [(t, course.really[t], course.otherwise[t]) for t in _topics(course)]:
        print_table("The whole course", ("event", "really", "otherwise"), moved)
    for claim in whatif.CLAIMS:
        console.print(f"- {claim}", highlight=False)


def _topics(course: whatif.Course) -> list[str]:
    topics = sorted(course.really.keys() | course.otherwise.keys())
    return [t for t in topics if course.really[t] != course.otherwise[t]]


def _as_data(name: str, result: whatif.Comparison, course: whatif.Course) -> dict[str, Any]:
    return {
        "policy": name, "decisions": result.decisions, "differing": result.differing, "erased": result.erased,
        "changes": [{"topic": t, "field": f, "decisions": n} for (t, f), n in result.changes.most_common()],
        "examples": [
            {
                "id": d.message.id, "position": d.message.row, "topic": d.message.event.TOPIC,
                "stream": d.message.event.stream, "error": d.error,
                "changes": [
                    {"topic": c.topic, "field": c.field, "really": c.really, "otherwise": c.otherwise}
                    for c in d.changes
                ],
            }
            for d in result.examples
        ],
        "course": {
            "refused": course.refused, "raised": course.raised,
            "said": {t: {"really": course.really[t], "otherwise": course.otherwise[t]} for t in _topics(course)},
        },
        "claims": whatif.CLAIMS,
    }  # fmt: skip


async def heard_of(logs: Logs, service: str) -> AsyncIterator[whatif.Heard]:
    """Each message that a log heard together with the rows that were said because of it."""
    after, group, back, opens = 0, list[Seen](), set[UUID](), app_of(service).opened_topics()
    while rows := await logs[service].rows(after, PAGE):
        for seen in await logs.open(service, rows):
            if group and not (seen.row.said and seen.message.causation == group[0].row.event_id):
                yield _heard(group, opens, back)
                group = []
            group.append(seen)
            if seen.message.recovered:
                back.add(seen.message.causation)
        after = rows[-1].id
    if group:
        yield _heard(group, opens, back)


def _heard(group: list[Seen], opens: Collection[str], back: Collection[UUID]) -> whatif.Heard:
    """``opens``: topics whose texts the rules read when another log says them; whatever came from outside is opened.
    ``back``: causes of what was brought back after a restore."""
    first, *said = group
    read = not first.message.source or first.row.topic in opens
    erased = any(seen.erased for seen in (group if read else said))
    answered = not said and first.row.event_id in back
    return whatif.Heard(first.message, tuple(s.message for s in said), bool(first.notes.parked), erased, answered)
