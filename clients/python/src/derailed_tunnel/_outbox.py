"""The events without an answer: which one goes next, and what an answer means.

No threads and no sockets here: both publishers stand around one Outbox, and time comes in as an argument.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Callable, Deque, Dict, Generic, List, Optional, Tuple, TypeVar, Union

from ._event import Outgoing, PublishResult
from .errors import InvalidEvent, Refused, TunnelError, Unavailable

_OK = 0
_INVALID_ARGUMENT = 3
_ABORTED = 10
#: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE: the tunnel holds back what follows in
#: the target until the event comes again.
_WORTH_A_RETRY = frozenset({1, 4, 8, _ABORTED, 14})

Waiter = TypeVar("Waiter")


@dataclass(eq=False)
class Entry(Generic[Waiter]):
    """An event that has no final answer."""

    event: Outgoing
    #: Who hears of the outcome.
    waiter: Waiter
    #: When it is no longer worth a retry.
    deadline: float
    flying: bool = False
    #: The tunnel holds back its targets, on this stream, until it comes again.
    held: bool = False
    last_error: str = "the tunnel could not be reached"


@dataclass
class Settled(Generic[Waiter]):
    """An event with its final outcome."""

    waiter: Waiter
    outcome: Union[PublishResult, TunnelError]


@dataclass
class _Lane:
    """A target that has to recover from a failure."""

    retry_at: float
    failures: int = 0


@dataclass
class Outbox(Generic[Waiter]):
    """Events in the order of their publishing.

    After a failure that is worth a retry, the events of that target wait until all of them in flight are answered,
    and then go again from the first, with the same ids: that is what the tunnel asks for (tunnel.proto).
    """

    #: Seconds that an event may be retried.
    retry_for: float
    #: Seconds to wait after so many failures in a row.
    backoff: Callable[[int], float]
    #: The stream has to be opened anew: an event was given up that the tunnel waits for.
    must_reopen: bool = False
    _entries: Dict[str, Entry[Waiter]] = field(default_factory=dict)
    _queue: Deque[Entry[Waiter]] = field(default_factory=deque)
    _flying: "Counter[str]" = field(default_factory=Counter)
    _lanes: Dict[str, _Lane] = field(default_factory=dict)
    _failures: Dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, event_id: str) -> Optional[Entry[Waiter]]:
        return self._entries.get(event_id)

    def add(self, event: Outgoing, waiter: Waiter, now: float) -> Entry[Waiter]:
        entry = Entry(event, waiter, now + self.retry_for)
        self._entries[event.event_id] = entry
        self._queue.append(entry)
        return entry

    def take(self, now: float) -> Optional[Outgoing]:
        """The next event to send; it counts as in flight from now on."""
        for target in [name for name, lane in self._lanes.items() if lane.retry_at <= now and not self._flying[name]]:
            del self._lanes[target]
        entry = self._first_sendable()
        if entry is None:
            return None
        entry.flying = True
        entry.held = False
        self._flying.update(entry.event.targets)
        return entry.event

    def _first_sendable(self) -> Optional[Entry[Waiter]]:
        if not self._lanes:
            return self._queue.popleft() if self._queue else None
        waiting = set(self._lanes)
        for place, entry in enumerate(self._queue):
            if waiting.isdisjoint(entry.event.targets):
                del self._queue[place]
                return entry
            # What comes later in any of its targets has to come after it.
            waiting.update(entry.event.targets)
        return None

    def wake_at(self) -> Optional[float]:
        """When `take` or `expire` may have something new to say, without anything else happening."""
        if not self._queue:
            return None
        return min([self._queue[0].deadline, *(lane.retry_at for name, lane in self._lanes.items() if not self._flying[name])])

    def answer(self, event_id: str, sessions: int, code: int, error: str, now: float) -> Optional[Settled[Waiter]]:
        """Takes an answer of the tunnel; returns the event's final outcome if that was it."""
        entry = self._entries.get(event_id)
        if entry is None or not entry.flying:
            return None
        entry.flying = False
        targets = entry.event.targets
        self._flying.subtract(targets)
        for target in targets:
            if self._flying[target] <= 0:
                del self._flying[target]
        if code == _OK:
            for target in targets:
                self._failures.pop(target, None)
            return self._settle(entry, PublishResult(event_id, sessions))
        if code not in _WORTH_A_RETRY:
            return self._settle(entry, _refusal(code, error, event_id))
        entry.last_error = error
        entry.held = True
        if now >= entry.deadline:
            return self._give_up(entry)
        self._hold(entry, code, now)
        return None

    def _hold(self, entry: Entry[Waiter], code: int, now: float) -> None:
        for target in entry.event.targets:
            lane = self._lanes.get(target)
            if code == _ABORTED:
                # Only the follower of another failure, which has said how long to wait.
                self._lanes.setdefault(target, _Lane(now))
            elif lane is None or lane.failures == 0:
                failures = self._failures[target] = self._failures.get(target, 0) + 1
                self._lanes[target] = _Lane(now + self.backoff(failures), failures)
        self._queue = deque(each for each in self._entries.values() if not each.flying)

    def expire(self, now: float) -> List[Settled[Waiter]]:
        """Gives up the events that were retried long enough."""
        settled = []
        while self._queue and self._queue[0].deadline <= now:
            settled.append(self._give_up(self._queue.popleft()))
        return settled

    def _give_up(self, entry: Entry[Waiter]) -> Settled[Waiter]:
        self.must_reopen = self.must_reopen or entry.held
        for target in entry.event.targets:
            self._failures.pop(target, None)
        return self._settle(entry, Unavailable(entry.last_error, event_id=entry.event.event_id))

    def reopened(self, reason: str) -> None:
        """The stream is a new one: all that has no answer goes again, in order; the tunnel holds back nothing."""
        for entry in self._entries.values():
            entry.flying = entry.held = False
            entry.last_error = reason
        self._queue = deque(self._entries.values())
        self._flying.clear()
        self._lanes.clear()
        self.must_reopen = False

    def fail_all(self, error: Callable[[str], TunnelError]) -> List[Settled[Waiter]]:
        """Gives up everything; `error` is called with each event's id."""
        settled = [Settled(entry.waiter, error(event_id)) for event_id, entry in self._entries.items()]
        self._entries.clear()
        self._failures.clear()
        self.reopened("")
        return settled

    def _settle(self, entry: Entry[Waiter], outcome: Union[PublishResult, TunnelError]) -> Settled[Waiter]:
        del self._entries[entry.event.event_id]
        return Settled(entry.waiter, outcome)


def _refusal(code: int, error: str, event_id: str) -> TunnelError:
    if code == _INVALID_ARGUMENT:
        return InvalidEvent(error, field=error.split(":", 1)[0], event_id=event_id)
    return Refused(error, code=code, event_id=event_id)
