# One line per thing to do here; `./just` on a fresh machine, `just` where it is installed.

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")
# Where it is set, each of the many processes that are started compiles all its packages anew.
export PYTHONDONTWRITEBYTECODE := ""

# on every core, the files that take longest first
parallel := "--numprocesses auto --dist loadfile --no-loadscope-reorder"

[private]
default:
    @just --list

# the whole platform with made-up complaints
demo *options:
    python -m deploy.vefa demo {{options}}

# the whole platform
up *options:
    python -m deploy.vefa up {{options}}

# style, types, and every promise of docs/proofs.md shown once on real servers: some minutes
test *options: lint
    VEFA_PROOFS=few python -m pytest -m "not long" {{parallel}} {{options}}

# style, types and every test, every proof as large as its promise says: most of an hour
test-all *options: lint
    python -m pytest {{parallel}} {{options}}

# the long campaigns: kills for --minutes, and the proofs at their full size
soak *options:
    python -m tests.soak {{options}}

# style, format and types
lint:
    ruff check .
    ruff format --check .
    mypy

# what to run before every commit: style, types and the tests that start no servers
check *options: lint
    VEFA_PROOFS=few python -m pytest -m "not long and not servers" {{parallel}} {{options}}

# all services in small worlds in which everything goes wrong: --seed N plays one again, --seeds N --from N --processes 2
simulate *options:
    python -m tests.simulation {{options}}

# repair style and format
fmt:
    ruff check --fix .
    ruff format .

# a new service that hears of cases: its files, and its place wherever services are listed
new-service name:
    python -m deploy.vefa new-service {{name}}

# what the platform does in a second, each figure beside its floor; `beside REV [figure]`: this build and a revision by turns
bench *options:
    python -m deploy.vefa bench {{options}}
