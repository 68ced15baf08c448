#!/usr/bin/env python3
"""A small internet on loopback addresses: a name server and thousands of web servers in one process.

    world.py WORLD.json RECORD.json

WORLD.json: {"images": [files], "seed": 1, "resolver": {"address": "127.0.0.53", "drop": 0.1}, "hosts": [host, ...]}.
A host has a `name`, an `address`, and any of these:

    port 80           where it listens
    delay [a, b]      seconds to the first byte, drawn for each path
    late [n, s]       each n-th row takes s seconds to the first byte
    limit N           more requests at once get 429 with `retry_after` seconds (1)
    backlog N         the length of its listen queue; `accept_every` seconds it takes one connection from it
    close             a connection serves one request
    reset p           the share of connections that are reset, half of them in the middle of an answer; a path suffers that at
                      most `resets_a_path` (4) times
    away [a, b]       listens to nothing from second a to second b
    stall [a, b]      says nothing between these seconds, then goes on
    trickle s         a body takes s seconds; the first time it is asked for it breaks off before its end
    silent            takes connections and never says a word
    refused           listens to nothing, ever
    lookup_fails s    its name cannot be resolved until s seconds after the first question
    no_name           its name does not exist
    truncated         its name is told over TCP alone
    first_address A   its name has this address too, before its own
    status S          every answer has this status, and no picture

Seconds count from the first question or connection. A path is /ROW-IMAGE.jpg. Prints "ready" once all listen; at SIGTERM it writes
RECORD.json: for each host the requests, the most connections, the most requests in one second and at once, the rows served and
when the last of them was served for the first time.
"""
import asyncio
import collections
import contextlib
import json
import random
import signal
import socket
import struct
import sys
import time

RESET = struct.pack("ii", 1, 0)


class Host:
    def __init__(self, world, settings):
        self.world, self.settings, self.name = world, settings, settings["name"]
        self.random = random.Random(f"{world.seed}:{self.name}")
        self.open = set()
        self.most_connections = self.at_once = self.most_at_once = 0
        self.requests = self.refusals = self.resets = self.most_a_second = 0
        self.recent = collections.deque()
        self.served, self.broken, self.resets_of = {}, set(), collections.Counter()
        self.listener = None

    def get(self, key, default=None):
        return self.settings.get(key, default)

    # --- Listening
    def listen(self):
        if self.listener or self.get("refused") or self.get("no_name"):
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((self.settings["address"], self.get("port", 80)))
        listener.listen(self.get("backlog", 1024))
        self.listener = listener
        self.world.loop.add_reader(listener, self.accept)

    def stop_listening(self):
        if self.listener:
            self.world.loop.remove_reader(self.listener)
            self.listener.close()
            self.listener = None
            for connection in list(self.open):
                connection.reset()

    def accept(self):
        pause = self.get("accept_every")
        for _ in range(1 if pause else 64):
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break
            self.world.now()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.world.loop.create_task(self.world.loop.connect_accepted_socket(lambda: Connection(self), connection))
        if pause:
            self.world.loop.remove_reader(self.listener)
            self.world.loop.call_later(pause, self.accept_again)

    def accept_again(self):
        if self.listener:
            self.world.loop.add_reader(self.listener, self.accept)

    # --- Counting
    def note_request(self):
        now = self.world.now()
        self.requests += 1
        self.recent.append(now)
        while self.recent[0] <= now - 1:
            self.recent.popleft()
        self.most_a_second = max(self.most_a_second, len(self.recent))

    def note_at_once(self, change):
        self.at_once += change
        self.most_at_once = max(self.most_at_once, self.at_once)

    def delay(self, path, row):
        """The same for a path whenever it is asked for."""
        every, late = self.get("late", (0, 0))
        if every and row is not None and row % every == every - 1:
            return late
        low, high = self.get("delay", (0, 0))
        wait = low + (high - low) * random.Random(f"{self.world.seed}:{self.name}{path}").random()
        begins, ends = self.get("stall", (0, 0))
        now = self.world.now()
        return max(wait, ends - now) if begins <= now < ends else wait

    def record(self):
        return {
            "name": self.name, "requests": self.requests, "most_connections": self.most_connections,
            "most_at_once": self.most_at_once, "most_a_second": self.most_a_second, "refusals": self.refusals,
            "resets": self.resets, "served": len(self.served), "last": max(self.served.values(), default=0),
        }


