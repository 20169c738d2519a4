# SPDX-License-Identifier: MIT
"""Running a program under `wsd run`, and reading which routes it took.

With WSD empty or unset in the environment, programs run without wsd, and
nothing is asserted of routes: so a test can be tried over kernel TCP.
"""

import collections
import os
import re
import sys
import tempfile

import procs
import tap

WSD = os.environ.get("WSD", "")
PEER = (sys.executable,
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py"))

Route = collections.namedtuple(
    "Route", "pid direction local remote path code text")

_LINE = re.compile(
    r"^wsd\[(\d+)\] (connect|accept|listen) (\S+)(?: (?:->|<-) (\S+))? "
    r"(\S+) (\S+) (.*)$")


def parse(text):
    """The routes that lines of --explain tell of; other lines are ignored."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            fields = match.groups()
            found.append(Route(int(fields[0]), *fields[1:]))
    return found


def read(path):
    """The routes in a file; none when nothing was written."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except FileNotFoundError:
        return []


def count(path, code):
    """How many connections (not listeners) have that reason code."""
    return sum(r.code == code and r.direction != "listen" for r in read(path))


def offers(path, port):
    """How many listeners on the port have been told of, whatever the route."""
    return sum(r.direction == "listen" and r.local.endswith(f":{port}")
               for r in read(path))


def start_echo(start, verb="serve", *more, at="127.0.0.1", **options):
    """Starts peer.py as a server with procs.start or Fast().start.

    Returns (program, port).
    """
    port = procs.free_port()
    program = start(*PEER, "--at", at, verb, port, *more, **options)
    program.wait_port(port)
    return program, port


class Fast:
    """One end that runs under wsd; knows the routes it took.

    It runs where `where` starts it: procs is here, a Host is on that host.
    """

    def __init__(self, where=procs):
        self.where = where
        handle, self.path = tempfile.mkstemp(dir=procs.scratch(),
                                             prefix="routes-")
        os.close(handle)

    def command(self, *command):
        """The command line that runs a program under wsd."""
        if not WSD:
            return command
        return (WSD, "run", f"--explain={self.path}", "--", *command)

    def start(self, *command, **options):
        """As where.start; a port is ready when its SAN side is too."""
        program = self.where.start(*self.command(*command), **options)
        if WSD:
            program.offers = lambda port: offers(self.path, port)
        return program

    def run(self, *command, **options):
        """As where.run."""
        return self.where.run(*self.command(*command), **options)

    def codes(self, direction):
        """Reason codes of that direction, each with how often."""
        return collections.Counter(
            r.code for r in read(self.path) if r.direction == direction)

    def check_only(self, direction, code, at_least=1):
        """All of that direction had this code, and there were so many."""
        if not WSD:
            return
        codes = self.codes(direction)
        tap.check(set(codes) <= {code} and codes[code] >= at_least,
              f"{direction}: {dict(codes)}, wanted at least {at_least} of "
              f"only {code!r}")

    def check_some(self, direction, code, at_least=1):
        """There were so many with this code, whatever else."""
        if not WSD:
            return
        codes = self.codes(direction)
        tap.check(codes[code] >= at_least,
              f"{direction}: {dict(codes)}, wanted at least {at_least} of "
              f"{code!r}")
