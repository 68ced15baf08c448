#!/usr/bin/env python3
"""A web server that counts, for tests of how politely a host is asked. Standard library only.

Listens on a free port of 127.0.0.1, which it prints, and serves one picture at every path after `--delay` seconds.
`GET /report` tells in JSON how many `requests` it had, the most at once (`peak`), and the `seconds` from the first to the last.
"""
import argparse
import asyncio
import json
import struct
import time
import zlib

counts = {"requests": 0, "now": 0, "peak": 0, "first": 0.0, "last": 0.0}


def picture(side=32):
    """A PNG in one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes((200, 90, 30)) * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def answer(path, delay):
    if path == "/report":
        return "application/json", json.dumps({
            "requests": counts["requests"], "peak": counts["peak"], "seconds": counts["last"] - counts["first"]
        }).encode()
    counts["requests"] += 1
    counts["now"] += 1
    counts["peak"] = max(counts["peak"], counts["now"])
    counts["last"] = time.monotonic()
    counts["first"] = counts["first"] or counts["last"]
    try:
        await asyncio.sleep(delay)
    finally:
        counts["now"] -= 1
    return "image/png", PICTURE


async def serve(reader, writer, delay):
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            kind, body = await answer(head.split()[1].decode(), delay)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(delay):
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


PICTURE = picture()
parser = argparse.ArgumentParser()
parser.add_argument("--delay", type=float, default=0.0)
asyncio.run(main(parser.parse_args().delay))
