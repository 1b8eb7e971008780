"""What is checked of every answer beside what schemathesis checks itself, see ``schemathesis.toml``."""

from typing import Any

import schemathesis

PROBLEM = "application/problem+json"
FORM = ("urn:vefa:invalid", "urn:vefa:unknown-parameter", "urn:vefa:unreadable", "urn:vefa:unsupported")


@schemathesis.check
def in_form_is_never_out_of_form(ctx: Any, response: schemathesis.Response, case: "schemathesis.Case[Any]") -> None:
    """What the description allows is not refused for its form: then the description would not be true."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    if response.headers.get("content-type", [""])[0] != PROBLEM:
        return
    said = response.json()
    wrong = [
        f for f in said.get("fields", [{"text": ""}]) if "lies outside of" not in f["text"]
    ]  # years: no format has
    if said["type"] in FORM and wrong:
        raise AssertionError(f"the description allows it, the service does not: {response.text}")


@schemathesis.check
def a_problem_helps(ctx: Any, response: schemathesis.Response, case: "schemathesis.Case[Any]") -> None:
    """A refusal says what to do, and shows nothing of the inside."""
    if response.status_code >= 400 and response.headers.get("content-type", [""])[0] == PROBLEM:
        said = response.json()
        assert said["remedy"], said
        assert said["status"] == response.status_code, said
    assert "Traceback" not in (response.text or "")
