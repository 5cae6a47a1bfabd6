"""Twenty connections that are kept alive, fifty requests on each: GET, HEAD and POST. Argument: ADDRESS:PORT."""
import asyncio
import sys

import aiohttp

CONNECTIONS, REQUESTS = 20, 50
opened = 0


async def count(*_):
    global opened
    opened += 1


async def one(session, url, number):
    kind = number % 3
    if kind == 0:
        async with session.get(url) as answer:
            assert answer.status == 200 and await answer.text() == "Hello, World!\n"
    elif kind == 1:
        async with session.head(url) as answer:
            assert answer.status == 200 and answer.headers["content-length"] == "14"
    else:
        body = b"x" * (number * 37)
        async with session.post(url, data=body) as answer:
            assert answer.status == 200 and await answer.text() == f"{len(body)} bytes received\n"


async def client(session, url):
    for number in range(REQUESTS):
        await one(session, url, number)


async def main():
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trace_configs=[trace]) as session:
        url = f"http://{sys.argv[1]}/"
        await asyncio.gather(*(client(session, url) for _ in range(CONNECTIONS)))
    print(f"{CONNECTIONS * REQUESTS} answers, {opened} connections")


asyncio.run(main())
