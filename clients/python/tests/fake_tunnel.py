"""A tunnel in Python: keeps the contract of PublishStream, and misbehaves where a test says so."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import Callable, Dict, Iterator, List, Optional

import grpc

from derailed_tunnel._generated import tunnel_pb2 as pb

UNAVAILABLE = 14
ABORTED = 10


def targets_of(event: pb.Event) -> List[str]:
    if event.target.WhichOneof("kind") == "guild":
        return [f"g:{event.target.guild.guild_id}"]
    return [f"u:{user}" for user in event.target.users.user_ids]


class FakeTunnel:
    """Delivered events are remembered per target, each id once, as the gateway does."""

    def __init__(self, port: int = 0, token: Optional[str] = None) -> None:
        self.token = token
        #: Per target, the ids in the order in which sessions got them.
        self.delivered: Dict[str, List[str]] = {}
        #: Every event that came in, over all streams.
        self.received: List[pb.Event] = []
        self.streams = 0
        #: What to answer an event with: None delivers it.
        self.fault: Callable[[pb.Event], Optional[int]] = lambda event: None
        #: Ends the stream when it says so, after the event was delivered and before it is answered.
        self.cut: Callable[[pb.Event], bool] = lambda event: False
        #: Answers wait until this is set.
        self.answering = threading.Event()
        self.answering.set()
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        handlers = {
            "PublishStream": grpc.stream_stream_rpc_method_handler(
                self._publish_stream,
                request_deserializer=pb.PublishStreamRequest.FromString,
                response_serializer=pb.PublishStreamResponse.SerializeToString,
            )
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("derailed.tunnel.v1.Tunnel", handlers),)
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.answering.set()
        self._server.stop(0).wait()

    def _publish_stream(
        self, requests: Iterator[pb.PublishStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PublishStreamResponse]:
        if self.token is not None and ("authorization", f"Bearer {self.token}") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "authorization: must be `Bearer TOKEN`")
        self.streams += 1
        held: Dict[str, str] = {}
        for request in requests:
            event = request.event
            with self._lock:
                self.received.append(event)
                code = self._code_of(event, held)
                if code == 0:
                    for target in targets_of(event):
                        seen = self.delivered.setdefault(target, [])
                        if event.id not in seen:
                            seen.append(event.id)
            if self.cut(event):
                context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
            self.answering.wait()
            sessions = 1 if code == 0 else 0
            error = "" if code == 0 else "data: refused" if code == 3 else "no"
            yield pb.PublishStreamResponse(event_id=event.id, sessions=sessions, code=code, error=error)

    def _code_of(self, event: pb.Event, held: Dict[str, str]) -> int:
        targets = targets_of(event)
        if any(held.get(target, event.id) != event.id for target in targets):
            for target in targets:
                held.setdefault(target, event.id)
            return ABORTED
        for target in targets:
            held.pop(target, None)
        code = self.fault(event) or 0
        if code in (1, 4, 8, ABORTED, UNAVAILABLE):
            for target in targets:
                held[target] = event.id
        return code
