from __future__ import annotations

import random
from typing import Dict, List, Tuple

import pytest

from derailed_tunnel import InvalidEvent, PublishResult, Refused, Unavailable
from derailed_tunnel._event import Outgoing, outgoing
from derailed_tunnel._outbox import Outbox

UNAVAILABLE, ABORTED, INVALID, INTERNAL = 14, 10, 3, 13


def event(event_id: str, *targets: str) -> Outgoing:
    message = outgoing("A", {}, guild_id=1, channel_id=None, permissions=None, user_ids=None, event_id=event_id, volatile=False)
    return Outgoing(event_id, targets or ("g:1",), message.request)


def outbox(*events: Outgoing) -> "Outbox[str]":
    box: "Outbox[str]" = Outbox(retry_for=60, backoff=lambda failures: float(failures))
    for each in events:
        box.add(each, each.event_id, now=0)
    return box


def taken(box: "Outbox[str]", now: float) -> List[str]:
    ids = []
    while True:
        next_event = box.take(now)
        if next_event is None:
            return ids
        ids.append(next_event.event_id)


def test_events_go_in_order_and_all_at_once() -> None:
    box = outbox(event("a"), event("b"), event("c"))
    assert taken(box, 0) == ["a", "b", "c"]
    settled = box.answer("b", 3, 0, "", 0)
    assert settled is not None
    assert (settled.waiter, settled.outcome) == ("b", PublishResult("b", 3))
    assert len(box) == 2


def test_after_a_failure_the_target_goes_again_from_the_first_when_all_of_it_is_answered() -> None:
    box = outbox(event("a"), event("b"), event("other", "g:2"))
    assert taken(box, 0) == ["a", "b", "other"]
    assert box.answer("a", 0, UNAVAILABLE, "moving", 0) is None
    box.add(event("c"), "c", 0)
    box.add(event("more", "g:2"), "more", 0)
    assert taken(box, 5) == ["more"]
    assert box.answer("b", 0, ABORTED, "a first", 5) is None
    assert taken(box, 5) == ["a", "b", "c"]


def test_it_waits_longer_with_every_failure_in_a_row() -> None:
    box = outbox(event("a"))
    now = 0.0
    for delay in (1, 2, 3):
        assert taken(box, now) == ["a"]
        box.answer("a", 0, UNAVAILABLE, "moving", now)
        assert taken(box, now + delay - 0.01) == []
        assert box.wake_at() == now + delay
        now += delay
    assert taken(box, now) == ["a"]
    box.answer("a", 1, 0, "", now)
    box.add(event("b"), "b", now)
    assert taken(box, now) == ["b"]
    box.answer("b", 0, UNAVAILABLE, "moving", now)
    assert box.wake_at() == now + 1


def test_an_event_for_several_users_keeps_its_place_with_each() -> None:
    box = outbox(event("a", "u:1"), event("b", "u:1", "u:2"), event("c", "u:2"))
    assert box.take(0) is not None
    box.answer("a", 0, UNAVAILABLE, "moving", 0)
    assert taken(box, 0) == []
    assert taken(box, 1) == ["a", "b", "c"]


@pytest.mark.parametrize(("code", "error"), [(INVALID, InvalidEvent), (INTERNAL, Refused)])
def test_a_failure_that_no_retry_cures_is_final_and_stands_alone(code: int, error: type) -> None:
    box = outbox(event("a"), event("b"))
    taken(box, 0)
    settled = box.answer("a", 0, code, "data: bad", 0)
    assert settled is not None and isinstance(settled.outcome, error)
    box.add(event("c"), "c", 0)
    assert taken(box, 0) == ["c"]


def test_when_the_stream_breaks_all_without_an_answer_goes_again_in_order() -> None:
    box = outbox(event("a"), event("b"), event("c"))
    taken(box, 0)
    box.answer("b", 1, 0, "", 0)
    box.answer("a", 0, UNAVAILABLE, "moving", 0)
    box.reopened("lost")
    assert taken(box, 0) == ["a", "c"]


def test_answers_that_nobody_waits_for_are_ignored() -> None:
    box = outbox(event("a"))
    assert box.answer("a", 1, 0, "", 0) is None
    assert box.answer("x", 1, 0, "", 0) is None
    assert taken(box, 0) == ["a"]


