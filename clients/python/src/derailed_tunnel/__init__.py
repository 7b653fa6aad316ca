"""Publishes events to the clients of a Derailed Gateway.

>>> from derailed_tunnel import Publisher
>>> with Publisher("127.0.0.1:17000") as publisher:  # doctest: +SKIP
...     publisher.publish("MESSAGE_CREATE", {"id": "3", "channel_id": "2", "content": "hi"}, guild_id=1)
PublishResult(event_id='...', sessions=12)

``derailed_tunnel.aio.Publisher`` is the same for asyncio.
"""

from __future__ import annotations

from ._event import Data, Id, PublishResult
from ._settings import Tls
from .errors import (
    InvalidEvent,
    PublisherClosed,
    PublishTimeout,
    Refused,
    TunnelError,
    Unauthenticated,
    Unavailable,
    WindowFull,
)
from .publisher import Publisher

__all__ = [
    "Data",
    "Id",
    "InvalidEvent",
    "PublishResult",
    "PublishTimeout",
    "Publisher",
    "PublisherClosed",
    "Refused",
    "Tls",
    "TunnelError",
    "Unauthenticated",
    "Unavailable",
    "WindowFull",
]
