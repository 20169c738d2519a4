#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PostgreSQL, a process for each connection, and pgbench on another host."""

import functools
import glob
import os
import pwd
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import explain  # noqa: E402
import hosts  # noqa: E402
import procs  # noqa: E402
from tap import Skip, check, check_equal, main  # noqa: E402

CLIENTS = 8


def find(program):
    """PostgreSQL's programs are not all in the path."""
    found = shutil.which(program) or max(
        glob.glob(f"/usr/lib/postgresql/*/bin/{program}"), default=None)
    if not found:
        raise Skip(f"{program} is not installed")
    return found


@functools.cache
def owner():
    """Whom the server runs as, since it refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Skip("there is no user postgres or nobody")


def as_owner(*command):
    """Runs a command as that user."""
    user = owner()
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
            "--clear-groups", "--", *command)


def check_readable():
    """A build in somebody's closed folder is of no use to that user."""
    if explain.WSD and procs.run(*as_owner(explain.WSD, "--version"),
                                 seconds=10).status != 0:
        raise Skip(f"user {owner().pw_name} cannot run {explain.WSD}")


@functools.cache
def cluster():
    """The folder of a new data base."""
    check_readable()
    folder = procs.scratch_file("postgres")
    os.mkdir(folder)
    os.chmod(procs.scratch(), 0o711)
    os.chown(folder, owner().pw_uid, owner().pw_gid)
    made = procs.run(*as_owner(find("initdb"), "-D", f"{folder}/data", "-N",
                               "-A", "trust", "-U", "test", "-E", "UTF8",
                               "--locale=C"), seconds=60)
    check_equal(made.status, 0, str(made))
    with open(f"{folder}/data/pg_hba.conf", "a", encoding="ascii") as file:
        file.write("host all all all trust\n")
    return folder


class Server:
    """PostgreSQL on a host; ends as its manual says."""

    def __init__(self, end, address):
        folder = cluster()
        self.port = procs.free_port()
        if isinstance(end, explain.Fast):
            os.chown(end.path, owner().pw_uid, -1)
        self.program = end.start(
            *as_owner(find("postgres"), "-D", f"{folder}/data", "-h", address,
                      "-p", self.port, "-k", folder, "-F"))
        self.program.wait_port(self.port)
        procs.wait_until(lambda: "ready to accept" in self.program.output(),
                         30, "PostgreSQL")

    def stop(self):
        """All its processes end."""
        os.kill(self.program.pid, signal.SIGINT)
        check_equal(self.program.wait(20), 0, self.program.output())
        check("PANIC" not in self.program.output(), self.program.output())


def pgbench(client, address, port, *options):
    """Runs it; returns how many transactions it has made."""
    outcome = client.run(
        find("pgbench"), "-h", address, "-p", port, "-U", "test", *options,
        "postgres", seconds=60)
    check_equal(outcome.status, 0, str(outcome))
    check("rror" not in outcome.err, str(outcome))
    failed = re.search(r"failed transactions: (\d+)", outcome.out)
    check(not failed or failed.group(1) == "0", str(outcome))
    made = re.search(r"actually processed: (\d+)", outcome.out)
    return int(made.group(1)) if made else 0


@hosts.each_way("pgbench's transactions, and then one connection for each",
                seconds=120)
def transactions(address, server, client):
    postgres = Server(server, address)
    pgbench(client, address, postgres.port, "-i", "-q")
    load = ("-n", "-c", CLIENTS, "-j", 2)
    check_equal(pgbench(client, address, postgres.port, *load, "-t", 50),
                CLIENTS * 50, "transactions")
    check_equal(pgbench(client, address, postgres.port, *load, "-t", 5, "-C"),
                CLIENTS * 5, "transactions on connections of their own")
    postgres.stop()
    if isinstance(server, explain.Fast) and isinstance(client, explain.Fast):
        check_withdrawn(server)
        return None
    return CLIENTS + CLIENTS * 5


def check_withdrawn(server):
    """A child has got the first connection; the others come by TCP."""
    first, *others = [(route.path, route.code)
                      for route in explain.read(server.path)
                      if route.direction == "accept"]
    check_equal(first[0], hosts.BETWEEN, "route of the first connection")
    check(set(others) <= {first, ("tcp", "forked-server")} and
          others.count(first) < CLIENTS and len(others) > CLIENTS * 6,
          f"routes {others}")
    server.check_some("listen", "forked-server")


if __name__ == "__main__":
    main()
