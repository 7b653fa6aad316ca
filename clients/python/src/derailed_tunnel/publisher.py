"""The publisher for programs with threads."""

from __future__ import annotations

import threading
import time
from concurrent import futures
from types import TracebackType
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, Union

import grpc

from ._ending import verdict
from ._event import Data, Id, PublishResult, outgoing
from ._generated import tunnel_pb2 as pb
from ._outbox import Outbox, Settled
from ._settings import METHOD, Dialling, Tls, backoff, settings_of
from .errors import PublisherClosed, PublishTimeout, TunnelError, WindowFull

Waiter = futures.Future  # of PublishResult; Python 3.9 can't say so at run time


class Publisher:
    """Publishes events over one stream; safe to share between threads.

    Events for one guild, and for one user, reach every session in the order in which they were published here. When
    the connection breaks or an owner moves, all that has no answer goes again in that order with the same ids, so
    nothing is lost or doubled.

    Connects at the first publish, in a thread of its own. Close it, or use it as a context manager, so that nothing
    is left behind at exit.

    Args:
        addresses: HOST:PORT of a tunnel, or of several to fall over to
        token: TUNNEL_TOKEN of the tunnel
        tls: speak TLS; plaintext when None
        max_in_flight: how many events may be without an answer; publishing more blocks
        retry_for: seconds after which an event that can't be delivered fails with Unavailable
    """

    def __init__(
        self,
        addresses: Union[str, Sequence[str]] = "127.0.0.1:17000",
        *,
        token: Optional[str] = None,
        tls: Optional[Tls] = None,
        max_in_flight: int = 512,
        retry_for: float = 60.0,
    ) -> None:
        self._settings = settings_of(
            addresses, token=token, tls=tls, max_in_flight=max_in_flight, retry_for=retry_for
        )
        self._changed = threading.Condition()
        self._outbox: "Outbox[Waiter[PublishResult]]" = Outbox(retry_for, backoff)
        self._thread: Optional[threading.Thread] = None
        self._cancel_call: Callable[[], object] = lambda: None
        self._closing = False
        self._closed = False

    def publish(
        self,
        event_name: str,
        data: Data,
        *,
        guild_id: Optional[Id] = None,
        channel_id: Optional[Id] = None,
        permissions: Union[str, int, None] = None,
        user_ids: Optional[Iterable[Id]] = None,
        event_id: Optional[str] = None,
        volatile: bool = False,
        timeout: Optional[float] = None,
    ) -> PublishResult:
        """Publishes an event and waits until every session that is to get it has it.

        Args:
            event_name: such as MESSAGE_CREATE
            data: the payload: JSON text, which reaches the clients as it is, or what becomes it
            guild_id: publish to those of this guild who may see the channel; or
            user_ids: publish to these users, at most 1,000
            channel_id: the channel; where absent the data's ``channel_id`` decides (``id`` for CHANNEL_*)
            permissions: bits, one of which a member of the guild must have, whatever the event's name asks for
            event_id: makes this the same event as an earlier one with the id; a fresh one when None
            volatile: may be dropped for clients that can't keep up (typing and the like)
            timeout: seconds to wait; when None, until the event is delivered or ``retry_for`` is over

        Raises:
            InvalidEvent: the event breaks the contract; its ``field`` says where
            Unauthenticated: the tunnel does not know the token
            Unavailable: not delivered within ``retry_for``
            Refused: the tunnel answered with something else that no retry cures
            PublishTimeout: the wait is over; the event is still on its way
            WindowFull: it was not even taken within the timeout
            PublisherClosed: the publisher is closed
        """
        end = None if timeout is None else time.monotonic() + timeout
        future = self.publish_soon(
            event_name,
            data,
            guild_id=guild_id,
            channel_id=channel_id,
            permissions=permissions,
            user_ids=user_ids,
            event_id=event_id,
            volatile=volatile,
            timeout=timeout,
        )
        # An event can be in time out of two: done, and failed with a timeout of its own.
        futures.wait([future], None if end is None else max(0.0, end - time.monotonic()))
        if not future.done():
            raise PublishTimeout("the event is still on its way", event_id=event_id)
        return future.result()

    def publish_soon(
        self,
        event_name: str,
        data: Data,
        *,
        guild_id: Optional[Id] = None,
        channel_id: Optional[Id] = None,
        permissions: Union[str, int, None] = None,
        user_ids: Optional[Iterable[Id]] = None,
        event_id: Optional[str] = None,
        volatile: bool = False,
        timeout: Optional[float] = None,
    ) -> "Waiter[PublishResult]":
        """The same in the background: hands back a future of the result.

        Blocks while ``max_in_flight`` events are without an answer, at most ``timeout`` seconds. Callbacks of the
        future run in the publisher's thread: they must not block, and must not publish.

        Raises:
            InvalidEvent, WindowFull, PublisherClosed: at once; all else comes through the future
        """
        event = outgoing(
            event_name,
            data,
            guild_id=guild_id,
            channel_id=channel_id,
            permissions=permissions,
            user_ids=user_ids,
            event_id=event_id,
            volatile=volatile,
        )
        with self._changed:
            same = self._outbox.find(event.event_id)
            if same is not None:
                return same.waiter
            if not self._changed.wait_for(self._has_room, timeout):
                raise WindowFull("too many events are without an answer", event_id=event.event_id)
            if self._closing:
                raise PublisherClosed("the publisher is closed", event_id=event.event_id)
            future: "Waiter[PublishResult]" = futures.Future()
            # Whoever waits may give up, but the event can't be called back.
            future.set_running_or_notify_cancel()
            self._outbox.add(event, future, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="derailed-tunnel", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return future

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until every event has its answer. False: the timeout came first."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._outbox) == 0, timeout)

    def close(self, timeout: Optional[float] = None) -> None:
        """Takes no more events, waits until those that were taken have their answer, and disconnects.

        What has none after ``timeout`` seconds fails with PublisherClosed.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.flush(timeout)
        with self._changed:
            self._closed = True
            settled = self._outbox.fail_all(lambda event_id: PublisherClosed("the publisher was closed", event_id=event_id))
            self._changed.notify_all()
        _tell(settled)
        self._cancel_call()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _has_room(self) -> bool:
        return self._closing or len(self._outbox) < self._settings.max_in_flight

    def _run(self) -> None:
        try:
            self._keep_streaming()
        except BaseException as error:
            # Nobody would ever answer those who wait.
            why = f"the publisher broke down: {error}"
            with self._changed:
                self._thread = None
                settled = self._outbox.fail_all(lambda event_id: TunnelError(why, event_id=event_id))
                self._changed.notify_all()
            _tell(settled)
            raise

    def _keep_streaming(self) -> None:
        dialling = Dialling(self._settings.addresses)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._outbox) > 0)
                if self._closed:
                    return
            code, details = self._stream(dialling)
            hopeless = verdict(code, details)
            settled: List[Settled["Waiter[PublishResult]"]] = []
            with self._changed:
                # A stream that was given up for an event is no fault of its address.
                delay = backoff(1) if self._outbox.must_reopen else dialling.failed()
                self._outbox.reopened(details)
                if hopeless is not None:
                    settled = self._outbox.fail_all(hopeless)
                self._changed.notify_all()
            _tell(settled)
            self._wait(delay)

    def _stream(self, dialling: Dialling) -> Tuple[grpc.StatusCode, str]:
        """Publishes over one stream until that ends; says how it did."""
        options = self._settings.channel_options
        if self._settings.tls is None:
            channel = grpc.insecure_channel(dialling.address, options)
        else:
            channel = grpc.secure_channel(dialling.address, self._settings.tls.credentials(), options)
        with channel:
            method = channel.stream_stream(
                METHOD,
                request_serializer=pb.PublishStreamRequest.SerializeToString,
                response_deserializer=pb.PublishStreamResponse.FromString,
            )
            feed = _Feed(self)
            call = method(feed, metadata=self._settings.metadata)
            self._cancel_call = call.cancel
            if self._closed:
                call.cancel()
            try:
                for response in call:
                    dialling.worked()
                    self._answered(response)
            except grpc.RpcError:
                pass
            finally:
                feed.stop()
            return call.code(), call.details() or ""

    def _answered(self, response: pb.PublishStreamResponse) -> None:
        with self._changed:
            settled = self._outbox.answer(
                response.event_id, response.sessions, response.code, response.error, time.monotonic()
            )
            self._changed.notify_all()
        if settled is not None:
            _tell([settled])

    def _wait(self, delay: float) -> None:
        """Lets `delay` seconds pass between two streams; events may expire meanwhile."""
        end = time.monotonic() + delay
        while True:
            with self._changed:
                now = time.monotonic()
                settled = self._outbox.expire(now)
                if settled:
                    self._changed.notify_all()
                elif self._closed or now >= end:
                    return
                else:
                    self._changed.wait(min(end, self._outbox.wake_at() or end) - now)
            _tell(settled)


class _Feed(Iterator[pb.PublishStreamRequest]):
    """The events of one stream, as gRPC asks for them in a thread of its own: whenever it can send one more."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._stopped = False

    def stop(self) -> None:
        changed = self._publisher._changed
        with changed:
            self._stopped = True
            changed.notify_all()

    def __next__(self) -> pb.PublishStreamRequest:
        changed, outbox = self._publisher._changed, self._publisher._outbox
        while True:
            with changed:
                if self._stopped or self._publisher._closed:
                    raise StopIteration
                now = time.monotonic()
                settled = outbox.expire(now)
                if not settled and outbox.must_reopen:
                    self._publisher._cancel_call()
                    raise StopIteration
                if not settled:
                    event = outbox.take(now)
                    if event is not None:
                        return event.request
                    wake_at = outbox.wake_at()
                    changed.wait(None if wake_at is None else max(0.0, wake_at - now))
                else:
                    changed.notify_all()
            _tell(settled)


def _tell(settled: Iterable["Settled[Waiter[PublishResult]]"]) -> None:
    for each in settled:
        if isinstance(each.outcome, TunnelError):
            each.waiter.set_exception(each.outcome)
        else:
            each.waiter.set_result(each.outcome)
