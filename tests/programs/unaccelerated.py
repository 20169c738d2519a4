#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that wsd cannot accelerate run over TCP, and it says so once."""

import os
import shutil
import stat
import struct
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run")
sys.path.insert(0, RUN)

import procs  # noqa: E402
from explain import WSD, Fast, start_echo  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "tiny_client.c")
OWN_STATUS = 42  # of tiny_client, when all went well
NOBODY = 65534
MACHINE_AT = 18  # offset of e_machine


def build(name, *options):
    """Compiles the client; returns its path."""
    path = procs.scratch_file(name)
    outcome = procs.run("gcc", "-o", path, SOURCE, *options)
    check_equal(outcome.status, 0, str(outcome))
    return path


def expect(path, code, *arguments):
    """It works over TCP, and one line tells why not otherwise."""
    if not WSD:
        raise Skip("runs without wsd")
    server = Fast()
    _, port = start_echo(server.start)
    outcome = procs.run(WSD, "run", *arguments, path, port)
    check_equal(outcome.status, OWN_STATUS, str(outcome))
    check_equal(outcome.out, "echoed\n", str(outcome))
    if code:
        lines = outcome.err.splitlines()
        check_equal(len(lines), 1, outcome.err)
        check(lines[0].startswith(f"wsd: {path}: cannot be accelerated (")
              and lines[0].endswith(f"); running over TCP [{code}]"), lines[0])
        server.check_only("accept", "plain-client")
    else:
        check_equal(outcome.err, "", str(outcome))
        server.check_only("accept", "san")


@case("an ordinary program is accelerated in silence")
def ordinary():
    expect(build("ordinary"), None)


@case("a static program")
def static():
    expect(build("static", "-static"), "static-program")


@case("a static position-independent program")
def static_pie():
    expect(build("static-pie", "-static-pie"), "static-program")


@case("a program of the Go compiler")
def go():
    expect(build("go", "-DLIKE_GO"), "go-program")


@case("a stripped program of the Go compiler")
def stripped_go():
    expect(build("stripped", "-DLIKE_GO", "-s"), "go-program")


@case("a setuid program")
def setuid():
    if os.geteuid() != 0:
        raise Skip("only root can make a program setuid to another user")
    path = build("setuid")
    os.chown(path, NOBODY, NOBODY)
    os.chmod(path, 0o4755)
    expect(path, "setuid-program")


@case("a setuid program of one's own is accelerated")
def own_setuid():
    path = build("own-setuid")
    os.chmod(path, 0o4755)
    expect(path, None)


@case("a program with another C library's loader")
def other_loader():
    loader = procs.scratch_file("ld-other-x86_64.so.1")
    own = procs.run("readelf", "-p", ".interp", shutil.which("true"))
    os.symlink(own.out.split()[-1], loader)
    expect(build("other", f"-Wl,--dynamic-linker={loader}"),
           "foreign-program")


@case("a program for another machine is not run, as without wsd")
def other_machine():
    if not WSD:
        raise Skip("runs without wsd")
    path = build("machine")
    with open(path, "r+b") as file:
        file.seek(MACHINE_AT)
        file.write(struct.pack("<H", 4))  # a Motorola 68000
    outcome = procs.run(WSD, "run", path)
    check_equal(outcome.status, 126, str(outcome))
    check("[foreign-program]" in outcome.err, outcome.err)
    check("Exec format error" in outcome.err, outcome.err)


@case("a script of a static interpreter, three scripts deep")
def script():
    program = build("interpreter", "-static")
    for depth in range(3):
        path = procs.scratch_file(f"script-{depth}")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#! {program} \n")
        os.chmod(path, stat.S_IRWXU)
        program = path
    outcome = procs.run(WSD, "run", program) if WSD else None
    if not outcome:
        raise Skip("runs without wsd")
    check("[static-program]" in outcome.err, str(outcome))
    check_equal(outcome.status, 3, str(outcome))


if __name__ == "__main__":
    main()
