#!/usr/bin/env python3
"""A web server that misbehaves on request, for the tests of the fetcher. Standard library only.

Listens on two free ports of 127.0.0.1 and prints them on its first line: `PORT FORBIDDEN`. A request to the second is
one that should not have been made. Ends when its standard input does, so that it never outlives the test.
`GET /count?PATH` tells how often PATH was asked for; all other routes are below, and answer any query.
"""
import asyncio
import collections
import gzip
import os
import sys
import threading
import zlib
from urllib.parse import unquote

BODY = bytes(range(256)) * 40
counts = collections.Counter()
events = collections.defaultdict(asyncio.Event)
gates = collections.defaultdict(lambda: {"now": 0, "peak": 0, "event": asyncio.Event()})
forbidden_port = 0


class Request:
    def __init__(self, reader, writer, method, target, headers, body):
        self.reader, self.writer, self.method, self.headers, self.body = reader, writer, method, headers, body
        self.target = target
        self.path, _, self.query = target.partition("?")

    async def raw(self, *parts):
        for part in parts:
            self.writer.write(part.encode("latin-1") if isinstance(part, str) else part)
            await self.writer.drain()

    async def answer(self, body=BODY, status="200 OK", headers=(), length=None):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        await self.raw("\r\n".join(lines) + "\r\n\r\n", body)

    async def redirect(self, location, status="302 Found", headers=()):
        await self.answer(b"", status, [f"Location: {location}", *headers])


ROUTES = {}


def route(function):
    ROUTES["/" + function.__name__.replace("_", "-")] = function
    return function


# --- Good answers
@route
async def ok(r): await r.answer()
@route
async def echo(r): await r.answer(r.body, headers=[f"X-Method: {r.method}", f"X-Token: {r.headers.get('x-token', '')}"])
@route
async def target(r): await r.answer(r.target.encode())
@route
async def header(r): await r.answer(r.headers.get(r.query, "").encode())
@route
async def peer(r): await r.answer(str(r.writer.get_extra_info("peername")[1]).encode())
@route
async def empty(r): await r.answer(b"")
@route
async def chunked(r):
    await r.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(BODY), 1000):
        part = BODY[start:start + 1000]
        await r.raw(f"{len(part):x}\r\n", part, "\r\n")
    await r.raw("0\r\n\r\n")
@route
async def endless_extension(r):
    await r.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a;")
    while True: await r.raw("x" * 65536)
@route
async def gzipped(r): await r.answer(gzip.compress(BODY), headers=["Content-Encoding: gzip"])
@route
async def encoded(r):
    """A body that is said to be encoded as the query says, and is not."""
    await r.answer(headers=["Content-Encoding: " + unquote(r.query)])
@route
async def cut_gzip(r): await r.answer(gzip.compress(BODY)[:-20], headers=["Content-Encoding: gzip"])
@route
async def deflated(r):
    packer = zlib.compressobj(wbits=-15 if r.query == "raw" else 15)
    await r.answer(packer.compress(BODY) + packer.flush(), headers=["Content-Encoding: deflate"])
@route
async def part(r):
    """206 with the range that the query says, and the whole body."""
    await r.answer(status="206 Part", headers=["Content-Range: bytes " + r.query])
@route
async def latin1_redirect(r): await r.raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /target?caf\xe9\r\n\r\n")
@route
async def empty_object(r): await r.answer(b"", "416 No", ["Content-Range: bytes */0"])
@route
async def no_ranges(r): await (r.answer(b"", "416 No") if "range" in r.headers else r.answer())
@route
async def early_hints(r):
    await r.raw("HTTP/1.1 103 Early Hints\r\nX-Robots-Tag: noai\r\n\r\n")
    await r.answer()


asked_ranges = {}
@route
async def ranges(r):
    tag, wanted = '"v1"', r.headers.get("range", "")
    asked_ranges[r.query] = wanted
    if not wanted or r.headers.get("if-range", tag) != tag:
        return await r.answer(headers=[f"ETag: {tag}"])
    start, end = (int(n) for n in wanted.removeprefix("bytes=").split("-"))
    if start >= len(BODY): return await r.answer(b"", "416 No", [f"Content-Range: bytes */{len(BODY)}"])
    part = BODY[start:end + 1]
    await r.answer(part, "206 Part", [f"ETag: {tag}", f"Content-Range: bytes {start}-{start + len(part) - 1}/{len(BODY)}"])
@route
async def empty_part(r): await r.answer(b"", "206 Part", ["Content-Range: bytes 0-9/10"])
@route
async def asked_range(r): await r.answer(asked_ranges.get(r.query, "").encode())


