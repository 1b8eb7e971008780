"""A log as a file: a script without any of our code takes it for whole, and finds each byte and row that is not as it
was."""

import base64
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from deploy.vefa.log_file import end_of, header_of, line_of
from shared.core.facts import EpochBegan
from shared.store.rows import GENESIS, Recorded, chain
from tests.running import ROOT
from tests.shared.trade import NOON, order

from .conftest import Platform

SCRIPT = ROOT / "deploy" / "verify_log.py"


def _verify() -> Callable[..., str]:
    spec = importlib.util.spec_from_file_location("verify_log", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., str] = module.verify
    return found


verify = _verify()


def rows(*positions: int, epoch: int = 0) -> list[Recorded]:
    """Chained rows at these positions; at ``epoch`` stands the row of a new one."""
    made, previous, before = [], GENESIS, 0
    for at in positions:
        topic, state = "shop.order-placed.v1", f'{{"order":"{at}","text":"Şikâyet 💬"}}'.encode()
        if at == epoch:
            lost = EpochBegan(epoch=2, restored_to=before, lost_from=before + 1, lost_to=at - 1)
            topic, state = EpochBegan.TOPIC, lost.model_dump_json().encode()
        row = Recorded(
            id=at, originator_id=f"order:{at}", originator_version=0, topic=topic, state=state,
            event_id=UUID(int=at), metadata=b'{"actor":"customer:ada"}', recorded_at=NOON + timedelta(microseconds=at),
            said=True,
        )  # fmt: skip
        previous = chain(previous, row)
        object.__setattr__(row, "hash", previous)
        made, before = [*made, row], at
    return made


def lines(made: list[Recorded]) -> list[bytes]:
    found = [header_of("shop"), *map(line_of, made)]
    digest = sha256(b"".join(found)).hexdigest()
    return [*found, end_of(len(made), made[-1].id if made else 0, made[-1].hash if made else b"", digest)]


def ended_anew(found: list[bytes]) -> list[bytes]:
    """With a last line that fits again, as who changes a file on purpose would write it."""
    kept = [json.loads(line) for line in found[1:-1]]
    last = kept[-1] if kept else {"position": 0, "hash": ""}
    digest = sha256(b"".join(found[:-1])).hexdigest()
    return [*found[:-1], end_of(len(kept), last["position"], bytes.fromhex(last["hash"]), digest)]


def refused(file: Path, content: list[bytes] | bytes, head: str = "") -> str:
    file.write_bytes(content if isinstance(content, bytes) else b"".join(content))
    with pytest.raises(SystemExit) as ended:
        verify(str(file), head)
    return str(ended.value)


def accepted(file: Path, content: list[bytes], head: str = "") -> str:
    file.write_bytes(b"".join(content))
    return verify(str(file), head)


