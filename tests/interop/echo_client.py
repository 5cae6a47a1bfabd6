"""Twenty connections send a megabyte each while they read, then close their half. Argument: ADDRESS:PORT."""
import asyncio
import sys

CONNECTIONS, SIZE = 20, 1_000_000


async def client(host, port, number):
    reader, writer = await asyncio.open_connection(host, port)
    sent = bytes((number * 7 + at * 13 + at // 251) % 256 for at in range(SIZE // 10)) * 10

    async def send():
        for at in range(0, SIZE, 33_333):
            writer.write(sent[at : at + 33_333])
            await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    heard = await reader.read(-1)
    await sending
    assert heard == sent, f"connection {number}: {len(heard)} bytes came back, not the {SIZE} that were sent"
    writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    clients = (client(host, int(port), number) for number in range(CONNECTIONS))
    await asyncio.wait_for(asyncio.gather(*clients), 15)
    print(f"{CONNECTIONS} echoes of {SIZE} bytes")


asyncio.run(main())
