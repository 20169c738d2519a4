#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small program of sockets, for tests to run under wsd or not.

    peer.py serve PORT [epoll|poll|select]  echo server, one line for each
                                            connection that has ended
    peer.py threads PORT        echo server with a blocking thread for each
    peer.py ask PORT COUNT SIZE ...
                                COUNT connections one after the other, each
                                has SIZE bytes echoed, then the next SIZE
    peer.py hold PORT COUNT     opens and keeps COUNT connections, used once
    peer.py pump PORT COUNT     COUNT connections, each echoing without end;
                                prints how each ended
    peer.py exhaust PORT        opens connections until there is no descriptor
    peer.py try HOST PORT       a connect that may wait 0.3 s for an answer
    peer.py dial PORT COUNT     COUNT connections one after the other, used
                                once; prints the milliseconds that each took
    peer.py knock PORT COUNT    connections, used once, until COUNT in a row
                                have worked; one every 0.1 s
    peer.py give PORT           server: for each byte that comes, BLOCK such
                                bytes
    peer.py remap PORT COUNT    asks for COUNT blocks, each into memory that is
                                new at the same place, and is unmapped then
    peer.py --at ADDRESS ...    instead of 127.0.0.1
    peer.py --limit SECONDS ... that a call may wait, instead of 10

A connection ends with "eof" or with an errno name. The exit status is 1 when
bytes come back wrong.
"""

import ctypes
import errno
import mmap
import random
import selectors
import signal
import socket
import sys
import threading
import time

HOST = "127.0.0.1"  # or what --at says
LIMIT = 10  # seconds that any single call may wait, or what --limit says
BLOCK = 1 << 20  # bytes


def say(text):
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def name_of(error):
    """ECONNRESET and the like."""
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    return errno.errorcode.get(error.errno, str(error))


# ---- servers -------------------------------------------------------------

def family_of(host):
    """IPv4 or IPv6."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listener(port):
    """A listening socket."""
    sock = socket.socket(family_of(HOST))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    sock.listen(256)
    return sock


def echo_some(conn):
    """Echoes what is there; how it ended, or None."""
    try:
        data = conn.recv(65536)
        if not data:
            return "eof"
        conn.setblocking(True)
        conn.sendall(data)
        conn.setblocking(False)
    except BlockingIOError:
        return None
    except OSError as error:
        return name_of(error)
    return None


def serve(port, kind="epoll"):
    """One thread, readiness."""
    kinds = {"epoll": selectors.EpollSelector, "poll": selectors.PollSelector,
             "select": selectors.SelectSelector}
    selector = kinds[kind]()
    sock = listener(port)
    sock.setblocking(False)
    selector.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sock:
                accept_all(sock, selector)
                continue
            how = echo_some(key.fileobj)
            if how:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                say(how)


def accept_all(sock, selector):
    """Takes every connection that waits."""
    while True:
        try:
            conn, _ = sock.accept()
        except OSError:
            return
        conn.setblocking(False)
        selector.register(conn, selectors.EVENT_READ)


def threads(port):
    """A thread for each connection, blocking calls only."""
    sock = listener(port)
    while True:
        conn, _ = sock.accept()
        threading.Thread(target=echo_all, args=(conn,), daemon=True).start()


def echo_all(conn):
    """Echoes until the end."""
    how = None
    while not how:
        how = echo_some_blocking(conn)
    conn.close()
    say(how)


def echo_some_blocking(conn):
    """As echo_some, waiting."""
    try:
        data = conn.recv(65536)
        if not data:
            return "eof"
        conn.sendall(data)
    except OSError as error:
        return name_of(error)
    return None


# ---- clients -------------------------------------------------------------

def connect(port):
    """A connection whose calls do not wait for ever."""
    return socket.create_connection((HOST, port), LIMIT)


def receive(conn, size):
    """Exactly size bytes; fewer at the end of the stream."""
    parts = []
    while size > 0:
        part = conn.recv(min(size, 1 << 16))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def echo(conn, data):
    """Sends while receiving; ends the program when it comes back wrong."""
    sender = threading.Thread(target=conn.sendall, args=(data,))
    sender.start()
    back = receive(conn, len(data))
    sender.join()
    if back != data[:len(back)]:
        sys.exit("wrong bytes came back")
    if len(back) < len(data):
        sys.exit(f"{len(back)} bytes of {len(data)} came back")


