"""What the end of a stream means for the events that have no answer."""

from __future__ import annotations

from typing import Callable, Optional

import grpc

from .errors import Refused, TunnelError, Unauthenticated

#: Ends after which the next attempt would end the same.
_HOPELESS = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED})


def verdict(code: grpc.StatusCode, details: str) -> Optional[Callable[[str], TunnelError]]:
    """The error for each event (called with its id) when no other attempt can go better, else None."""
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return lambda event_id: Unauthenticated(details, event_id=event_id)
    if code in _HOPELESS:
        return lambda event_id: Refused(details, code=int(code.value[0]), event_id=event_id)
    return None
