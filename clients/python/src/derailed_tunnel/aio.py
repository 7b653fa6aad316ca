"""The publisher for asyncio programs."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Deque, Iterable, List, Optional, Sequence, Tuple, Type, Union

import grpc
import grpc.aio

from ._ending import verdict
from ._event import Data, Id, PublishResult, outgoing
from ._generated import tunnel_pb2 as pb
from ._outbox import Outbox, Settled
from ._settings import METHOD, Dialling, Tls, backoff, settings_of
from .errors import PublisherClosed, PublishTimeout, TunnelError, WindowFull

__all__ = ["Publisher"]

if TYPE_CHECKING:
    Call = grpc.aio.StreamStreamCall[Any, pb.PublishStreamResponse]

Waiter = asyncio.Future  # of PublishResult; Python 3.9 can't say so at run time


class Publisher:
    """Publishes events over one stream; for the tasks of one event loop.

    Its arguments and guarantees are those of ``derailed_tunnel.Publisher``.
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
        self._outbox: "Outbox[Waiter[PublishResult]]" = Outbox(retry_for, backoff)
        #: Those who wait for room, and how many of them got it and have not used it yet.
        self._queue: "Deque[Waiter[None]]" = deque()
        self._granted = 0
        #: Those who wait for anything to change.
        self._watchers: "List[Waiter[None]]" = []
        self._task: "Optional[asyncio.Task[None]]" = None
        self._closing = False

    async def publish(
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

        Arguments and errors are those of ``derailed_tunnel.Publisher.publish``. Cancelling the wait does not call
        the event back.
        """
        end = None if timeout is None else time.monotonic() + timeout
        future = await self.publish_soon(
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
        done, _ = await asyncio.wait([future], timeout=None if end is None else max(0.0, end - time.monotonic()))
        if not done:
            raise PublishTimeout("the event is still on its way", event_id=event_id)
        return future.result()

    async def publish_soon(
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

        Waits while ``max_in_flight`` events are without an answer, at most ``timeout`` seconds. Tasks get room in the
        order in which they asked.

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
        same = self._outbox.find(event.event_id)
        if same is not None:
            return same.waiter
        await self._room(timeout, event.event_id)
        if self._closing:
            raise PublisherClosed("the publisher is closed", event_id=event.event_id)
        loop = asyncio.get_running_loop()
        future: "Waiter[PublishResult]" = loop.create_future()
        # Nobody has to look at a result that he published in the background.
        future.add_done_callback(_seen)
        self._outbox.add(event, future, time.monotonic())
        if self._task is None:
            self._task = loop.create_task(self._run(), name="derailed-tunnel")
        self._notify()
        return future

    async def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until every event has its answer. False: the timeout came first."""
        end = None if timeout is None else time.monotonic() + timeout
        while len(self._outbox) > 0:
            if end is not None and time.monotonic() >= end:
                return False
            await self._change(end)
        return True

    async def close(self, timeout: Optional[float] = None) -> None:
        """Takes no more events, waits until those that were taken have their answer, and disconnects.

        What has none after ``timeout`` seconds fails with PublisherClosed.
        """
        self._closing = True
        self._grant()
        await self.flush(timeout)
        self._tell(
            self._outbox.fail_all(lambda event_id: PublisherClosed("the publisher was closed", event_id=event_id))
        )
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def __aenter__(self) -> "Publisher":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    # ---- room

    async def _room(self, timeout: Optional[float], event_id: str) -> None:
        if self._closing or (not self._queue and self._has_room()):
            return
        turn: "Waiter[None]" = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await asyncio.wait([turn], timeout=timeout)
            if not turn.done():
                raise WindowFull("too many events are without an answer", event_id=event_id)
        finally:
            # Granted or given up: either way nothing is reserved for this one any more.
            if turn.done():
                self._granted -= 1
            else:
                self._queue.remove(turn)
            asyncio.get_running_loop().call_soon(self._grant)

    def _has_room(self) -> bool:
        return len(self._outbox) + self._granted < self._settings.max_in_flight

    def _grant(self) -> None:
        while self._queue and (self._closing or self._has_room()):
            self._granted += 1
            self._queue.popleft().set_result(None)

    # ---- the stream

    async def _run(self) -> None:
        try:
            await self._keep_streaming()
        except Exception as error:
            # Nobody would ever answer those who wait.
            why = f"the publisher broke down: {error}"
            self._task = None
            self._tell(self._outbox.fail_all(lambda event_id: TunnelError(why, event_id=event_id)))
            raise

    async def _keep_streaming(self) -> None:
        dialling = Dialling(self._settings.addresses)
        while True:
            while len(self._outbox) == 0:
                await self._change(None)
            code, details = await self._stream(dialling)
            hopeless = verdict(code, details)
            # A stream that was given up for an event is no fault of its address.
            delay = backoff(1) if self._outbox.must_reopen else dialling.failed()
            self._outbox.reopened(details)
            if hopeless is not None:
                self._tell(self._outbox.fail_all(hopeless))
            end = time.monotonic() + delay
            while time.monotonic() < end:
                self._tell(self._outbox.expire(time.monotonic()))
                await self._change(min(end, self._outbox.wake_at() or end))

    async def _stream(self, dialling: Dialling) -> Tuple[grpc.StatusCode, str]:
        """Publishes over one stream until that ends; says how it did."""
        options = self._settings.channel_options
        if self._settings.tls is None:
            channel = grpc.aio.insecure_channel(dialling.address, options)
        else:
            channel = grpc.aio.secure_channel(dialling.address, self._settings.tls.credentials(), options)
        async with channel:
            call: Call = channel.stream_stream(
                METHOD,
                request_serializer=pb.PublishStreamRequest.SerializeToString,
                response_deserializer=pb.PublishStreamResponse.FromString,
            )(metadata=self._settings.metadata)
            reading = asyncio.create_task(self._read(call, dialling))
            writing = asyncio.create_task(self._write(call))
            try:
                await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
            finally:
                call.cancel()
                reading.cancel()
                writing.cancel()
                await asyncio.gather(reading, writing, return_exceptions=True)
            return await call.code(), await call.details() or ""

    async def _read(self, call: "Call", dialling: Dialling) -> None:
        try:
            async for response in call:
                dialling.worked()
                settled = self._outbox.answer(
                    response.event_id, response.sessions, response.code, response.error, time.monotonic()
                )
                self._tell([] if settled is None else [settled])
        except grpc.RpcError:
            # The call itself says how it ended.
            pass

    async def _write(self, call: "Call") -> None:
        """Ends when the stream has to be opened anew."""
        while True:
            now = time.monotonic()
            self._tell(self._outbox.expire(now))
            if self._outbox.must_reopen:
                return
            event = self._outbox.take(now)
            if event is None:
                await self._change(self._outbox.wake_at())
                continue
            try:
                await call.write(event.request)
            except (grpc.RpcError, asyncio.InvalidStateError):
                # The reader is about to find out why.
                await asyncio.get_running_loop().create_future()

    # ---- change

    def _tell(self, settled: "Iterable[Settled[Waiter[PublishResult]]]") -> None:
        for each in settled:
            if each.waiter.done():
                continue
            if isinstance(each.outcome, TunnelError):
                each.waiter.set_exception(each.outcome)
            else:
                each.waiter.set_result(each.outcome)
        self._grant()
        self._notify()

    def _notify(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def _change(self, until: Optional[float]) -> None:
        """Waits until something has changed, or until then."""
        watcher: "Waiter[None]" = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        try:
            await asyncio.wait([watcher], timeout=None if until is None else max(0.0, until - time.monotonic()))
        finally:
            if watcher in self._watchers:
                self._watchers.remove(watcher)


def _seen(future: "Waiter[PublishResult]") -> None:
    if not future.cancelled():
        future.exception()
