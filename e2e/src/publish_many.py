"""Publishes MESSAGE_CREATE 1..COUNT to a channel and waits until all are acknowledged."""

import sys

from derailed_tunnel import Publisher


def main(address: str, guild_id: str, channel_id: str, count: int) -> None:
    with Publisher(address) as publisher:
        futures = [
            publisher.publish_soon(
                "MESSAGE_CREATE",
                {"id": str(n), "channel_id": channel_id, "guild_id": guild_id, "content": f"message {n}"},
                guild_id=guild_id,
            )
            for n in range(1, count + 1)
        ]
        sessions = {future.result().sessions for future in futures}
    print(f"{count} acknowledged, sessions {sorted(sessions)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
