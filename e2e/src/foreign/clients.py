"""A client library in Python as it is. Prints a line of JSON for each dispatch ({t, s, d}), one for what it has cached
once it is ready ({ready}), and one for each message that its user is told of ({saw}).

LIBRARY HOST:PORT TOKEN COMPRESSION GUILD MEMBER
"""

import asyncio
import json
import sys

library, at, token, compression, guild_id, member_id = sys.argv[1:]

if compression == "zlib-stream":
    # Both take zstd where they find it.
    sys.modules["zstandard"] = None
    sys.modules["backports.zstd"] = None


def say(**line):
    # hikari's payloads can't be changed, and json writes dicts only.
    print(json.dumps(line, default=dict), flush=True)


def discord_py():
    import discord
    import yarl
    from discord.gateway import DiscordWebSocket

    discord.http.Route.BASE = f"http://{at}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{at}/")
    client = discord.Client(intents=discord.Intents.all(), enable_debug_events=True, chunk_guilds_at_startup=False)

    @client.event
    async def on_socket_raw_receive(message):
        packet = json.loads(message)
        if packet["op"] == 0:
            say(t=packet["t"], s=packet["s"], d=packet["d"])

    @client.event
    async def on_message(message):
        say(saw=message.content)

    @client.event
    async def on_ready():
        say(ready={str(guild.id): guild.name for guild in client.guilds})
        await client.get_guild(int(guild_id)).query_members(user_ids=[int(member_id)])

    client.run(token, log_handler=None)


def hikari_bot():
    import hikari

    bot = hikari.GatewayBot(
        token, rest_url=f"http://{at}/api/v10", intents=hikari.Intents.ALL, banner=None, logs="ERROR"
    )

    @bot.listen(hikari.ShardPayloadEvent)
    async def on_payload(event):
        say(t=event.name, d=event.payload)

    @bot.listen(hikari.GuildMessageCreateEvent)
    async def on_message(event):
        say(saw=event.content)

    guilds = asyncio.Queue()

    @bot.listen(hikari.GuildAvailableEvent)
    async def on_guild(event):
        guilds.put_nowait(event.guild)

    async def main():
        await bot.start(check_for_updates=False)
        # Its own event for "ready" waits for members of every guild.
        found = {str(guild.id): guild.name for guild in [await guilds.get(), await guilds.get()]}
        assert found == {str(id): guild.name for id, guild in bot.cache.get_guilds_view().items()}
        say(ready=found)
        await bot.request_guild_members(int(guild_id), users=[hikari.Snowflake(member_id)])
        await bot.join()

    asyncio.run(main())


discord_py() if library == "discord.py" else hikari_bot()
