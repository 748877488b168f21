"""A WebSocket client that is none of ours: says one thing, tells what it hears, a line of JSON each.

usage: client.py URL FIRST-MESSAGE [MESSAGES [ACKNOWLEDGED]]

It listens until it is closed on, and then tells how; or to so many messages, of which it acknowledges so many, and then
goes away without a word.
"""

import asyncio
import json
import sys

import websockets


async def main(url, first, messages=None, acknowledged=None):
    async with websockets.connect(url, proxy=None, max_size=None) as socket:
        await socket.send(first)
        heard = 0
        try:
            while messages is None or heard < int(messages):
                tell(json.loads(await socket.recv()))
                heard += 1
        except websockets.ConnectionClosed as closed:
            return tell({"closed": closed.rcvd.code, "reason": closed.rcvd.reason})
        if acknowledged is not None:
            await socket.send(json.dumps({"acknowledge": int(acknowledged)}))
            # The answer to a ping comes after what was said before it has been read.
            await (await socket.ping())
        socket.transport.abort()


def tell(what):
    print(json.dumps(what, separators=(",", ":")), flush=True)


asyncio.run(main(*sys.argv[1:]))