def test_the_script_is_short_and_needs_nothing_of_ours() -> None:
    source = SCRIPT.read_text()
    assert len(source.splitlines()) <= 60
    imported = {line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imported <= set(sys.stdlib_module_names)
    assert "assert " not in source, "python -O would leave them out"


def test_a_true_log_is_whole_also_an_empty_one_and_over_an_epoch(tmp_path: Path) -> None:
    file = tmp_path / "log"
    assert "whole: 3 rows up to 3," in accepted(file, lines(rows(1, 2, 3)))
    assert "whole: 0 rows" in accepted(file, lines([]))
    jumped = rows(1, 2, 9, 10, epoch=9)
    assert "whole: 4 rows up to 10," in accepted(file, lines(jumped), jumped[1].hash.hex())


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    file, content = tmp_path / "log", b"".join(lines(rows(1, 2, 5, epoch=5)))
    for at in range(len(content)):
        for bit in (0x01, 0x20, 0x80):  # the second makes a small letter of a capital, in a hexadecimal number too
            changed = bytearray(content)
            changed[at] ^= bit
            assert refused(file, bytes(changed)), (at, bit)


@pytest.mark.parametrize("field", ["stream", "topic", "state", "id", "metadata", "version", "recorded_at", "said"])
def test_a_field_that_was_changed_is_found_although_the_last_line_fits(tmp_path: Path, field: str) -> None:
    found = lines(rows(1, 2, 3))
    row = json.loads(found[2])
    others = {"said": False, "id": str(UUID(int=7)), "state": base64.b64encode(b"{}").decode(), "metadata": ""}
    row[field] = others.get(field, row[field] + (1 if isinstance(row[field], int) else "x"))
    found[2] = (json.dumps(row, separators=(",", ":")) + "\n").encode()
    assert "line 3: row 2 changed, or one before it did" in refused(tmp_path / "log", ended_anew(found))


def test_rows_that_are_deleted_inserted_repeated_or_swapped_are_found_although_the_last_line_fits(
    tmp_path: Path,
) -> None:
    head, one, two, three, end = lines(rows(1, 2, 3))
    other = line_of(rows(1, 2, 3, 4)[3])
    for changed in (
        [head, two, three, end], [head, one, three, end], [head, one, three, two, end], [head, two, one, three, end],
        [head, one, two, two, three, end], [head, one, other, two, three, end], [head, one, two, three, one, end],
    ):  # fmt: skip
        assert "line " in refused(tmp_path / "log", ended_anew(changed))


def test_a_gap_that_no_epoch_explains_is_found(tmp_path: Path) -> None:
    assert "row 3 is missing" in refused(tmp_path / "log", lines(rows(1, 2, 5)))
    lied = rows(1, 2, 5, 6, epoch=5)
    object.__setattr__(lied[2], "state", lied[2].state.replace(b'"lost_to":4', b'"lost_to":3'))
    assert "row 3 is missing" in refused(tmp_path / "log", lines(lied))


def test_a_tail_that_is_cut_is_found_by_the_last_line_or_by_a_head_that_was_kept(tmp_path: Path) -> None:
    made, file = rows(1, 2, 3, 4), tmp_path / "log"
    found = lines(made)
    assert "the last line is missing" in refused(file, found[:-1])
    assert "the last line is missing" in refused(file, found[:1])
    assert "line 4: Unterminated" in refused(file, b"".join(found[:-1])[:-9])
    assert refused(file, b"")
    shorter = ended_anew([*found[:3], found[-1]])
    assert "whole: 2 rows" in accepted(file, shorter), "by itself a shorter log is a log"
    assert "rows are cut off" in refused(file, shorter, made[3].hash.hex())
    assert accepted(file, shorter, made[1].hash.hex()), "what had been seen is all there"
    assert refused(file, [*found, b"more\n"])


@pytest.mark.servers
async def test_an_export_is_verified_by_the_script_and_holds_no_text_in_plain(
    platform: Platform, tmp_path: Path
) -> None:
    await platform.handle(*(order(n) for n in range(600)))  # more than a page
    file = tmp_path / "shop.log"
    result = await platform.vefa("export", "log", "shop", "--to", str(file))
    assert result.status == 0, result.err
    [looked] = (await platform.vefa("verify", "shop", "--json")).json
    assert (looked["position"], looked["whole"]) == (1202, True)
    assert f"head {looked['head']}" in result.out
    assert looked["head"] in (await platform.vefa("verify", "shop")).out
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(file), looked["head"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the log of shop is whole: 1202 rows up to 1202," in done.stdout

    states = [base64.b64decode(json.loads(line)["state"]) for line in file.read_bytes().splitlines()[1:-1]]
    assert not any(b"please wrap" in state for state in states)
    assert file.stat().st_mode & 0o077 == 0
    again = await platform.vefa("export", "log", "shop", "--to", str(file))
    assert (again.status, "is there already; choose another name" in again.err) == (2, True)
    for words in (["log", "shop"], ["log", "--to", "x"], ["c1", "shop"]):
        wrong = await platform.vefa("export", *words)
        assert (wrong.status, "vefa export log SERVICE --to FILE" in wrong.err) == (2, True)
    assert "'shopp' does not run here" in (await platform.vefa("export", "log", "shopp", "--to", "x")).err

    await platform.handle(order("later"))
    await platform.vefa("export", "log", "shop", "--to", str(tmp_path / "later"))
    assert "1204 rows" in verify(str(tmp_path / "later"), looked["head"])
