"""Against the real gateway: node dist/apps/gateway/main.js, or what DERAILED_GATEWAY_MAIN names."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from types import ModuleType
from typing import Iterator, Tuple

import grpc
import pytest
from gateway import MAIN, REPOSITORY, Client, Gateway

from derailed_tunnel import InvalidEvent, Publisher, aio

pytestmark = pytest.mark.skipif(not MAIN.exists(), reason=f"{MAIN} is not built: run `npx nx build gateway` first")

NOBODY = 999


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    running = Gateway()
    yield running
    running.stop()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Client]:
    connected = Client(gateway)
    yield connected
    connected.close()


@pytest.fixture
def place(client: Client) -> Tuple[str, str]:
    """A guild of the client, and a text channel of it."""
    guild = next(iter(client.guilds.values()))
    return guild["id"], next(channel["id"] for channel in guild["channels"] if channel["type"] == 0)


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[ModuleType, ModuleType]]:
    """Stubs of the platform's existing proto, made as the platform makes them."""
    from grpc_tools import protoc

    folder = tmp_path_factory.mktemp("stubs")
    proto = REPOSITORY / "proto" / "derailed" / "grpc"
    arguments = ["", f"-I{proto}", f"--python_out={folder}", f"--grpc_python_out={folder}", "gateway.proto"]
    assert protoc.main(arguments) == 0
    sys.path.insert(0, str(folder))
    yield importlib.import_module("gateway_pb2"), importlib.import_module("gateway_pb2_grpc")
    sys.path.remove(str(folder))


def test_a_client_gets_what_was_published_in_order_and_once(
    gateway: Gateway, client: Client, place: Tuple[str, str]
) -> None:
    guild_id, channel_id = place
    with Publisher(gateway.tunnel) as publisher:
        pending = [
            publisher.publish_soon(
                "MESSAGE_CREATE", {"id": str(n), "channel_id": channel_id, "content": "€"}, guild_id=guild_id
            )
            for n in range(1, 2001)
        ]
    assert {future.result().sessions for future in pending} == {1}
    assert [client.next("MESSAGE_CREATE")["id"] for _ in pending] == [str(n) for n in range(1, 2001)]


def test_asyncio_publishes_to_users(gateway: Gateway, client: Client) -> None:
    async def main() -> None:
        async with aio.Publisher(gateway.tunnel) as publisher:
            user_id = client.ready["user"]["id"]
            there = await publisher.publish("PLATFORM_NEWS", '{"n":200000000000000001}', user_ids=[user_id, NOBODY])
            assert there.sessions == 1
            assert (await publisher.publish("PLATFORM_NEWS", {}, user_ids=[NOBODY])).sessions == 0

    asyncio.run(main())
    assert client.next("PLATFORM_NEWS") == {"n": 200000000000000001}


def test_an_event_that_is_sent_twice_with_one_id_is_delivered_once(
    gateway: Gateway, client: Client, place: Tuple[str, str]
) -> None:
    guild_id, channel_id = place
    for _ in range(2):
        with Publisher(gateway.tunnel) as publisher:
            data = {"id": "1", "channel_id": channel_id}
            publisher.publish("MESSAGE_CREATE", data, guild_id=guild_id, event_id="the-same")
    with Publisher(gateway.tunnel) as publisher:
        publisher.publish("MESSAGE_CREATE", {"id": "2"}, guild_id=guild_id, channel_id=channel_id)
    assert [client.next("MESSAGE_CREATE")["id"] for _ in range(2)] == ["1", "2"]


def test_what_the_tunnel_refuses_names_its_field(gateway: Gateway) -> None:
    with Publisher(gateway.tunnel) as publisher:
        with pytest.raises(InvalidEvent) as caught:
            publisher.publish("MESSAGE_CREATE", "not json", guild_id=1, channel_id=1)
        assert caught.value.field == "data"
        with pytest.raises(InvalidEvent) as caught:
            publisher.publish("MESSAGE_CREATE", {"content": "nowhere"}, guild_id=1)
        assert caught.value.field == "channel_id"


def test_stubs_of_the_existing_proto_publish_unchanged(
    gateway: Gateway, client: Client, place: Tuple[str, str], legacy: Tuple[ModuleType, ModuleType]
) -> None:
    pb, stubs = legacy
    guild_id, channel_id = place
    with grpc.insecure_channel(gateway.tunnel) as channel:
        guilds, users = stubs.GuildStub(channel), stubs.UserStub(channel)
        for n in range(1, 101):
            message = pb.Message(event="MESSAGE_CREATE", data=f'{{"id":"{n}","channel_id":"{channel_id}"}}')
            assert guilds.publish(pb.Publ(guild_id=guild_id, message=message)).message == "Success"
        news = pb.Message(event="PLATFORM_NEWS", data='{"old":true}')
        user_id = client.ready["user"]["id"]
        assert users.publish(pb.UPubl(user_id=user_id, message=news)).message == "Success"
        # A presence is known a moment after its session is ready.
        for _ in range(50):
            info = guilds.get_guild_info(pb.GetGuildInfo(guild_id=guild_id))
            if info.presences >= 1:
                break
            time.sleep(0.1)
        assert info.available and info.presences >= 1
        with pytest.raises(grpc.RpcError) as caught:
            guilds.publish(pb.Publ(guild_id="general", message=message))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [client.next("MESSAGE_CREATE")["id"] for _ in range(100)] == [str(n) for n in range(1, 101)]
    assert client.next("PLATFORM_NEWS") == {"old": True}