def ask(port, count, *sizes):
    """Some connections, one after the other."""
    try:
        for number in range(count):
            with connect(port) as conn:
                for size in sizes:
                    echo(conn, random.Random(number).randbytes(size))
    except OSError as error:
        sys.exit(name_of(error))
    say("done")


def hold(port, count):
    """Idle connections."""
    conns = [connect(port) for _ in range(count)]
    for conn in conns:
        echo(conn, b"here")
        conn.settimeout(None)
    say("held")
    while True:
        signal.pause()


def pump_one(port):
    """Echoes of random sizes until the server is gone."""
    chance = random.Random()
    try:
        with connect(port) as conn:
            say("connected")
            while True:
                data = chance.randbytes(chance.choice((1, 100, 5000, 200000)))
                conn.sendall(data[:20000])
                back = receive(conn, min(len(data), 20000))
                if back != data[:len(back)]:
                    return say("wrong")
                if len(back) < min(len(data), 20000):
                    return say("eof")
    except OSError as error:
        return say(name_of(error))


def pump(port, count):
    """Busy connections."""
    workers = [threading.Thread(target=pump_one, args=(port,))
               for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    say("done")


def exhaust(port):
    """Uses every descriptor there is; all connections work; then again."""
    for _ in range(2):
        conns = []
        try:
            while True:
                conns.append(connect(port))
        except OSError as error:
            why = name_of(error)
        for conn in conns:
            conn.sendall(b"full")
            if receive(conn, 4) != b"full":
                sys.exit("wrong bytes")
            conn.close()
        say(f"{len(conns)} {why}")


def attempt(host, port):
    """One connect that may fail."""
    with socket.socket(family_of(host)) as conn:
        conn.settimeout(0.3)
        try:
            conn.connect((host, port))
            say("connected")
        except TimeoutError:
            say("no answer")
        except OSError as error:
            say(name_of(error))


def dial(port, count):
    """How long it takes until a connection is good for something."""
    for _ in range(count):
        began = time.monotonic()
        with connect(port) as conn:
            echo(conn, b"x")
        say(f"{(time.monotonic() - began) * 1000:.0f}")


def knock(port, count):
    """For a server, or an address, that is not there yet."""
    worked = 0
    while worked < count:
        try:
            with connect(port) as conn:
                echo(conn, b"x")
            worked += 1
        except OSError:
            worked = 0
        time.sleep(0.1)
    say("done")


# ---- memory that comes and goes --------------------------------------------

def give(port):
    """Blocks for one connection after the other."""
    blocks = [bytes([value]) * BLOCK for value in range(256)]
    sock = listener(port)
    while True:
        conn, _ = sock.accept()
        with conn:
            for wanted in iter(lambda c=conn: c.recv(1), b""):
                conn.sendall(blocks[wanted[0]])
        say("eof")


def fill(conn, memory):
    """Receives until it is full."""
    with memoryview(memory) as all_of_it:
        done = 0
        while done < len(memory):
            with all_of_it[done:] as left:
                part = conn.recv_into(left)
            if not part:
                sys.exit("the stream ended early")
            done += part


def remap(port, count):
    """Counts how often the new memory was where the old had been."""
    places = set()
    with connect(port) as conn:
        for number in range(count):
            value = number % 255 + 1
            with mmap.mmap(-1, BLOCK) as memory:
                place = ctypes.c_char.from_buffer(memory)
                places.add(ctypes.addressof(place))
                del place
                conn.sendall(bytes([value]))
                fill(conn, memory)
                if memory[:] != bytes([value]) * BLOCK:
                    sys.exit(f"wrong bytes in round {number}")
    say(f"{count} blocks at {len(places)} places")


VERBS = {"serve": serve, "threads": threads, "ask": ask, "hold": hold,
         "pump": pump, "exhaust": exhaust, "try": attempt, "dial": dial,
         "knock": knock, "give": give, "remap": remap}


def main():
    """Runs the verb; numbers among the arguments are numbers."""
    global HOST, LIMIT
    words = sys.argv[1:]
    while words[0] in ("--at", "--limit"):
        option, value, *words = words
        if option == "--at":
            HOST = value
        else:
            LIMIT = int(value)
    verb, *rest = words
    VERBS[verb](*[int(a) if a.isdigit() else a for a in rest])


if __name__ == "__main__":
    main()
