from __future__ import annotations

import json

import pytest

from derailed_tunnel import InvalidEvent
from derailed_tunnel._event import Outgoing, outgoing


def event(**parts: object) -> Outgoing:
    given = {"guild_id": None, "channel_id": None, "permissions": None, "user_ids": None, "event_id": None, "volatile": False, **parts}
    return outgoing(given.pop("name", "PING"), given.pop("data", {}), **given)  # type: ignore[arg-type]


def test_text_goes_as_it_is_and_objects_become_compact_json_without_losing_digits() -> None:
    text = '{ "id" : 200000000000000001 }'
    assert event(guild_id=1, data=text).request.event.data == text
    made = event(guild_id=1, data={"id": 200000000000000001, "content": "€"}).request.event.data
    assert made == '{"id":200000000000000001,"content":"€"}'
    assert json.loads(made)["id"] == 200000000000000001


def test_ids_are_text_or_numbers() -> None:
    assert event(guild_id=2**63, channel_id="7").request.event.target.guild.guild_id == str(2**63)
    assert list(event(user_ids=[3, "4", 3]).request.event.target.users.user_ids) == ["3", "4"]


def test_permissions_are_bits_as_text_or_number_and_left_out_unless_named() -> None:
    assert event(guild_id=1, permissions=1 << 34).request.event.target.guild.permissions == str(2**34)
    assert event(guild_id=1, permissions="8").request.event.target.guild.permissions == "8"
    assert not event(guild_id=1).request.event.target.guild.HasField("permissions")


def test_every_event_has_an_id_of_its_own() -> None:
    assert event(guild_id=1).event_id != event(guild_id=1).event_id
    assert event(guild_id=1, event_id="mine").request.event.id == "mine"


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({}, "target"),
        ({"guild_id": 1, "user_ids": [1]}, "target"),
        ({"user_ids": [1], "channel_id": 1}, "channel_id"),
        ({"guild_id": "general"}, "guild_id"),
        ({"guild_id": -1}, "guild_id"),
        ({"guild_id": True}, "guild_id"),
        ({"guild_id": 2**64}, "guild_id"),
        ({"guild_id": 1, "channel_id": ""}, "channel_id"),
        ({"user_ids": [1], "permissions": 8}, "permissions"),
        ({"guild_id": 1, "permissions": 0}, "permissions"),
        ({"guild_id": 1, "permissions": True}, "permissions"),
        ({"guild_id": 1, "permissions": "KICK_MEMBERS"}, "permissions"),
        ({"user_ids": []}, "user_ids"),
        ({"user_ids": range(1, 1002)}, "user_ids"),
        ({"user_ids": ["x"]}, "user_ids"),
        ({"guild_id": 1, "name": ""}, "name"),
        ({"guild_id": 1, "name": "message_create"}, "name"),
        ({"guild_id": 1, "name": "A" * 65}, "name"),
        ({"guild_id": 1, "event_id": ""}, "id"),
        ({"guild_id": 1, "event_id": "é" * 33}, "id"),
        ({"guild_id": 1, "data": {"a": {1, 2}}}, "data"),
        ({"guild_id": 1, "data": {"a": float("nan")}}, "data"),
        ({"guild_id": 1, "data": "\ud800"}, "data"),
        ({"guild_id": 1, "data": "x" * 1_048_577}, "data"),
    ],
)
def test_what_breaks_the_contract_is_refused_at_once_with_its_field(parts: dict, field: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        event(**parts)
    assert caught.value.field == field
