"""The first administrator: an agent from the start, so that alerts of the shipped queues reach somebody."""

import os
from contextlib import suppress
from pathlib import Path

from shared.base.settings import Settings

from .base import Failed
from .calls import call

ADMINISTRATOR, MAIL_VARIABLE = "admin", "VEFA_ADMIN_MAIL"
"""Subject of the token that ``vefa up`` prints and owner of the shipped queues; where its mails go."""


def register(data: Path) -> None:
    """Once for a data folder; who is registered already stays so. A log that refuses commands is left alone."""
    own_domain = Settings.model_fields["mail_from"].default.rpartition("@")[2]
    domain = os.environ.get("VEFA_MAIL_FROM", "").rpartition("@")[2] or own_domain
    with suppress(Failed):
        if any(agent["agent"] == ADMINISTRATOR for agent in call(data, "router", "GET", "/v1/agents")):
            return
        mail = os.environ.get(MAIL_VARIABLE) or f"{ADMINISTRATOR}@{domain}"
        about = {"name": "Administrator", "mail": mail, "languages": ["tr", "en"], "capacity": 0}
        call(data, "router", "PUT", f"/v1/agents/{ADMINISTRATOR}", about)
