#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd policy: mistakes in the file, and which route follows from it."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BUILD = os.environ["WSD_BUILD"]
SHM = os.path.join(BUILD, "src", "provider", "libwsd-shm.so")
FAKE = os.path.join(BUILD, "tests", "switch", "libfake-san.so")
FORM = "PROGRAM DIRECTION ADDRESS[/PREFIX] PORTS ROUTE"
ELSEWHERE = "198.51.100.1"  # nobody's

_made = []


def scratch(suffix):
    """A path of its own."""
    _made.append(suffix)
    return procs.scratch_file(f"{len(_made)}-{suffix}")


def policy_file(*rules):
    """A file with these rules."""
    path = scratch("policy.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(rule + "\n" for rule in rules))
    return path


def catalog(*libraries):
    """A catalog with these providers."""
    path = scratch("catalog")
    os.mkdir(path)
    for number, library in enumerate(libraries):
        with open(os.path.join(path, f"{number}.provider"), "w",
                  encoding="ascii") as file:
            file.write(f"library = {library}\n")
    return path


def environment(*rules, libraries=(SHM, FAKE), **more):
    """With these rules, and two SANs."""
    return {"HOME": "/nonexistent", "WSD_PROVIDER": "",
            "WSD_CATALOG": catalog(*libraries) if libraries else "",
            "WSD_POLICY": policy_file(*rules) if rules else "", **more}


def policy(*arguments, env):
    """Runs wsd policy."""
    return procs.run(WSD, "policy", *arguments, env=env)


def explain(*arguments, env):
    """What is explained, as programs get it."""
    outcome = policy("explain", *arguments, "--json", env=env)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    return json.loads(outcome.out)


def check_route(answer, route, code, fits):
    """That route, for that reason, and these providers fit."""
    check_equal((answer["route"], answer["code"]), (route, code), str(answer))
    check_equal([p["name"] for p in answer["providers"] if p["fits"]], fits,
                str(answer))


def wrong(*arguments, env, says, status=1):
    """It fails with this status and one line that says this."""
    outcome = policy(*arguments, env=env)
    check_equal((outcome.status, outcome.out), (status, ""), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check(outcome.err.startswith("wsd") and says in outcome.err,
          f"{outcome.err!r} does not say {says!r}")


# ---- check ---------------------------------------------------------------

@case("a good file is counted, for people and for programs")
def good_file():
    env = environment()
    path = policy_file("# none", "* * * * auto", "x listen ::1 1-9 shm")
    outcome = policy("check", path, env=env)
    check_equal((outcome.status, outcome.out, outcome.err),
                (0, f"{path}: 2 rules, no mistake\n", ""), str(outcome))
    outcome = policy("check", path, "--json", env=env)
    check_equal(json.loads(outcome.out),
                {"file": path, "rules": 2, "problem": ""}, str(outcome))
    env["WSD_POLICY"] = path
    check(policy("check", env=env).out.startswith(path), "the one in force")


@case("no policy is fine")
def no_policy():
    outcome = policy("check", env=environment())
    if os.path.exists("/etc/openwsd/policy.conf"):
        raise Skip("this system has a policy")
    check_equal((outcome.status, outcome.out),
                (0, "no policy: every route is auto\n"), str(outcome))
    outcome = policy("check", "--json", env=environment())
    check_equal(json.loads(outcome.out),
                {"file": None, "rules": 0, "problem": ""}, str(outcome))


@case("a mistake is one line with file, line and what is expected")
def mistakes():
    env = environment()
    for rule, expected in (
            ("* * *", FORM),
            ("* out * * tcp", "connect, listen or * as DIRECTION"),
            ("* * 10.0.0.0/40 * tcp", "a PREFIX of 0 to 32 bits"),
            ("* * * ssh tcp",
             "a port of 1 to 65535, FIRST-LAST or *, as PORTS")):
        path = policy_file("* * * * tcp", "", rule, "more nonsense")
        wrong("check", path, env=env,
              says=f"wsd: {path}:3: expected {expected}\n")
        outcome = policy("check", path, "--json", env=env)
        check_equal(outcome.status, 1, str(outcome))
        check_equal(json.loads(outcome.out)["problem"],
                    f"{path}:3: expected {expected}", str(outcome))


@case("what cannot be read is one line")
def unreadable():
    env = environment()
    wrong("check", "/no/such/file", env=env, says="/no/such/file: not found")
    wrong("check", "/", env=env, says="cannot read /")
    long = policy_file(*["# " + "x" * 1000] * 100)
    wrong("check", long, env=env, says=f"{long}: longer than 65536 bytes")
    binary = scratch("binary")
    with open(binary, "wb") as file:
        file.write(b"* * * * tcp\n\0\n")
    wrong("check", binary, env=env, says=f"{binary}:2: expected text")


@case("usage errors are one line and status 2")
def usage_errors():
    env = environment()
    for arguments, says in (
            ((), "check or explain?"),
            (("frob",), "unknown frob"),
            (("check", "a", "b"), "unexpected b"),
            (("check", "--frob"), "--frob"),
            (("explain",), "needs ADDRESS and PORT"),
            (("explain", "127.0.0.1"), "needs ADDRESS and PORT"),
            (("explain", "example.org", "80"), "'example.org' is not"),
            (("explain", "127.0.0.1:80", "80"), "'127.0.0.1:80' is not"),
            (("explain", "127.0.0.1", "http"), "'http' is not"),
            (("explain", "127.0.0.1", "0"), "'0' is not"),
            (("explain", "127.0.0.1", "80", "--program"), "--program")):
        wrong(*arguments, env=env, says=says, status=2)


# ---- explain -------------------------------------------------------------

@case("without a policy this host is reached by shared memory alone")
def by_default():
    answer = explain("127.0.0.1", "80", env=environment())
    check_equal((answer["direction"], answer["address"], answer["rule"]),
                ("connect", "127.0.0.1:80", None), str(answer))
    check_route(answer, "shm", "san", ["shm"])
    check("on this host" in answer["providers"][1]["reason"], str(answer))
    answer = explain("0.0.0.0", "80", env=environment())
    check_equal(answer["address"], "127.0.0.1:80", str(answer))


@case("the network's SAN takes what is in a subnet of its addresses")
def subnets():
    env = environment(libraries=[FAKE])
    check_route(explain("127.9.9.9", "80", env=env), "fabric", "san",
                ["fabric"])
    answer = explain(ELSEWHERE, "80", env=env)
    check_route(answer, "tcp", "not-on-san", [])
    check("same subnet" in answer["providers"][0]["reason"], str(answer))
    check_route(explain("::1", "80", env=env), "tcp", "not-on-san", [])


@case("the first rule that fits is named and decides")
def rules():
    env = environment("redis* connect 127.0.0.0/8 6379 tcp",
                      "# the network, on purpose",
                      "* connect 127.0.0.0/8 7000-7999 fabric",
                      "* * * 9 myrinet",
                      "* * * 10 shm")
    answer = explain("127.0.0.1", "6379", "--program", "/usr/bin/redis-cli",
                     env=env)
    check_route(answer, "tcp", "policy", [])
    check_equal((answer["file"], answer["rule"], answer["program"]),
                (env["WSD_POLICY"], {"line": 1, "route": "tcp"}, "redis-cli"),
                str(answer))
    answer = explain("127.0.0.1", "6379", env=env)
    check_route(answer, "shm", "san", ["shm"])
    answer = explain("127.0.0.1", "7001", env=env)
    check_route(answer, "fabric", "san", ["fabric"])
    check_equal(answer["rule"], {"line": 3, "route": "fabric"}, str(answer))
    check_route(explain("127.0.0.1", "9", env=env), "tcp", "san-missing", [])
    check_route(explain(ELSEWHERE, "10", env=env), "tcp", "not-on-san", [])


@case("a listener is on every SAN that the policy leaves")
def listeners():
    env = environment("* listen * 80 fabric", "* connect * * tcp")
    check_route(explain("0.0.0.0", "81", "--listen", env=env), "shm,fabric",
                "san", ["shm", "fabric"])
    check_route(explain("127.0.0.1", "80", "--listen", env=env), "fabric",
                "san", ["fabric"])
    check_route(explain("127.0.0.2", "81", "--listen", env=env), "shm", "san",
                ["shm"])


@case("people are told the file and line, the route, and each provider")
def for_people():
    env = environment("* * * * fabric")
    outcome = policy("explain", "127.0.0.1", "80", env=env)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    lines = outcome.out.splitlines()
    check_equal(len(lines), 5, outcome.out)
    check(f"{env['WSD_POLICY']}:1: fabric" in lines[1], outcome.out)
    check("fabric, san" in lines[2], outcome.out)
    check(lines[3].startswith("shm") and " no: " in lines[3], outcome.out)
    check(lines[4].startswith("fabric") and " yes: " in lines[4], outcome.out)


@case("a policy that is wrong is explained as TCP, with status 1")
def wrong_policy():
    env = environment("* * * *")
    outcome = policy("explain", "127.0.0.1", "80", "--json", env=env)
    answer = json.loads(outcome.out)
    check_equal((outcome.status, answer["route"], answer["code"]),
                (1, "tcp", "policy-error"), str(outcome))
    check_equal(outcome.err, f"wsd: {env['WSD_POLICY']}:1: expected {FORM}\n",
                str(outcome))


@case("the user's own policy counts before the system's")
def at_home():
    home = scratch("home")
    os.makedirs(os.path.join(home, ".config", "openwsd"))
    path = os.path.join(home, ".config", "openwsd", "policy.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("* * * 80 tcp\n")
    answer = explain("127.0.0.1", "80", env=environment(HOME=home))
    check_equal((answer["file"], answer["code"]), (path, "policy"),
                str(answer))
    env = environment("* * * 80 shm", HOME=home)
    check_route(explain("127.0.0.1", "80", env=env), "shm", "san", ["shm"])


@case("switched off, and without a provider, it is TCP")
def nothing_there():
    env = environment("* * * * shm", WSD_ENABLE="off")
    check_equal(explain("127.0.0.1", "80", env=env)["code"], "disabled", "off")
    env = environment("* * * * shm", libraries=[])
    env["WSD_CATALOG"] = catalog()
    answer = explain("127.0.0.1", "80", env=env)
    check_route(answer, "tcp", "no-provider", [])


if __name__ == "__main__":
    main()
