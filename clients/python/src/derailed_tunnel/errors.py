"""What can go wrong with a publish."""

from __future__ import annotations

from typing import Optional


class TunnelError(Exception):
    """Base of all errors of this package."""

    def __init__(self, message: str, *, event_id: Optional[str] = None) -> None:
        super().__init__(message)
        #: The event's id, if it had got one by then.
        self.event_id = event_id


class InvalidEvent(TunnelError, ValueError):
    """The event breaks the contract; it was not sent to anybody and never will be."""

    def __init__(self, message: str, *, field: str, event_id: Optional[str] = None) -> None:
        super().__init__(message, event_id=event_id)
        #: The field that is wrong, such as ``data`` or ``guild_id``.
        self.field = field


class Unauthenticated(TunnelError):
    """The tunnel does not know the token."""


class Unavailable(TunnelError):
    """The event could not be delivered within ``retry_for``. Some sessions may have it: publish again with the same id."""


class Refused(TunnelError):
    """The tunnel answered with something that no retry cures."""

    def __init__(self, message: str, *, code: int, event_id: Optional[str] = None) -> None:
        super().__init__(message, event_id=event_id)
        #: The google.rpc.Code of the answer.
        self.code = code


class PublishTimeout(TunnelError, TimeoutError):
    """Nobody waits any more, but the event is still on its way. Publishing it again with its id waits on."""


class WindowFull(TunnelError, TimeoutError):
    """Too many events are without an answer; this one was not taken."""


class PublisherClosed(TunnelError):
    """The publisher was closed before the event was acknowledged."""
