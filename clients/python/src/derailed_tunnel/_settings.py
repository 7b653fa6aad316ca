"""What both publishers are told about the tunnel, and how they dial it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple, Union

import grpc

METHOD = "/derailed.tunnel.v1.Tunnel/PublishStream"

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0


@dataclass(frozen=True)
class Tls:
    """Speak TLS to the tunnel. All values are PEM.

    Attributes:
        ca: who signed the tunnel's certificate; the system's authorities when None
        cert: this program's certificate chain, for a tunnel that demands one
        key: its private key
    """

    ca: Optional[bytes] = None
    cert: Optional[bytes] = None
    key: Optional[bytes] = None

    @classmethod
    def from_files(
        cls,
        ca: Union[str, Path, None] = None,
        cert: Union[str, Path, None] = None,
        key: Union[str, Path, None] = None,
    ) -> "Tls":
        return cls(*(None if path is None else Path(path).read_bytes() for path in (ca, cert, key)))

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.ca, self.key, self.cert)


@dataclass(frozen=True)
class Settings:
    addresses: Tuple[str, ...]
    token: Optional[str]
    tls: Optional[Tls]
    max_in_flight: int
    retry_for: float

    @property
    def metadata(self) -> Tuple[Tuple[str, str], ...]:
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)

    @property
    def channel_options(self) -> List[Tuple[str, Union[str, int]]]:
        return [
            # Connections that died without a word are found out within half a minute.
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            # Also the limit for connecting.
            ("grpc.min_reconnect_backoff_ms", 5_000),
            # Otherwise a new channel would inherit the waiting of the last one to that address.
            ("grpc.use_local_subchannel_pool", 1),
        ]


def settings_of(
    addresses: Union[str, Sequence[str]],
    *,
    token: Optional[str],
    tls: Optional[Tls],
    max_in_flight: int,
    retry_for: float,
) -> Settings:
    """
    Raises:
        ValueError: no address, or a limit that lets nothing through
    """
    listed = (addresses,) if isinstance(addresses, str) else tuple(addresses)
    if not listed or not all(listed):
        raise ValueError("addresses: name at least one HOST:PORT")
    if max_in_flight < 1:
        raise ValueError("max_in_flight: must be at least 1")
    if retry_for <= 0:
        raise ValueError("retry_for: must be more than 0 seconds")
    return Settings(listed, token, tls, max_in_flight, retry_for)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, with jitter, so that publishers don't come as one."""
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)


class Dialling:
    """Which address is next, and how long to wait before."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._count = len(addresses)
        self._addresses: Iterator[str] = cycle(addresses)
        self._failures = 0
        self.address = next(self._addresses)

    def worked(self) -> None:
        self._failures = 0

    def failed(self) -> float:
        """Moves on to the next address. Waits only when all of them have failed in turn."""
        self._failures += 1
        self.address = next(self._addresses)
        rounds, rest = divmod(self._failures, self._count)
        return backoff(rounds) if rest == 0 else 0.0
