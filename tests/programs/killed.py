#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at any moment: the other side ends soon, nothing stays behind."""

import os
import random
import re
import sys
import time

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import case, check, check_equal, main, note  # noqa: E402

ROUNDS = 25
SOON = 1.0
CONNECTIONS = 4
ENDS = {"eof", "ECONNRESET", "EPIPE"}


def start_pump(client, port):
    """Busy connections; they are all open when this returns."""
    program = client.start(*PEER, "pump", port, CONNECTIONS)
    procs.wait_until(
        lambda: program.output().count("connected") == CONNECTIONS, 10,
        "connections")
    return program


def endings(text):
    """How connections ended, of what peer.py has printed."""
    return [line for line in text.split()
            if line not in ("connected", "done", "held")
            and not line.startswith("wsd")]


def moment(number):
    """Some time into the traffic, the same in every run."""
    time.sleep(random.Random(number).uniform(0, 0.06))


def shared_memory(pid):
    """What a process has mapped or open of shared memory, without names."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        mapped = sum("memfd:" in line for line in file)
    opened = sum("memfd:" in name for name in procs.open_files(pid))
    return mapped + opened


def offered_names(ports):
    """Abstract Unix-domain names that stand for these ports."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        names = re.findall(r" (@\S+)$", file.read(), re.M)
    return [n for n in names if n.rpartition(":")[2] in map(str, ports)]


class Leftovers:
    """What there is on the machine, to compare later."""

    def __init__(self):
        self.files = set(os.listdir("/dev/shm"))
        self.ports = []

    def check_none(self):
        """No more than at first, within a short time."""
        def clean():
            return (set(os.listdir("/dev/shm")) <= self.files
                    and not offered_names(self.ports))
        procs.wait_until(clean, 5, "shared memory and names gone")


@case("a killed server ends its clients within a second", seconds=120)
def kill_server():
    leftovers = Leftovers()
    slowest = 0.0
    for number in range(ROUNDS):
        server, client = Fast(), Fast()
        program, port = start_echo(
            server.start, "serve" if number % 2 else "threads")
        leftovers.ports.append(port)
        pump = start_pump(client, port)
        check(offered_names([port]) or not WSD, "the server offers its port")
        moment(number)
        began = time.monotonic()
        program.kill()
        check_equal(pump.wait(SOON + 2), 0, "status of the client")
        slowest = max(slowest, time.monotonic() - began)
        ends = endings(pump.output())
        check_equal(len(ends), CONNECTIONS, f"ends in {pump.output()!r}")
        check(set(ends) <= ENDS, f"ends {ends}")
        client.check_only("connect", "san", CONNECTIONS)
    note(f"slowest: {slowest:.3f} s")
    check(slowest < SOON + 0.5, "it took too long")
    leftovers.check_none()


@case("a killed client leaves nothing in its server", seconds=120)
def kill_client():
    leftovers = Leftovers()
    server = Fast()
    program, port = start_echo(server.start)
    leftovers.ports.append(port)
    memory = shared_memory(program.pid)
    files = len(procs.open_files(program.pid))
    for number in range(ROUNDS):
        client = Fast()
        pump = start_pump(client, port)
        moment(number)
        pump.kill()
        procs.wait_until(
            lambda n=number: len(endings(program.output()))
            == (n + 1) * CONNECTIONS, SOON, "the server has seen the end")
        client.check_only("connect", "san", CONNECTIONS)
    check(set(endings(program.output())) <= ENDS, program.output())
    check(program.alive(), "the server runs")
    # A listener may keep a connection or two in store.
    check(shared_memory(program.pid) <= memory + 4, "shared memory stays")
    check(len(procs.open_files(program.pid)) <= files + 4, "files stay open")
    program.kill()
    leftovers.check_none()


@case("a client killed while it connects does its server no harm", seconds=60)
def kill_connecting():
    server = Fast()
    program, port = start_echo(server.start)
    files = len(procs.open_files(program.pid))
    for number in range(ROUNDS):
        client = Fast()
        asking = client.start(*PEER, "ask", port, 100000, 1)
        procs.wait_until(lambda f=client: os.path.getsize(f.path) or not WSD,
                         10, "a first connection")
        moment(number)
        asking.kill()
    outcome = Fast().run(*PEER, "ask", port, 5, 1000)
    check_equal(outcome.status, 0, str(outcome))
    procs.wait_until(
        lambda: len(procs.open_files(program.pid)) <= files + 4, SOON,
        "descriptors closed")


@case("a killed server ends idle clients too")
def idle_clients():
    server, client = Fast(), Fast()
    program, port = start_echo(server.start)
    watcher = client.start(sys.executable, "-c", WATCH, str(port))
    procs.wait_until(lambda: "ready" in watcher.output(), 10, "ready")
    began = time.monotonic()
    program.kill()
    check_equal(watcher.wait(SOON + 1), 0, watcher.output())
    note(f"after {time.monotonic() - began:.3f} s: {watcher.output().split()}")
    client.check_only("connect", "san", 3)


# Sleeps in recv, in poll and in epoll at once, one connection each.
WATCH = """
import select, socket, sys, threading
def say(text):
    sys.stdout.write(text + "\\n"); sys.stdout.flush()
def end(conn):
    try: return "eof" if conn.recv(10) == b"" else "data"
    except ConnectionResetError: return "reset"
def in_poll(conn):
    p = select.poll(); p.register(conn, select.POLLIN); p.poll()
def in_epoll(conn):
    p = select.epoll(); p.register(conn, select.EPOLLIN | select.EPOLLET)
    p.poll()
def watch(wait):
    conn = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    opened.release()
    wait(conn)
    say(end(conn))
opened = threading.Semaphore(0)
threads = [threading.Thread(target=watch, args=(wait,))
           for wait in (lambda conn: None, in_poll, in_epoll)]
for t in threads: t.start()
for t in threads: opened.acquire()
say("ready")
for t in threads: t.join()
"""


@case("both sides killed at once leave nothing", seconds=60)
def kill_both():
    leftovers = Leftovers()
    for number in range(8):
        program, port = start_echo(Fast().start)
        leftovers.ports.append(port)
        pump = start_pump(Fast(), port)
        moment(number)
        program.kill()
        pump.kill()
    leftovers.check_none()


if __name__ == "__main__":
    main()
