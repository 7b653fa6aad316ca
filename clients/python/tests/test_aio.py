from __future__ import annotations

import asyncio

import pytest
from fake_tunnel import UNAVAILABLE, FakeTunnel

from derailed_tunnel import (
    InvalidEvent,
    PublisherClosed,
    PublishResult,
    PublishTimeout,
    Unauthenticated,
    Unavailable,
    WindowFull,
)
from derailed_tunnel.aio import Publisher


def test_publish_waits_for_the_ack(tunnel: FakeTunnel) -> None:
    async def main() -> PublishResult:
        async with Publisher(tunnel.address) as publisher:
            return await publisher.publish("A", {}, user_ids=[1, 2], event_id="a")

    assert asyncio.run(main()) == PublishResult("a", 1)
    assert tunnel.delivered == {"u:1": ["a"], "u:2": ["a"]}


def test_background_publishes_keep_their_order_per_target_across_failures_and_cuts(tunnel: FakeTunnel) -> None:
    once = {"30", "31", "200", "500"}

    def first_time(event) -> bool:  # type: ignore[no-untyped-def]
        if event.id not in once:
            return False
        once.remove(event.id)
        return True

    tunnel.cut = lambda event: event.id in ("200", "500") and first_time(event)
    tunnel.fault = lambda event: UNAVAILABLE if event.id in ("30", "31") and first_time(event) else None

    async def main() -> None:
        async with Publisher(tunnel.address, max_in_flight=64) as publisher:
            pending = [
                await publisher.publish_soon("A", {}, guild_id=1 + n % 3, event_id=f"{n}") for n in range(1000)
            ]
            results = await asyncio.gather(*pending)
        assert [result.event_id for result in results] == [f"{n}" for n in range(1000)]

    asyncio.run(main())
    for rest in range(3):
        assert tunnel.delivered[f"g:{1 + rest}"] == [f"{n}" for n in range(rest, 1000, 3)]
    assert tunnel.streams == 3


def test_tasks_get_room_in_the_order_in_which_they_asked(tunnel: FakeTunnel) -> None:
    async def main() -> None:
        async with Publisher(tunnel.address, max_in_flight=2) as publisher:
            await asyncio.gather(*(publisher.publish("A", {}, guild_id=1, event_id=f"{n}") for n in range(200)))

    asyncio.run(main())
    assert tunnel.delivered["g:1"] == [f"{n}" for n in range(200)]


def test_a_full_window_holds_tasks_back_and_one_that_gives_up_leaves_no_gap(tunnel: FakeTunnel) -> None:
    async def main() -> None:
        tunnel.answering.clear()
        async with Publisher(tunnel.address, max_in_flight=1) as publisher:
            await publisher.publish_soon("A", {}, guild_id=1, event_id="a")
            with pytest.raises(WindowFull):
                await publisher.publish_soon("A", {}, guild_id=1, event_id="b", timeout=0.05)
            waiting = asyncio.create_task(publisher.publish("A", {}, guild_id=1, event_id="c"))
            await asyncio.sleep(0.05)
            waiting.cancel()
            tunnel.answering.set()
            assert (await publisher.publish("A", {}, guild_id=1, event_id="d", timeout=5)).sessions == 1
            assert (await publisher.publish("A", {}, guild_id=1, event_id="e", timeout=5)).sessions == 1

    asyncio.run(main())
    assert tunnel.delivered["g:1"] == ["a", "d", "e"]


def test_who_stops_waiting_can_wait_on_with_the_same_id(tunnel: FakeTunnel) -> None:
    async def main() -> None:
        tunnel.answering.clear()
        async with Publisher(tunnel.address) as publisher:
            with pytest.raises(PublishTimeout):
                await publisher.publish("A", {}, guild_id=1, event_id="a", timeout=0.1)
            tunnel.answering.set()
            assert (await publisher.publish("A", {}, guild_id=1, event_id="a", timeout=5)).sessions == 1

    asyncio.run(main())
    assert tunnel.delivered["g:1"] == ["a"]


def test_errors_are_told_apart(tunnel: FakeTunnel) -> None:
    tunnel.fault = lambda event: {"bad": 3, "gone": UNAVAILABLE}.get(event.id)

    async def main() -> None:
        async with Publisher(tunnel.address, retry_for=0.4) as publisher:
            with pytest.raises(InvalidEvent):
                await publisher.publish("A", {}, guild_id=1, event_id="bad")
            with pytest.raises(Unavailable):
                await publisher.publish("A", {}, guild_id=1, event_id="gone", timeout=10)
            assert (await publisher.publish("A", {}, guild_id=1, event_id="next", timeout=10)).sessions == 1

    asyncio.run(main())


def test_an_unknown_token_is_said_so_at_once() -> None:
    tunnel = FakeTunnel(token="sesame")

    async def main() -> None:
        async with Publisher(tunnel.address, token="wrong") as publisher:
            with pytest.raises(Unauthenticated):
                await publisher.publish("A", {}, guild_id=1, timeout=5)
        async with Publisher(tunnel.address, token="sesame") as publisher:
            assert (await publisher.publish("A", {}, guild_id=1)).sessions == 1

    try:
        asyncio.run(main())
    finally:
        tunnel.stop()


def test_it_falls_over_to_another_address(tunnel: FakeTunnel) -> None:
    dead = FakeTunnel()
    dead.stop()

    async def main() -> None:
        async with Publisher([dead.address, tunnel.address]) as publisher:
            await publisher.publish("A", {}, guild_id=1, timeout=10)

    asyncio.run(main())
    assert len(tunnel.received) == 1


def test_close_flushes_and_takes_no_more(tunnel: FakeTunnel) -> None:
    async def main() -> None:
        publisher = Publisher(tunnel.address, max_in_flight=8)
        tasks = [asyncio.create_task(publisher.publish("A", {}, guild_id=1, event_id=f"{n}")) for n in range(4)]
        await asyncio.sleep(0)
        await publisher.close()
        assert [(await task).sessions for task in tasks] == [1, 1, 1, 1]
        with pytest.raises(PublisherClosed):
            await publisher.publish("A", {}, guild_id=1)

    asyncio.run(main())


def test_close_with_a_timeout_does_not_wait_for_ever(tunnel: FakeTunnel) -> None:
    async def main() -> None:
        tunnel.answering.clear()
        publisher = Publisher(tunnel.address)
        pending = await publisher.publish_soon("A", {}, guild_id=1)
        await publisher.close(timeout=0.1)
        with pytest.raises(PublisherClosed):
            await pending

    asyncio.run(main())
