#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs under wsd run obey the policy, and remember who has no SAN."""

import os
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import explain  # noqa: E402
import procs  # noqa: E402
from explain import PEER, WSD, Fast, start_echo  # noqa: E402
from tap import Skip, case, check_equal, main  # noqa: E402

BUILD = os.environ.get("WSD_BUILD", "")
FAKE = os.path.join(BUILD, "tests", "switch", "libfake-san.so")
SHM = os.path.join(BUILD, "src", "provider", "libwsd-shm.so")
ELSEWHERE = "198.51.100.1"  # nobody's
PYTHON = os.path.basename(sys.executable)

_made = []


def scratch(name, text):
    """A file with that text."""
    _made.append(name)
    path = procs.scratch_file(f"{len(_made)}-{name}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def with_policy(*rules, **more):
    """The environment of a program that has these rules."""
    if not WSD:
        raise Skip("runs without wsd")
    return {"WSD_POLICY": scratch("policy.conf", "\n".join(rules) + "\n"),
            **more}


def routes_of(fast, direction):
    """(route, reason) of each, in order."""
    return [(r.path, r.code) for r in explain.read(fast.path)
            if r.direction == direction]


def ask(port, count, env, seconds=30):
    """Connections of a program with this environment, which must work; the
    routes that they took, and what it said."""
    client = Fast()
    outcome = client.run(*PEER, "ask", port, count, 100, env=env,
                         seconds=seconds)
    check_equal((outcome.status, outcome.out), (0, "done\n"), str(outcome))
    return routes_of(client, "connect"), outcome.err


# ---- the policy ----------------------------------------------------------

@case("a rule that says tcp keeps the client from the SAN")
def client_rule():
    _, port = start_echo(Fast().start)
    env = with_policy(f"* connect 127.0.0.1 {port} tcp")
    check_equal(ask(port, 2, env), ([("tcp", "policy")] * 2, ""), "routes")
    env = with_policy(f"* connect 127.0.0.1 {port + 1} tcp",
                      "no-such-program * * * tcp", "* listen * * tcp")
    check_equal(ask(port, 2, env), ([("shm", "san")] * 2, ""), "other rules")


@case("a rule is for the program that has its name")
def program_rule():
    _, port = start_echo(Fast().start)
    env = with_policy(f"{PYTHON[:-1]}? connect * * tcp")
    check_equal(ask(port, 1, env), ([("tcp", "policy")], ""), "routes")
    script = scratch("script", f"#!{sys.executable}\n"
                     "import socket\n"
                     f"socket.create_connection(('127.0.0.1', {port}))\n")
    os.chmod(script, 0o755)
    client = Fast()
    outcome = client.run(script, env=env)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(routes_of(client, "connect"), [("shm", "san")], "a script")
    env = with_policy(f"{os.path.basename(script)} connect * * tcp")
    client = Fast()
    client.run(script, env=env)
    check_equal(routes_of(client, "connect"), [("tcp", "policy")],
                "a script's own name")


@case("a rule that says tcp keeps the server from the SAN")
def server_rule():
    env = with_policy("* listen 127.0.0.0/8 * tcp")
    server = Fast()
    _, port = start_echo(server.start, env=env)
    check_equal(routes_of(server, "listen"), [("tcp", "policy")], "listen")
    check_equal(ask(port, 1, {})[0], [("tcp", "peer-without-san")], "connect")


@case("a rule that names a SAN which is not there leaves TCP")
def missing_san():
    env = with_policy("* * * * myrinet")
    server = Fast()
    _, port = start_echo(server.start, env=env)
    check_equal(routes_of(server, "listen"), [("tcp", "san-missing")],
                "listen")
    check_equal(ask(port, 1, env), ([("tcp", "san-missing")], ""), "connect")


@case("with a mistake in the policy all is TCP, and said once")
def mistake():
    _, port = start_echo(Fast().start)
    env = with_policy("* * * * shm", "* * * * tcp really")
    told = (f"wsd: {env['WSD_POLICY']}:2: expected nothing after ROUTE but a "
            "comment that begins with #; every connection uses TCP\n")
    check_equal(ask(port, 3, env), ([("tcp", "policy-error")] * 3, told),
                "routes")
    env = {"WSD_POLICY": "/no/such/policy"}
    told = ("wsd: cannot read /no/such/policy: not found; every connection "
            "uses TCP\n")
    check_equal(ask(port, 2, env), ([("tcp", "policy-error")] * 2, told),
                "no file")


# ---- a network's SAN -----------------------------------------------------

def two_sans(*rules, answer="reset", **more):
    """Shared memory, and a network's SAN that leads nowhere; and its log."""
    log = scratch("log", "")
    folder = procs.scratch_file(f"catalog-{len(_made)}")
    os.mkdir(folder)
    for name, library in (("a", SHM), ("b", FAKE)):
        with open(os.path.join(folder, name + ".provider"), "w",
                  encoding="ascii") as file:
            file.write(f"library = {library}\n")
    env = with_policy(*rules, WSD_CATALOG=folder, WSD_PROVIDER="",
                      FAKE_SAN_LOG=log, FAKE_SAN_ANSWER=answer, **more)
    return env, log


def connects(log):
    """(source, destination, port) of each connect over the network."""
    with open(log, encoding="ascii") as file:
        return [tuple(line.split()) for line in file]


@case("shared memory is tried first on this host, and then TCP")
def shm_first():
    env, log = two_sans("* * * * auto")
    _, port = start_echo(Fast().start)
    check_equal(ask(port, 2, env)[0], [("shm", "san")] * 2, "routes")
    _, port = start_echo(procs.start)
    check_equal(ask(port, 2, env)[0], [("tcp", "peer-without-san")] * 2,
                "without the SAN")
    check_equal(connects(log), [], "over the network")


@case("who refuses is not asked again for a time")
def refused():
    env, log = two_sans("* connect * * fabric")
    _, port = start_echo(procs.start)
    check_equal(ask(port, 3, env)[0], [("tcp", "refused")] +
                [("tcp", "known-without-san")] * 2, "routes")
    check_equal(connects(log), [("127.0.0.1", "127.0.0.1", str(port))],
                "over the network")


@case("a connect over the network comes from an address of the network")
def source():
    env, log = two_sans("* connect * * fabric")
    port = procs.free_port()
    for host in ("127.0.0.2", ELSEWHERE):
        outcome = Fast().run(*PEER, "try", host, port, env=env)
        check_equal(outcome.status, 0, str(outcome))
    check_equal(connects(log), [("127.0.0.1", "127.0.0.2", str(port))],
                "over the network")


@case("silence costs the patience once")
def silence():
    env, log = two_sans("* connect * * fabric", answer="silence",
                        WSD_PATIENCE="200")
    _, port = start_echo(procs.start)
    check_equal(ask(port, 3, env)[0], [("tcp", "no-answer")] +
                [("tcp", "known-without-san")] * 2, "routes")
    check_equal(len(connects(log)), 1, "over the network")


@case("with retry = 0 nothing is remembered")
def always_tried():
    env, log = two_sans("* connect * * fabric", answer="unreachable",
                        WSD_RETRY="0")
    _, port = start_echo(procs.start)
    check_equal(ask(port, 3, env)[0], [("tcp", "not-on-san")] * 3, "routes")
    check_equal(len(connects(log)), 3, "over the network")


@case("what this side lacks says nothing about the other")
def our_own_fault():
    env, log = two_sans("* connect * * fabric", answer="memory")
    _, port = start_echo(procs.start)
    check_equal(ask(port, 2, env)[0], [("tcp", "no-memory")] * 2, "routes")
    check_equal(len(connects(log)), 2, "over the network")


@case("what is remembered is remembered in a forked child, and expires")
def forked():
    env, log = two_sans("* connect * * fabric", WSD_RETRY="1")
    _, port = start_echo(procs.start)
    script = scratch("fork.py", f"""
import os, socket, time

def ask():
    socket.create_connection(("127.0.0.1", {port})).close()

ask()
pid = os.fork()
ask()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
time.sleep(1.1)
ask()
""")
    client = Fast()
    outcome = client.run(sys.executable, script, env=env)
    check_equal(outcome.status, 0, str(outcome))
    codes = [code for _, code in routes_of(client, "connect")]
    check_equal(codes, ["refused", "known-without-san",
                        "known-without-san", "refused"], "codes")
    check_equal(len(connects(log)), 2, "over the network")


@case("a listener stays on one SAN when the other does not take it")
def listener():
    env, _ = two_sans("* listen * * auto")
    server = Fast()
    _, port = start_echo(server.start, env=env)
    check_equal(routes_of(server, "listen"), [("shm", "san")], "listen")
    check_equal(ask(port, 1, {})[0], [("shm", "san")], "a client")
    env, _ = two_sans("* listen * * fabric")
    server = Fast()
    start_echo(server.start, env=env)
    check_equal(routes_of(server, "listen"), [("tcp", "not-on-san")],
                "on the other one alone")


if __name__ == "__main__":
    main()
