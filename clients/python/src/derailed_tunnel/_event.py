"""From what a caller says to what goes over the wire."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional, Sequence, Tuple, Union

from ._generated import tunnel_pb2 as pb
from .errors import InvalidEvent

#: A snowflake, as text or as a number.
Id = Union[str, int]
#: A payload: JSON text as it is to reach the clients, or something that becomes it.
Data = Union[str, Mapping[str, Any], Sequence[Any], None]

_NAME = re.compile(r"[A-Z0-9_]{1,64}")
_MAX_DATA = 1_048_576
_MAX_ID = 64
_MAX_USERS = 1000
_MAX_SNOWFLAKE = 2**64 - 1


@dataclass(frozen=True)
class PublishResult:
    """An event that was delivered."""

    #: The id under which it went, to find it in logs.
    event_id: str
    #: How many sessions have it; 0 when nobody is there to get it.
    sessions: int


@dataclass(frozen=True)
class Outgoing:
    """An event ready to be sent."""

    event_id: str
    #: Whom it is for, as keys: events with a key in common keep their order.
    targets: Tuple[str, ...]
    request: pb.PublishStreamRequest


def outgoing(
    event_name: str,
    data: Data,
    *,
    guild_id: Optional[Id],
    channel_id: Optional[Id],
    permissions: Union[str, int, None],
    user_ids: Optional[Iterable[Id]],
    event_id: Optional[str],
    volatile: bool,
) -> Outgoing:
    """Builds the message. What the tunnel would refuse for its form is refused here, so that one bad event can't
    break the stream for all others.

    Raises:
        InvalidEvent: with the field that is wrong
    """
    identity = uuid.uuid4().hex if event_id is None else event_id
    if not identity or len(_utf8("id", identity)) > _MAX_ID:
        raise InvalidEvent(f"id: must have 1 to {_MAX_ID} bytes", field="id")
    if not _NAME.fullmatch(event_name):
        raise InvalidEvent("name: must be 1 to 64 of A-Z, 0-9 and _", field="name", event_id=identity)
    text = _text(data)
    if len(_utf8("data", text)) > _MAX_DATA:
        raise InvalidEvent(f"data: must have at most {_MAX_DATA} bytes", field="data", event_id=identity)
    target, keys = _target(guild_id, channel_id, permissions, user_ids)
    event = pb.Event(id=identity, target=target, name=event_name, data=text, volatile=volatile)
    return Outgoing(identity, keys, pb.PublishStreamRequest(event=event))


def _target(
    guild_id: Optional[Id],
    channel_id: Optional[Id],
    permissions: Union[str, int, None],
    user_ids: Optional[Iterable[Id]],
) -> Tuple[pb.Target, Tuple[str, ...]]:
    if (guild_id is None) == (user_ids is None):
        raise InvalidEvent("target: name either guild_id or user_ids", field="target")
    if user_ids is not None:
        if channel_id is not None:
            raise InvalidEvent("channel_id: belongs to a guild_id", field="channel_id")
        if permissions is not None:
            raise InvalidEvent("permissions: belong to a guild_id", field="permissions")
        users = list(dict.fromkeys(_snowflake("user_ids", user) for user in user_ids))
        if not 1 <= len(users) <= _MAX_USERS:
            raise InvalidEvent(f"user_ids: must be 1 to {_MAX_USERS} users", field="user_ids")
        return pb.Target(users=pb.UsersTarget(user_ids=users)), tuple(f"u:{user}" for user in users)
    guild = _snowflake("guild_id", guild_id)
    channel = "" if channel_id is None else _snowflake("channel_id", channel_id)
    bits = None if permissions is None else _bits(permissions)
    return pb.Target(guild=pb.GuildTarget(guild_id=guild, channel_id=channel, permissions=bits)), (f"g:{guild}",)


def _bits(value: Union[str, int]) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch("[1-9][0-9]{0,19}", text):
        raise InvalidEvent(f"permissions: must be one or more bits, not {value!r}", field="permissions")
    return text


def _snowflake(field: str, value: Optional[Id]) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch("[1-9][0-9]{0,19}", text) or int(text) > _MAX_SNOWFLAKE:
        raise InvalidEvent(f"{field}: must be a snowflake, not {value!r}", field=field)
    return text


def _text(data: Data) -> str:
    if isinstance(data, str):
        return data
    try:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"data: {error}", field="data") from error


def _utf8(field: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"{field}: {error.reason}", field=field) from error
