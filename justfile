# One line per thing to do here; `./just` on a fresh machine, `just` where it is installed.

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

[private]
default:
    @just --list

# the whole platform with made-up complaints
demo *options:
    python -m deploy.vefa demo {{options}}

# the whole platform
up *options:
    python -m deploy.vefa up {{options}}

# lint and every test, on every core
test *options: lint
    python -m pytest --numprocesses auto --dist loadfile {{options}}

# the tests that start no servers
test-fast *options:
    python -m pytest -m "not servers" --numprocesses auto {{options}}

# the long campaigns: kills for --minutes, and the proofs at their full size
soak *options:
    python -m tests.soak {{options}}

# style, format and types
lint:
    ruff check .
    ruff format --check .
    mypy

# what to run before every commit
check: lint test-fast

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

# what the platform does in a second, each figure beside its floor
bench *options:
    python -m deploy.vefa bench {{options}}
