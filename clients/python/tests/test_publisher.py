from __future__ import annotations

import threading
import time

import pytest
from fake_tunnel import UNAVAILABLE, FakeTunnel

from derailed_tunnel import (
    InvalidEvent,
    Publisher,
    PublisherClosed,
    PublishResult,
    PublishTimeout,
    Unauthenticated,
    Unavailable,
    WindowFull,
)


def test_publish_waits_for_the_ack(tunnel: FakeTunnel) -> None:
    with Publisher(tunnel.address) as publisher:
        result = publisher.publish("MESSAGE_CREATE", {"channel_id": "2"}, guild_id=1, event_id="a")
    assert result == PublishResult("a", 1)
    (event,) = tunnel.received
    assert (event.name, event.data, event.target.guild.guild_id) == ("MESSAGE_CREATE", '{"channel_id":"2"}', "1")


def test_background_publishes_keep_their_order_per_target(tunnel: FakeTunnel) -> None:
    with Publisher(tunnel.address) as publisher:
        pending = [
            publisher.publish_soon("A", {}, guild_id=1 + n % 3, event_id=f"{n}") for n in range(2000)
        ]
    assert [future.result().event_id for future in pending] == [f"{n}" for n in range(2000)]
    for rest in range(3):
        assert tunnel.delivered[f"g:{1 + rest}"] == [f"{n}" for n in range(rest, 2000, 3)]
    assert tunnel.streams == 1


