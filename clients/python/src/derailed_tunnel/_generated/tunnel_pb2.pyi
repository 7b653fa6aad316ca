from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("id", "target", "name", "data", "volatile")
    ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    VOLATILE_FIELD_NUMBER: _ClassVar[int]
    id: str
    target: Target
    name: str
    data: str
    volatile: bool
    def __init__(self, id: _Optional[str] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., name: _Optional[str] = ..., data: _Optional[str] = ..., volatile: bool = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("guild", "users")
    GUILD_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    guild: GuildTarget
    users: UsersTarget
    def __init__(self, guild: _Optional[_Union[GuildTarget, _Mapping]] = ..., users: _Optional[_Union[UsersTarget, _Mapping]] = ...) -> None: ...

class GuildTarget(_message.Message):
    __slots__ = ("guild_id", "channel_id", "permissions")
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    guild_id: str
    channel_id: str
    permissions: str
    def __init__(self, guild_id: _Optional[str] = ..., channel_id: _Optional[str] = ..., permissions: _Optional[str] = ...) -> None: ...

class UsersTarget(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class PublishRequest(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: Event
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class PublishResponse(_message.Message):
    __slots__ = ("event_id", "sessions")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    sessions: int
    def __init__(self, event_id: _Optional[str] = ..., sessions: _Optional[int] = ...) -> None: ...

class PublishStreamRequest(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: Event
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class PublishStreamResponse(_message.Message):
    __slots__ = ("event_id", "sessions", "code", "error")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    sessions: int
    code: int
    error: str
    def __init__(self, event_id: _Optional[str] = ..., sessions: _Optional[int] = ..., code: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class GetGuildInfoRequest(_message.Message):
    __slots__ = ("guild_id",)
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    guild_id: str
    def __init__(self, guild_id: _Optional[str] = ...) -> None: ...

class GetGuildInfoResponse(_message.Message):
    __slots__ = ("presences", "available")
    PRESENCES_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    presences: int
    available: bool
    def __init__(self, presences: _Optional[int] = ..., available: bool = ...) -> None: ...

class GetUserPresenceRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetUserPresenceResponse(_message.Message):
    __slots__ = ("status", "activities", "sessions")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    status: str
    activities: str
    sessions: int
    def __init__(self, status: _Optional[str] = ..., activities: _Optional[str] = ..., sessions: _Optional[int] = ...) -> None: ...

class DisconnectUserRequest(_message.Message):
    __slots__ = ("user_id", "close_code")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSE_CODE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    close_code: int
    def __init__(self, user_id: _Optional[str] = ..., close_code: _Optional[int] = ...) -> None: ...

class DisconnectUserResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: int
    def __init__(self, sessions: _Optional[int] = ...) -> None: ...
