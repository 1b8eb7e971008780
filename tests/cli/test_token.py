"""How long a token is valid."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.vefa.local import secret
from shared.edge import tokens

from .conftest import run


@pytest.mark.parametrize(("option", "days"), [("", 30), ("--days 1", 1), ("--days 3650", 3650)])
def test_a_token_is_valid_for_as_many_days_as_asked(
    option: str, days: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)
    seed = secret(tmp_path, "token.key")
    command = f"token create --role agent --subject ece --json --data {tmp_path} {option}"
    assert run(*command.split()) == 0
    told = json.loads(capsys.readouterr().out)
    claims = tokens.read(tokens.public_key(seed), told["token"])
    assert claims["exp"] - claims["iat"] == timedelta(days=days).total_seconds()
    assert datetime.fromisoformat(told["valid_until"]) == datetime.fromtimestamp(claims["exp"], UTC)
