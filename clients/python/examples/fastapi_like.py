"""An endpoint of a web framework becomes a publisher: what it returns is stored, answered and published.

The endpoint and the lifespan below are written as FastAPI wants them, without needing it:

    app = FastAPI(lifespan=lifespan)
    app.post("/guilds/{guild_id}/channels/{channel_id}/messages")(create_message)

Run it against a gateway to publish one message:

    python examples/fastapi_like.py GUILD_ID CHANNEL_ID "hello"
"""

from __future__ import annotations

import asyncio
import functools
import sys
import time
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Awaitable, Callable, Dict

from derailed_tunnel import Unavailable
from derailed_tunnel.aio import Publisher

Payload = Dict[str, Any]
Endpoint = Callable[..., Awaitable[Payload]]

publisher = Publisher("127.0.0.1:17000")


@asynccontextmanager
async def lifespan(app: object = None) -> AsyncIterator[None]:
    """One publisher for the whole life of the program. Leaving it waits for what is still on its way."""
    async with publisher:
        yield


def publishes(event_name: str) -> Callable[[Endpoint], Endpoint]:
    """The endpoint's answer goes to everybody who may see the channel before the caller gets it."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def publishing(*, guild_id: int, channel_id: int, **rest: Any) -> Payload:
            payload = await endpoint(guild_id=guild_id, channel_id=channel_id, **rest)
            try:
                # The message's own id makes a retry of the request the same event.
                await publisher.publish(
                    event_name,
                    payload,
                    guild_id=guild_id,
                    channel_id=channel_id,
                    event_id=f"{event_name}:{payload['id']}",
                )
            except Unavailable:
                # It is stored; clients that missed it will read it from the API. Log it in a real program.
                pass
            return payload

        return publishing

    return wrap


@publishes("MESSAGE_CREATE")
async def create_message(*, guild_id: int, channel_id: int, content: str) -> Payload:
    """The endpoint as it was before: stores the message and returns it."""
    message_id = int(time.time() * 1000) << 22
    author = {"id": "1", "username": "example", "discriminator": "0", "avatar": None}
    # Ids as text: numbers above 2^53 lose digits in JavaScript.
    return {"id": str(message_id), "channel_id": str(channel_id), "author": author, "content": content}


async def main(guild_id: int, channel_id: int, content: str) -> None:
    async with lifespan():
        print(await create_message(guild_id=guild_id, channel_id=channel_id, content=content))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
