"""What the kernel says of processes: who belongs to whom, and how much memory each takes."""

from pathlib import Path

MIB = 1024 * 1024


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