class Connection(asyncio.Protocol):
    def __init__(self, host):
        self.host, self.input, self.timer, self.busy = host, b"", None, False
        self.fate = None
        if host.random.random() < host.get("reset", 0):
            self.fate = "middle" if host.random.random() < 0.5 else "start"

    def connection_made(self, transport):
        self.transport = transport
        self.host.open.add(self)
        self.host.most_connections = max(self.host.most_connections, len(self.host.open))

    def connection_lost(self, error):
        self.host.open.discard(self)
        self.idle()
        if self.timer:
            self.timer.cancel()

    def idle(self):
        if self.busy:
            self.busy = False
            self.host.note_at_once(-1)

    def data_received(self, data):
        self.input += data
        if self.busy or b"\r\n\r\n" not in self.input:
            return
        head, _, self.input = self.input.partition(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("latin-1")
        host = self.host
        host.note_request()
        if host.get("silent"):
            return
        if self.fate and host.resets_of[path] >= host.get("resets_a_path", 4):
            self.fate = None
        if self.fate:
            host.resets_of[path] += 1
        if self.fate == "start":
            return self.reset()
        self.busy = True
        host.note_at_once(+1)
        if host.at_once > host.get("limit", 1 << 30):
            host.refusals += 1
            return self.answer("429 Too Many Requests", b"slower, please\n", f"Retry-After: {host.get('retry_after', 1)}\r\n")
        row, image = host.world.image(path)
        self.later(host.delay(path, row), self.serve, row, image)

    def later(self, seconds, call, *arguments):
        if seconds > 0:
            self.timer = self.host.world.loop.call_later(seconds, call, *arguments)
        else:
            call(*arguments)

    def serve(self, row, image):
        if image is None or self.host.get("status"):
            again = f"Retry-After: {self.host.get('retry_after')}\r\n" if self.host.get("retry_after") else ""
            return self.answer(f"{self.host.get('status', 404)} No", b"no such picture\n", again)
        if self.fate == "middle":
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(image) + image[:len(image) // 2])
            return self.later(0.02, self.reset)
        if seconds := self.host.get("trickle"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(image))
            return self.trickle(row, image, 0, seconds)
        self.answer("200 OK", image, "Content-Type: image/jpeg\r\n")
        self.host.served.setdefault(row, self.host.world.now())

    def trickle(self, row, image, start, seconds):
        """A piece every half a second."""
        size = max(1, int(len(image) / seconds / 2))
        last = start + size >= len(image)
        if last and row not in self.host.broken:
            self.host.broken.add(row)
            return self.reset()
        self.transport.write(image[start:start + size])
        if not last:
            return self.later(0.5, self.trickle, row, image, start + size, seconds)
        self.host.served.setdefault(row, self.host.world.now())
        self.finish()

    def answer(self, status, body, headers=""):
        close = "Connection: close\r\n" if self.host.get("close") else ""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}{close}\r\n"
        self.transport.write(head.encode() + body)
        self.finish()

    def finish(self):
        self.idle()
        if self.host.get("close"):
            self.transport.close()
        elif self.input:
            self.data_received(b"")

    def reset(self):
        self.host.resets += 1
        if own := self.transport.get_extra_info("socket"):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Resolver(asyncio.DatagramProtocol):
    """Answers for A; every other type of a name that exists has no records."""

    def __init__(self, world, drop):
        self.world, self.drop, self.random = world, drop, random.Random(world.seed)
        self.first, self.questions, self.dropped = {}, 0, 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, message, peer):
        now = self.world.now()
        self.questions += 1
        if self.random.random() < self.drop:
            self.dropped += 1
        elif answer := self.answer(message, now, is_stream=False):
            self.transport.sendto(answer, peer)

    async def serve_stream(self, reader, writer):
        try:
            while True:
                size, = struct.unpack(">H", await reader.readexactly(2))
                if answer := self.answer(await reader.readexactly(size), self.world.now()):
                    writer.write(struct.pack(">H", len(answer)) + answer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def answer(self, message, now, is_stream=True):
        if len(message) < 17:
            return None
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
            at += 1 + message[at]
        kind, = struct.unpack(">H", message[at + 1:at + 3])
        question = message[12:at + 5]
        name = ".".join(labels).lower()
        host = self.world.names.get(name)
        code, records = 0, []
        if host is None or host.get("no_name"):
            code = 3
        elif now < self.first.setdefault(name, now) + host.get("lookup_fails", 0):
            code = 2
        elif host.get("truncated") and not is_stream:
            code = 0x0200
        elif kind == 1:
            records = [struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + socket.inet_aton(address)
                       for address in (host.get("first_address"), host.settings["address"]) if address]
        head = message[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)


class World:
    def __init__(self, description):
        self.seed = description.get("seed", 1)
        self.images = [open(path, "rb").read() for path in description["images"]]
        self.started = None
        self.hosts = [Host(self, settings) for settings in description["hosts"]]
        self.names = {host.name: host for host in self.hosts}
        self.resolver_settings = description.get("resolver")

    def now(self):
        """Seconds since the first question or connection."""
        self.started = self.started or time.monotonic()
        return time.monotonic() - self.started

    def image(self, path):
        """The row and the bytes that `path` names."""
        try:
            row, image = path.strip("/").split(".")[0].split("-")
            return int(row), self.images[int(image)]
        except (ValueError, IndexError):
            return None, None

    async def run(self, record_path):
        self.loop = asyncio.get_running_loop()
        self.resolver = None
        if self.resolver_settings:
            where = (self.resolver_settings["address"], self.resolver_settings.get("port", 53))
            self.resolver = Resolver(self, self.resolver_settings.get("drop", 0))
            await self.loop.create_datagram_endpoint(lambda: self.resolver, local_addr=where)
            await asyncio.start_server(self.resolver.serve_stream, *where)
        done = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, done.set)
        self.come_and_go()
        print("ready", flush=True)
        while not done.is_set():
            self.come_and_go()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), 0.1)
        with open(record_path, "w") as file:
            json.dump({
                "questions": self.resolver.questions if self.resolver else 0,
                "dropped": self.resolver.dropped if self.resolver else 0,
                "cpu_s": time.process_time(),
                "hosts": [host.record() for host in self.hosts],
            }, file)

    def come_and_go(self):
        """Hosts that are away listen to nothing; all others listen."""
        now = self.now() if self.started else 0
        for host in self.hosts:
            begins, ends = host.get("away", (0, 0))
            host.stop_listening() if begins <= now < ends else host.listen()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        world = World(json.load(file))
    asyncio.run(world.run(sys.argv[2]))
