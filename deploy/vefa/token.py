"""``vefa token``: make tokens for the HTTP interfaces, and revoke them."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import jwt
import typer

from deploy.vefa.local import secret
from shared.core.message import Role
from shared.edge.tokens import create, public_key, read

from .base import DATA, AsJson, Data, Failed, opened, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Tokens for the HTTP interfaces")
ID = re.compile(r"[\w:.@~/+-]{1,128}")
KEEPER = "intake"
"""The service whose database role may write what is revoked."""


@app.command("create")
def token_create(
    role: Annotated[Role, typer.Option(help="What the holder may do")],
    subject: Annotated[str, typer.Option(help="Id of an agent, a customer or a contact point, or name of a system")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid")] = 30,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Make a token."""
    if not ID.fullmatch(subject):
        raise typer.BadParameter(
            f"{subject!r} is no id; use letters, digits and . _ : @ ~ / + -", param_hint="--subject"
        )
    seed = _seed(data)
    text = create(seed, role, subject, timedelta(days=days))
    claims = read(public_key(seed), text)
    if as_json:
        until = datetime.fromtimestamp(claims["exp"], UTC)
        print_json({"token": text, "role": role.value, "subject": subject, "id": claims["jti"], "valid_until": until})
    else:
        print(text)


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="A token, or its id")] = "",
    subject: Annotated[str, typer.Option(help="Revoke every token that this agent, customer or system has")] = "",
    reason: Annotated[str, typer.Option(help="Why, for those who look back")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Revoke one token, or all that somebody has until now; every process refuses it within 5 s."""
    if bool(token) == bool(subject):
        raise typer.BadParameter("give a token (or its id), or --subject, and not both", param_hint="TOKEN")
    key = f"sub:{subject}" if subject else _id(token, _seed(data))
    at = datetime.now(UTC)

    async def write() -> None:
        async with opened(data, KEEPER) as logs:
            await logs.vault_of(KEEPER).revoke(key, at, reason or "vefa token revoke")

    asyncio.run(write())
    if as_json:
        print_json({"revoked": key, "at": at})
    else:
        print(f"Revoked {key}; every process refuses it within 5 s.")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """What is revoked."""

    async def found() -> list[tuple[str, datetime, str]]:
        async with opened(data, KEEPER) as logs:
            return await logs.vault_of(KEEPER).all_revoked()

    rows = asyncio.run(found())
    if as_json:
        print_json([{"revoked": token, "at": at, "reason": by} for token, at, by in rows])
        return
    print_table("Revoked", ("token id or subject", "at", "reason"), rows)


def _seed(data: Path) -> bytes:
    """The key that signs tokens. One that is made here would sign tokens that no service takes."""
    if not (data / "secrets" / "token.key").exists():
        raise Failed(f"--data: {data} holds no platform; give its folder, or start one with: vefa up --data {data}")
    return secret(data.absolute(), "token.key")


def _id(token: str, seed: bytes) -> str:
    if token.count(".") != 2:
        return token
    try:
        return str(read(public_key(seed), token)["jti"])
    except jwt.ExpiredSignatureError:
        raise typer.BadParameter("this token is out of date already", param_hint="TOKEN") from None
    except jwt.InvalidTokenError:
        raise typer.BadParameter("this token is not one of this platform's", param_hint="TOKEN") from None