def test_an_event_is_given_up_after_its_time_and_the_stream_is_opened_anew_if_the_tunnel_waits_for_it() -> None:
    box = outbox(event("a"), event("b", "g:2"))
    assert box.take(0) is not None
    box.answer("a", 0, UNAVAILABLE, "moving", 0)
    assert box.expire(59) == []
    assert not box.must_reopen
    settled = box.expire(60)
    assert [each.waiter for each in settled] == ["a", "b"]
    assert isinstance(settled[0].outcome, Unavailable) and str(settled[0].outcome) == "moving"
    assert str(settled[1].outcome) == "the tunnel could not be reached"
    assert box.must_reopen
    box.reopened("on purpose")
    assert not box.must_reopen and box.wake_at() is None


class Tunnel:
    """What tunnel.proto promises, with links that break under it."""

    def __init__(self) -> None:
        self.seen: Dict[str, List[str]] = {}
        self.held: Dict[str, Tuple[int, str]] = {}
        self.flights: List[Tuple[int, Outgoing]] = []
        self.answers: List[Tuple[str, int]] = []
        self.places = 0

    def receive(self, sent: Outgoing) -> None:
        self.places += 1
        if any(self.held.get(target, (0, sent.event_id))[1] != sent.event_id for target in sent.targets):
            return self.fail(self.places, sent, ABORTED)
        for target in sent.targets:
            self.held.pop(target, None)
        self.flights.append((self.places, sent))

    def deliver(self) -> None:
        if self.flights:
            place, sent = self.flights.pop(0)
            self.arrive(sent)
            self.settle(place, sent, 0)

    def break_links(self, arrived: int) -> None:
        flights, self.flights = self.flights, []
        for _, sent in flights[:arrived]:
            self.arrive(sent)
        for place, sent in flights:
            self.settle(place, sent, UNAVAILABLE)

    def new_stream(self) -> None:
        # What is on its way to the owners stays so, but nobody hears of it.
        for _, sent in self.flights:
            self.arrive(sent)
        self.flights, self.answers, self.held = [], [], {}

    def settle(self, place: int, sent: Outgoing, code: int) -> None:
        if any(self.held.get(target, (place, ""))[0] < place for target in sent.targets):
            code = ABORTED
        if code:
            self.fail(place, sent, code)
        else:
            self.answers.append((sent.event_id, 0))

    def fail(self, place: int, sent: Outgoing, code: int) -> None:
        for target in sent.targets:
            if place < self.held.get(target, (place + 1, ""))[0]:
                self.held[target] = (place, sent.event_id)
        self.answers.append((sent.event_id, code))

    def arrive(self, sent: Outgoing) -> None:
        for target in sent.targets:
            seen = self.seen.setdefault(target, [])
            if sent.event_id not in seen:
                seen.append(sent.event_id)


@pytest.mark.parametrize("seed", range(300))
def test_each_target_sees_its_events_in_order_and_once_however_links_and_streams_break(seed: int) -> None:
    chance = random.Random(seed)
    choices = [("g:1",), ("g:2",), ("u:1",), ("u:2",), ("u:1", "u:2")]
    events = [event(f"e{n}", *chance.choice(choices)) for n in range(12)]
    box, tunnel, now = outbox(), Tunnel(), 0.0
    unpublished = list(events)
    for step in range(2000):
        now += 0.5
        act = chance.choice(["publish", "send", "send", "deliver", "hear", "hear", "break", "reopen"])
        if step > 200 and act in ("break", "reopen"):
            continue
        if act == "publish" and unpublished:
            next_event = unpublished.pop(0)
            box.add(next_event, next_event.event_id, 10_000)
        elif act == "send":
            sent = box.take(now)
            if sent is not None:
                tunnel.receive(sent)
        elif act == "deliver":
            tunnel.deliver()
        elif act == "hear" and tunnel.answers:
            event_id, code = tunnel.answers.pop(0)
            box.answer(event_id, 1, code, "", now)
        elif act == "break":
            tunnel.break_links(chance.randrange(4))
        elif act == "reopen" and chance.random() < 0.3:
            tunnel.new_stream()
            box.reopened("cut")
        for target, seen in tunnel.seen.items():
            published = [each.event_id for each in events if target in each.targets]
            assert seen == published[: len(seen)]
    assert len(box) == 0 and not unpublished
