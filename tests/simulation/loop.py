"""An event loop of asyncio on virtual time. Who goes on next is drawn from a seed; nothing waits for real; a process
can end, or stand still, between any two of its steps."""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
STEP_SECONDS = 1e-6
"""Each step takes some time: a wait that ends a rounding error too early would be waited for ever."""


class Life:
    """One run of a process, from its start to its end. Its own steps are in order, as on a loop of its own; those of
    different lives are in an order that is drawn."""

    __slots__ = ("alive", "context", "listed", "name", "ready", "stalled")

    def __init__(self, name: str):
        self.name, self.alive, self.stalled, self.listed = name, True, False, False
        self.ready: deque[Step] = deque()
        self.context = copy_context()
        self.context.run(LIFE.set, self)

    def __repr__(self) -> str:
        return f"<life of {self.name}>"


LIFE: ContextVar[Life] = ContextVar("life")


class Step:
    """What is to be done once; what asyncio calls a handle."""

    __slots__ = ("_args", "_at", "_callback", "_context", "life")

    def __init__(self, life: Life, callback: Callable[..., object], args: tuple[Any, ...], context: Context, at: float):
        self.life, self._at = life, at
        self._callback: Callable[..., object] | None = callback
        self._args, self._context = args, context

    def cancel(self) -> None:
        self._callback, self._args = None, ()

    def cancelled(self) -> bool:
        return self._callback is None

    def when(self) -> float:
        return self._at

    def take(self) -> None:
        if self._callback is not None:
            self._context.run(self._callback, *self._args)


class Loop(asyncio.AbstractEventLoop):
    """Runs one coroutine to its end. ``troubles`` are the errors that nobody caught."""

    def __init__(self, seed: object):
        self._now, self._number, self._random = 0.0, count(), Random(f"turns|{seed}").random
        self._timers: list[tuple[float, int, Step | asyncio.Future[None]]] = []
        self._runnable: list[Life] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.troubles: list[str] = []
        self.outside = Life("outside")
        self.steps = 0

    # running ----------------------------------------------------------------------------------------------------------
    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result. RuntimeError when nothing can ever happen any more."""
        runnable, random = self._runnable, self._random
        events._set_running_loop(self)
        try:
            main: asyncio.Task[T] = self.create_task(coroutine, context=self.outside.context)
            while not main.done():
                if not runnable:
                    self._wait()
                    continue
                at = int(random() * len(runnable)) if len(runnable) > 1 else 0
                life = runnable[at]
                step = life.ready.popleft()
                if not life.ready:
                    self._unlist(at)
                self.steps += 1
                self._now += STEP_SECONDS
                step.take()
            return main.result()
        finally:
            self._close_all()
            events._set_running_loop(None)

    def _wait(self) -> None:
        """Let time go on to the next timer."""
        timers = self._timers
        if not timers:
            raise RuntimeError("everybody waits for something that cannot come")
        self._now = now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= now:
            due = heapq.heappop(timers)[2]
            if isinstance(due, Step):
                self._list(due)
            elif not due.done():
                due.set_result(None)

    def _list(self, step: Step) -> None:
        life = step.life
        if life.alive and not step.cancelled():
            life.ready.append(step)
            if not life.listed and not life.stalled:
                life.listed = True
                self._runnable.append(life)

    def _unlist(self, at: int) -> None:
        self._runnable[at].listed = False
        self._runnable[at] = self._runnable[-1]
        self._runnable.pop()

    def _close_all(self) -> None:
        """End what never ended, here and now: elsewhere its last words would come at a moment of Python's choice."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                if coroutine is not None and getattr(coroutine, "cr_running", False) is False:
                    coroutine.close()
        self._tasks.clear()
        self._timers.clear()

    # lives ------------------------------------------------------------------------------------------------------------
    def end(self, life: Life) -> None:
        """Nothing of it goes on, nothing of it is told that it ended."""
        life.alive = False
        self._rest(life)

    def stall(self, life: Life) -> None:
        """It stands still, and does not know it."""
        life.stalled = True
        self._rest(life, keep=True)

    def wake(self, life: Life) -> None:
        life.stalled = False
        if life.alive and life.ready and not life.listed:
            life.listed = True
            self._runnable.append(life)

    def _rest(self, life: Life, *, keep: bool = False) -> None:
        if life.listed:
            self._unlist(self._runnable.index(life))
        if not keep:
            life.ready.clear()

    def pause(self, seconds: float) -> "asyncio.Future[None]":
        """To be awaited: a sleep, with less ado."""
        future = asyncio.Future[None](loop=self)
        heapq.heappush(self._timers, (self._now + seconds, next(self._number), future))
        return future

    # what asyncio asks for --------------------------------------------------------------------------------------------
    def time(self) -> float:
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        context = context or copy_context()
        step = Step(context.get(LIFE, self.outside), callback, args, context, self._now)
        self._list(step)
        return step

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        context = context or copy_context()
        step = Step(context.get(LIFE, self.outside), callback, args, context, when)
        heapq.heappush(self._timers, (when, next(self._number), step))
        return step

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.troubles.append(f"{context['message']}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