def test_threads_share_one_publisher(tunnel: FakeTunnel) -> None:
    with Publisher(tunnel.address, max_in_flight=8) as publisher:

        def work(guild: int) -> None:
            for n in range(100):
                publisher.publish("A", {}, guild_id=guild, event_id=f"{guild}-{n}")

        threads = [threading.Thread(target=work, args=(guild,)) for guild in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for guild in range(1, 6):
        assert tunnel.delivered[f"g:{guild}"] == [f"{guild}-{n}" for n in range(100)]


def test_what_had_no_answer_goes_again_when_the_stream_breaks(tunnel: FakeTunnel) -> None:
    cuts = {"50", "120", "121"}

    def cut(event) -> bool:  # type: ignore[no-untyped-def]
        if event.id not in cuts:
            return False
        cuts.remove(event.id)
        return True

    tunnel.cut = cut
    with Publisher(tunnel.address) as publisher:
        pending = [publisher.publish_soon("A", {}, guild_id=1, event_id=f"{n}") for n in range(200)]
    assert all(future.result().sessions == 1 for future in pending)
    assert tunnel.delivered["g:1"] == [f"{n}" for n in range(200)]
    assert tunnel.streams == 4


def test_what_failed_goes_again_in_order_with_the_same_ids(tunnel: FakeTunnel) -> None:
    failures = {"5": 3, "20": 1}

    def fault(event):  # type: ignore[no-untyped-def]
        left = failures.get(event.id, 0)
        failures[event.id] = left - 1
        return UNAVAILABLE if left > 0 and event.target.guild.guild_id == "1" else None

    tunnel.fault = fault
    with Publisher(tunnel.address) as publisher:
        ones = [publisher.publish_soon("A", {}, guild_id=1, event_id=f"{n}") for n in range(40)]
        twos = [publisher.publish_soon("A", {}, guild_id=2, event_id=f"x{n}") for n in range(40)]
        assert all(future.result(10).sessions == 1 for future in ones + twos)
    assert tunnel.delivered["g:1"] == [f"{n}" for n in range(40)]
    assert tunnel.delivered["g:2"] == [f"x{n}" for n in range(40)]
    assert tunnel.streams == 1


def test_a_tunnel_that_restarts_is_found_again(tunnel: FakeTunnel) -> None:
    with Publisher(tunnel.address) as publisher:
        publisher.publish("A", {}, guild_id=1)
        tunnel.stop()
        pending = publisher.publish_soon("A", {}, guild_id=1, event_id="late")
        time.sleep(0.3)
        again = FakeTunnel(tunnel.port)
        try:
            assert pending.result(10).sessions == 1
            assert again.delivered == {"g:1": ["late"]}
        finally:
            again.stop()


def test_it_falls_over_to_another_address(tunnel: FakeTunnel) -> None:
    dead = FakeTunnel()
    dead.stop()
    other = FakeTunnel()
    try:
        with Publisher([dead.address, tunnel.address, other.address]) as publisher:
            publisher.publish("A", {}, guild_id=1, event_id="a")
            tunnel.stop()
            publisher.publish("A", {}, guild_id=1, event_id="b")
        assert (tunnel.delivered, other.delivered) == ({"g:1": ["a"]}, {"g:1": ["b"]})
    finally:
        other.stop()


def test_a_full_window_holds_the_publisher_back(tunnel: FakeTunnel) -> None:
    tunnel.answering.clear()
    with Publisher(tunnel.address, max_in_flight=3) as publisher:
        for n in range(3):
            publisher.publish_soon("A", {}, guild_id=1, event_id=f"{n}")
        with pytest.raises(WindowFull):
            publisher.publish_soon("A", {}, guild_id=1, event_id="3", timeout=0.1)
        tunnel.answering.set()
        publisher.publish("A", {}, guild_id=1, event_id="4", timeout=5)
    assert tunnel.delivered["g:1"] == ["0", "1", "2", "4"]


def test_who_stops_waiting_can_wait_on_with_the_same_id(tunnel: FakeTunnel) -> None:
    tunnel.answering.clear()
    with Publisher(tunnel.address) as publisher:
        with pytest.raises(PublishTimeout) as caught:
            publisher.publish("A", {}, guild_id=1, event_id="a", timeout=0.1)
        assert caught.value.event_id == "a"
        tunnel.answering.set()
        assert publisher.publish("A", {}, guild_id=1, event_id="a", timeout=5).sessions == 1
    assert tunnel.delivered["g:1"] == ["a"]


def test_an_event_that_the_tunnel_refuses_fails_alone(tunnel: FakeTunnel) -> None:
    tunnel.fault = lambda event: 3 if event.id == "bad" else None
    with Publisher(tunnel.address) as publisher:
        bad = publisher.publish_soon("A", {}, guild_id=1, event_id="bad")
        publisher.publish("A", {}, guild_id=1, event_id="good")
        with pytest.raises(InvalidEvent) as caught:
            bad.result()
    assert (caught.value.field, caught.value.event_id) == ("data", "bad")


def test_an_unknown_token_is_said_so_at_once() -> None:
    tunnel = FakeTunnel(token="sesame")
    try:
        with Publisher(tunnel.address, token="wrong") as publisher:
            with pytest.raises(Unauthenticated):
                publisher.publish("A", {}, guild_id=1, timeout=5)
        with Publisher(tunnel.address, token="sesame") as publisher:
            assert publisher.publish("A", {}, guild_id=1).sessions == 1
    finally:
        tunnel.stop()


def test_an_event_for_which_there_is_nobody_fails_after_retry_for() -> None:
    tunnel = FakeTunnel()
    tunnel.stop()
    with Publisher(tunnel.address, retry_for=0.3) as publisher:
        with pytest.raises(Unavailable):
            publisher.publish("A", {}, guild_id=1, timeout=10)


def test_giving_up_one_event_does_not_hold_back_the_next(tunnel: FakeTunnel) -> None:
    tunnel.fault = lambda event: UNAVAILABLE if event.id == "a" else None
    with Publisher(tunnel.address, retry_for=0.5) as publisher:
        with pytest.raises(Unavailable):
            publisher.publish("A", {}, guild_id=1, event_id="a", timeout=10)
        assert publisher.publish("A", {}, guild_id=1, event_id="b", timeout=10).sessions == 1
    assert tunnel.delivered["g:1"] == ["b"]


def test_close_flushes_and_takes_no_more(tunnel: FakeTunnel) -> None:
    publisher = Publisher(tunnel.address)
    pending = [publisher.publish_soon("A", {}, guild_id=1) for _ in range(100)]
    publisher.close()
    assert all(future.done() for future in pending)
    with pytest.raises(PublisherClosed):
        publisher.publish("A", {}, guild_id=1)
    publisher.close()


def test_close_with_a_timeout_does_not_wait_for_ever(tunnel: FakeTunnel) -> None:
    tunnel.answering.clear()
    publisher = Publisher(tunnel.address)
    pending = publisher.publish_soon("A", {}, guild_id=1)
    publisher.close(timeout=0.1)
    with pytest.raises(PublisherClosed):
        pending.result(1)


def test_a_publisher_that_was_never_used_connects_to_nobody() -> None:
    Publisher("127.0.0.1:1").close()
