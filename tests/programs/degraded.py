#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever wsd lacks, the program runs over TCP as if wsd were not there."""

import os
import re
import resource
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import Skip, case, check, check_equal, main, note  # noqa: E402

MEBIBYTE = 1 << 20
TINY_CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "tiny_client.c")
TINY_CLIENT_WORKED = 42


def start_server(start, **options):
    """Returns the port of an echo server."""
    return start_echo(start, **options)[1]


def need_wsd():
    """Without it nothing is degraded."""
    if not WSD:
        raise Skip("runs without wsd")


def ask(client, port, **options):
    """Three connections work; returns what was said on standard error."""
    outcome = client.run(*PEER, "ask", port, 3, 100000, **options)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(outcome.out, "done\n", str(outcome))
    return outcome.err


# ---- the catalog ---------------------------------------------------------

def catalog(name, **files):
    """A catalog folder with these files."""
    folder = procs.scratch_file(name)
    os.mkdir(folder)
    for file_name, content in files.items():
        path = os.path.join(folder, file_name + ".provider")
        with open(path, "wb") as file:
            file.write(content)
    return folder


def c_library():
    """A library that is certainly there, and no provider."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        return re.search(r"/\S*/libc\.so\S*", file.read()).group()


def with_catalog(folder, codes, says=None):
    """A client and a server with this catalog; both end up with TCP."""
    need_wsd()
    env = {"WSD_CATALOG": folder}
    port = start_server(Fast().start)
    client = Fast()
    err = ask(client, port, env=env)
    taken = client.codes("connect")
    check_equal(sum(taken.values()), 3, f"connections in {dict(taken)}")
    check(set(taken) <= set(codes), f"{dict(taken)}, wanted {codes}")
    if says:
        check_equal(len(err.splitlines()), 1, err)
        check(err.startswith("wsd: ") and says in err, err)
    server = Fast()
    port = start_server(server.start, env=env)
    ask(Fast(), port)
    server.check_only("accept", "plain-client", 3)


@case("no catalog")
def no_catalog():
    with_catalog("/nonexistent", ["no-catalog"])


@case("a catalog that is a file")
def catalog_is_file():
    with_catalog("/etc/passwd", ["no-catalog"])


@case("an empty catalog")
def empty_catalog():
    with_catalog(catalog("empty"), ["no-provider"])


@case("a catalog full of garbage")
def garbage():
    with_catalog(
        catalog("garbage", a=os.urandom(3000), b=b"library\n", c=b"=\n",
                d=b"library = " + b"x" * 70000, e=b"", f=b"\0" * 100),
        ["no-provider", "no-catalog"])


@case("a catalog entry whose library is missing: one line says so")
def missing_library():
    with_catalog(catalog("missing", one=b"library = /nonexistent/lib.so\n"),
                 ["no-provider"], "/nonexistent/lib.so")


@case("a catalog entry whose library is no provider: one line says so")
def foreign_library():
    library = c_library()
    with_catalog(catalog("foreign", one=f"library = {library}\n".encode()),
                 ["no-provider"], library)


@case("a catalog entry whose library is no library: one line says so")
def no_library():
    with_catalog(catalog("text", one=b"library = /etc/passwd\n"),
                 ["no-provider"], "/etc/passwd")


# ---- resources -----------------------------------------------------------

def limited(kind, value):
    """What a program runs before it starts."""
    return lambda: resource.setrlimit(kind, (value, value))


def exhausted(run, port, descriptors):
    """How many connections it takes to fill the descriptor table, twice."""
    outcome = run(*PEER, "exhaust", port, seconds=30,
                  limits=limited(resource.RLIMIT_NOFILE, descriptors))
    check_equal(outcome.status, 0, str(outcome))
    rounds = [line.split() for line in outcome.out.splitlines()]
    check_equal([why for _, why in rounds], ["EMFILE"] * 2, outcome.out)
    return [int(count) for count, _ in rounds]


@case("a client's full descriptor table", seconds=60)
def client_descriptors():
    port = start_server(Fast().start)
    plain = exhausted(procs.run, port, 64)
    fast = exhausted(Fast().run, port, 64)
    note(f"connections: plain {plain}, fast {fast}")
    check_equal(fast[0], fast[1], "the second round")
    check(fast[0] >= plain[0] - 8, "fewer than a few descriptors are lost")


@case("a server's full descriptor table", seconds=60)
def server_descriptors():
    port = start_server(Fast().start,
                        limits=limited(resource.RLIMIT_NOFILE, 32))
    client = Fast()
    holder = client.start(*PEER, "hold", port, 12)
    procs.wait_until(lambda: "held" in holder.output(), 10, "12 connections")
    more = client.start(*PEER, "hold", port, 60)
    procs.wait_until(lambda: procs.is_listening(port), 5, "still listening")
    more.kill()
    holder.kill()
    procs.wait_until(lambda: works(port), 10, "the server works again")


def works(port):
    """Can one connect now?"""
    try:
        outcome = Fast().run(*PEER, "ask", port, 1, 10, seconds=5)
    except procs.Timeout:
        return False
    return outcome.status == 0


def build_client():
    """A client so small that it runs in hardly any memory."""
    path = procs.scratch_file("tiny_client")
    outcome = procs.run("gcc", "-o", path, TINY_CLIENT)
    check_equal(outcome.status, 0, str(outcome))
    return path


def least_memory(*command):
    """The address space, in MiB, in which a program works."""
    for mebibytes in range(1, 200):
        outcome = procs.run(*command, limits=limited(
            resource.RLIMIT_AS, mebibytes * MEBIBYTE))
        if outcome.status in (0, TINY_CLIENT_WORKED):
            return mebibytes
    raise Skip(f"{command[0]} needs more than 200 MiB")


@case("little address space: what works without wsd works with it",
      seconds=120)
def address_space():
    port = start_server(Fast().start)
    client = build_client()
    least = least_memory(client, port)
    if WSD:
        least = max(least, least_memory(WSD, "version"))
    # The libraries themselves take one; then it gets tight in every way.
    for more in range(MEBIBYTE, 5 * MEBIBYTE, MEBIBYTE // 8):
        fast = Fast()
        outcome = fast.run(client, port, limits=limited(
            resource.RLIMIT_AS, least * MEBIBYTE + more))
        note(f"{least + more / MEBIBYTE:.3f} MiB: "
             f"{dict(fast.codes('connect'))} {outcome.err.strip()}")
        check_equal((outcome.status, outcome.out),
                    (TINY_CLIENT_WORKED, "echoed\n"), str(outcome))
    fast.check_only("connect", "san")


@case("files may not grow at all (RLIMIT_FSIZE 0)")
def file_size():
    port = start_server(Fast().start)
    outcome = procs.run(*((WSD, "run", "--") if WSD else ()), *PEER, "ask",
                        port, 3, 100000,
                        limits=limited(resource.RLIMIT_FSIZE, 0))
    check_equal((outcome.status, outcome.out), (0, "done\n"), str(outcome))


@case("no memory may be locked, and stacks are small")
def locked_memory():
    def limits():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        resource.setrlimit(resource.RLIMIT_STACK, (MEBIBYTE, MEBIBYTE))

    client = Fast()
    ask(client, start_server(Fast().start), limits=limits)
    client.check_only("connect", "san", 3)


@case("no space in /dev/shm")
def no_shared_memory():
    need_wsd()
    if os.geteuid() != 0:
        raise Skip("only root can replace /dev/shm")
    port = start_server(Fast().start)
    client = Fast()
    script = ('mount -t tmpfs -o size=4k tmpfs /dev/shm && '
              'head -c 4096 /dev/zero >/dev/shm/full && exec "$@"')
    outcome = procs.run("unshare", "-m", "sh", "-c", script, "sh",
                        *client.command(*PEER, "ask", port, 3, 100000))
    if "unshare:" in outcome.err or "mount:" in outcome.err:
        raise Skip(outcome.err.strip())
    check_equal((outcome.status, outcome.out), (0, "done\n"), str(outcome))


if __name__ == "__main__":
    main()
