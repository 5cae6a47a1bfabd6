"""A websocket server, and clients that reach it through a proxy: prints the server's port, reads the proxy's address."""
import asyncio
import sys

import websockets


async def echo(socket, *_):
    async for message in socket:
        await socket.send(message)


async def client(proxy, number):
    async with websockets.connect(f"ws://{proxy}/", max_size=1 << 22) as socket:
        for turn in range(20):
            message = bytes([number, turn]) * (1 << (turn % 18))
            await socket.send(message)
            assert await socket.recv() == message
        await asyncio.wait_for(await socket.ping(), 10)


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=1 << 22) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        proxy = (await asyncio.to_thread(sys.stdin.readline)).strip()
        await asyncio.wait_for(asyncio.gather(*(client(proxy, number) for number in range(10))), 15)
    print("200 messages")


asyncio.run(main())
