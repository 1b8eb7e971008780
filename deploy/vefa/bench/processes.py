"""What the kernel says of processes: who belongs to whom, who listens where, and what each takes of memory and CPU."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024
LISTENS = "0A"


def below(process: int) -> list[int]:
    """Children of a process, youngest generation last."""
    found = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    for task in Path(f"/proc/{process}/task").iterdir():
        if task.name != str(process):
            found += [int(child) for child in (task / "children").read_text().split()]
    return [*found, *(grand for child in found for grand in below(child))]


def memory(process: int) -> dict[str, float]:
    """Resident, proportional and private MiB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return {"resident": kib["Rss"] / 1024, "proportional": kib["Pss"] / 1024, "private": private / 1024}


def name_of(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text().strip()


def listener(port: int, among: Iterable[int]) -> int:
    """Which of these processes listens on this port of TCP; LookupError when none does."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{f[9]}]" for f in lines if f[3] == LISTENS and int(f[1].rpartition(":")[2], 16) == port}
    for process in among:
        with suppress(OSError):  # it ended, or is another user's
            if any(str(f.readlink()) in sockets for f in Path(f"/proc/{process}/fd").iterdir()):
                return process
    raise LookupError(f"none of these processes listens on port {port}")


def cpu(process: int) -> float:
    """Seconds of CPU that it and all below it took, children that ended included; exact to microseconds for those that
    run, to hundredths for those that ended."""
    total = 0.0
    for one in (process, *below(process)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile: its parent has its time
            for task in Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0]) / 1e9
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return total
