#!/usr/bin/env python3
"""Hosts in trouble, each on a port of its own, for the tests of the fetcher. Standard library only.

Prints `NAME PORT` for each on its first line. Ends when its standard input does. Every image is the body `x` * 1000.
"""
import asyncio
import os
import random
import socket
import sys
import threading
import time

BODY = b"x" * 1000
START = time.monotonic()
random.seed(1)


async def read_request(reader):
    if not await reader.readline(): return False
    while (await reader.readline()).strip(): pass
    return True


def reply(status="200 OK", body=BODY, headers=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode() + body


class Limited:
    """Takes eight requests at once, and answers the others with 429 and a time to wait."""
    now = 0

    async def __call__(self, reader, writer):
        self.now += 1
        try:
            if not await read_request(reader): return
            if self.now > 8:
                writer.write(reply("429 Busy", b"", "Retry-After: 1\r\n"))
            else:
                await asyncio.sleep(0.01)
                writer.write(reply())
            await writer.drain()
        finally:
            self.now -= 1


class Resetting:
    """Resets a third of the connections."""
    async def __call__(self, reader, writer):
        if not await read_request(reader): return
        if random.random() < 1 / 3:
            writer.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
            return
        writer.write(reply())
        await writer.drain()


class Stalled:
    """Says nothing in the first two seconds after it was asked first."""
    first = None

    async def __call__(self, reader, writer):
        self.first = self.first or time.monotonic()
        if not await read_request(reader): return
        if time.monotonic() < self.first + 2: await asyncio.sleep(60)
        writer.write(reply())
        await writer.drain()


class Good:
    async def __call__(self, reader, writer):
        if not await read_request(reader): return
        writer.write(reply())
        await writer.drain()


def guarded(handler):
    async def serve(reader, writer):
        try:
            await handler(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()
    return serve


def backlog_server():
    """Takes connections one at a time, a few hundred a second, with a listen backlog of 5."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)

    def run():
        while True:
            connection, _ = server.accept()
            with connection:
                time.sleep(0.003)
                try:
                    connection.recv(65536)
                    connection.sendall(reply())
                except OSError:
                    pass
    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


async def main():
    ports = {"backlog": backlog_server()}
    for name, handler in {"limited": Limited(), "resetting": Resetting(), "stalled": Stalled(), "good": Good()}.items():
        server = await asyncio.start_server(guarded(handler), "127.0.0.1", 0)
        ports[name] = server.sockets[0].getsockname()[1]
    # Bound, it is nobody else's; connections are refused until it listens.
    away = socket.socket()
    away.bind(("127.0.0.1", 0))
    ports["away"] = away.getsockname()[1]
    print(" ".join(f"{name} {port}" for name, port in ports.items()), flush=True)
    await asyncio.sleep(3)
    away.listen(128)
    away.setblocking(False)
    await asyncio.start_server(guarded(Good()), sock=away)
    await asyncio.Event().wait()


threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
asyncio.run(main())