# --- Statuses
@route
async def status(r): await r.answer(b"no", f"{r.query} X")
@route
async def error_with_long_body(r): await r.answer(bytes(1 << 20), "404 Not Found")
@route
async def fails_once(r): await (r.answer(b"", "500 Oops") if counts[r.target] == 1 else r.answer())
@route
async def busy(r): await r.answer(b"", "429 Busy", ["Retry-After: 86400"])
@route
async def busy_once(r):
    await (r.answer(b"", "429 Busy", [f"Retry-After: {r.query}"]) if counts[r.target] == 1 else r.answer())


# --- Redirects
@route
async def hop(r):
    left = int(r.query)
    await (r.redirect(f"{r.path[1:]}?{left - 1}") if left else r.answer())
@route
async def loop(r): await r.redirect("/loop")
@route
async def to(r): await r.redirect(unquote(r.query, "latin-1").replace("FORBIDDEN", str(forbidden_port)))
@route
async def slow_hop(r):
    await asyncio.sleep(0.1)
    await hop(r)
@route
async def nowhere(r): await r.answer(b"", "302 Found")
@route
async def forbids_and_redirects(r): await r.redirect("/ok", headers=["X-Robots-Tag: noai"])


# --- Slow, endless, lying
@route
async def hang(r):
    events["hang" + r.query].set()
    await r.reader.read()
    events["closed" + r.query].set()
@route
async def drip(r):
    await r.raw(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n")
    while True:
        await r.raw(b"x")
        await asyncio.sleep(0.02)
@route
async def endless(r):
    await r.raw("HTTP/1.1 200 OK\r\n\r\n")
    while True: await r.raw(bytes(65536))
@route
async def claims_a_terabyte(r):
    await r.answer(b"x", length=10**12)
    await r.reader.read()
@route
async def claims_too_much(r):
    await r.answer(length=len(BODY) + 1)
    r.writer.close()
@route
async def closes_at_once(r): r.writer.close()
@route
async def closes_once(r):
    if counts[r.target] == 1: r.writer.close()
    else: await r.answer()
@route
async def not_http(r):
    await r.raw("SSH-2.0-OpenSSH_9.2\r\n")
    r.writer.close()


# --- Encodings and heads
@route
async def bomb(r): await r.answer(gzip.compress(bytes(32 << 20)), headers=["Content-Encoding: gzip"])
@route
async def long_header(r): await r.answer(headers=["X-Long: " + "a" * int(r.query)])
@route
async def many_headers(r): await r.answer(headers=[f"X-{n}: a" for n in range(int(r.query))])
@route
async def interim_answers_for_ever(r):
    while True: await r.raw("HTTP/1.1 100 Continue\r\n\r\n" * 100)
@route
async def forbids(r):
    """X-Robots-Tag as the query says; the body never comes, so only who reads the head first gets an answer."""
    await r.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Robots-Tag: " + r.query.replace("+", " ") + "\r\n\r\n")
    await r.reader.read()
@route
async def reserved(r): await r.answer(headers=["TDM-Reservation: 1"])


# --- Control
@route
async def count(r): await r.answer(str(counts[r.query]).encode())
@route
async def wait(r):
    """Answers when the event of that name has happened."""
    await events[r.query].wait()
    await r.answer(b"")
@route
async def gate(r):
    """Answers when as many requests as the query says are here at once."""
    gate = gates[r.query]
    gate["now"] += 1
    gate["peak"] = max(gate["peak"], gate["now"])
    event = gate["event"]
    if gate["now"] >= int(r.query.split("&")[0]):
        event.set()
        gate["now"], gate["event"] = 0, asyncio.Event()
    await event.wait()
    await r.answer(str(gate["peak"]).encode())


async def read_request(reader, writer):
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) < 2: return None
    headers = {}
    while text := (await reader.readline()).decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(reader, writer, line[0], line[1], headers, body)


async def serve(reader, writer):
    try:
        while not writer.is_closing() and (request := await read_request(reader, writer)):
            counts[request.target] += 1
            await ROUTES.get(request.path, target)(request)
    except (OSError, asyncio.IncompleteReadError, ValueError):
        pass  # the client went away, as many of these routes make it do
    finally:
        writer.close()


async def refuse(reader, writer):
    counts["forbidden"] += 1
    writer.close()


async def main():
    global forbidden_port
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    forbidden = await asyncio.start_server(refuse, "127.0.0.1", 0)
    forbidden_port = forbidden.sockets[0].getsockname()[1]
    print(f"{server.sockets[0].getsockname()[1]} {forbidden_port}", flush=True)
    await asyncio.Event().wait()


threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
asyncio.run(main())
