"""What the locked packages are allowed to be, and what we use of them that they do not promise."""

import inspect
import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.subscription import Subscription
from nats.js.client import JetStreamContext

ROOT = Path(__file__).parents[2]
LOCKED = sorted(
    package["name"]
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    if "registry" in package["source"]
)
COPYLEFT = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|GNU (Lesser|Library) General Public( License)?", re.IGNORECASE)


def licences(name: str) -> str:
    """All that a package's metadata says of its licence; the text of a licence counts by its first line."""
    found = distribution(name).metadata
    first_lines = [text.strip().partition("\n")[0] for text in found.get_all("License") or ()]
    classifiers = [c for c in found.get_all("Classifier") or () if c.startswith("License ::")]
    return "; ".join([*first_lines, *(found.get_all("License-Expression") or ()), *classifiers])


@pytest.mark.parametrize("name", LOCKED)
def test_no_locked_package_is_under_the_gpl_or_agpl(name: str) -> None:
    try:
        said = licences(name)
    except PackageNotFoundError:
        pytest.skip("not installed on this system")
    assert said or (distribution(name).files and any("LICEN" in str(f).upper() for f in distribution(name).files or ()))
    assert not COPYLEFT.search(LESSER.sub("", said)), said


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("MIT", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("LGPL-3.0-only", True),
        ("GPL-3.0-or-later", False),
        ("License :: OSI Approved :: GNU Affero General Public License v3", False),
        ("AGPLv3", False),
    ],
)
def test_the_check_of_licences_tells_them_apart(said: str, allowed: bool) -> None:
    assert bool(COPYLEFT.search(LESSER.sub("", said))) is not allowed


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (BatchPullStreamSubscriber, "_consume_pull"),
        (JetStreamContext.PullSubscription, "fetch"),
        (JetStreamContext, "is_status_msg"),
        (Subscription, "next_msg"),
    ],
)
def test_what_the_bus_overrides_or_calls_is_still_there(owner: type, name: str) -> None:
    assert callable(getattr(owner, name))


@pytest.mark.parametrize("attribute", ["_sub", "_nms", "_deliver", "_nc"])
def test_what_the_bus_reads_of_a_pull_subscription_is_still_there(attribute: str) -> None:
    assert f"self.{attribute} =" in inspect.getsource(JetStreamContext.PullSubscription)


def test_what_the_bus_reads_of_a_subscription_is_still_there() -> None:
    assert "self._pending_queue" in inspect.getsource(Subscription)
