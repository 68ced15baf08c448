#!/usr/bin/env python3
"""A server for names that misbehaves on request, for the tests of the resolver. Standard library only.

Answers over UDP and TCP on one free port of 127.0.0.1, which it prints. Ends when its standard input does. The first label
of a name says what becomes of a question about it; other names do not exist. `count-LABEL.test` has the address
10.0.0.N, where N is how often LABEL.test was asked for its IPv4 address.
"""
import collections
import os
import socket
import struct
import sys
import threading

A, AAAA = 1, 28
SERVFAIL, NXDOMAIN = 2, 3
counts = collections.Counter()


def answer(query, is_tcp):
    """The answer to `query`; None for silence."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1:at + 1 + length].decode())
        at += 1 + length
    kind = struct.unpack(">H", query[at + 1:at + 3])[0]
    question, label = query[12:at + 5], labels[0].lower()
    if kind == A:
        counts[label] += 1
    code, address, truncated, ttl = 0, None, False, 60
    if label.startswith("count-"):
        address = f"10.0.0.{counts[label.removeprefix('count-')]}"
    elif label == "ok" or label.startswith("ok-"):
        address = "127.0.0.1"
    elif label == "broken":
        code = SERVFAIL
    elif label == "fails-once":
        address = "127.0.0.1"
        if counts[label] < 2: code = SERVFAIL
    elif label == "lossy":
        if counts[label] < 2: return None
        address = "127.0.0.1"
    elif label == "half":
        # Of its IPv6 addresses nothing can be said.
        if kind == AAAA: code = SERVFAIL
        address = "127.0.0.1"
    elif label == "unsaid":
        # It has no IPv6 address, and of its IPv4 addresses nothing can be said.
        if kind == A: code = SERVFAIL
    elif label == "long":
        truncated, address = not is_tcp, "127.0.0.1"
    elif label == "empty":
        pass
    elif label == "xn--bcher-kva":
        address = "127.0.0.1"
    else:
        code = NXDOMAIN
    records = b""
    if code == 0 and address and kind == A and not truncated:
        records = b"\xc0\x0c" + struct.pack(">HHIH", A, 1, ttl, 4) + socket.inet_aton(address)
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    return query[:2] + struct.pack(">HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


def serve_tcp(server):
    while True:
        connection, _ = server.accept()
        with connection:
            while len(head := connection.recv(2)) == 2:
                reply = answer(connection.recv(struct.unpack(">H", head)[0]), True)
                if reply: connection.sendall(struct.pack(">H", len(reply)) + reply)


def listening():
    """A UDP and a TCP socket on one port; a port that is free for one may be taken for the other."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:
            udp.close()


udp, tcp = listening()
print(udp.getsockname()[1], flush=True)
threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    query, sender = udp.recvfrom(4096)
    reply = answer(query, False)
    if reply: udp.sendto(reply, sender)
