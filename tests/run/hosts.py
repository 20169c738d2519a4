# SPDX-License-Identifier: MIT
"""Test hosts: network namespaces of this machine, plugged into one switch.

    with hosts.several(2) as (a, b):
        server = Fast(a)                      # runs under wsd on host a
        server.start("redis-server", "--bind", a.address)
        b.run("redis-cli", "-h", a.address, "ping")
        hosts.check_route(server, "accept", path=hosts.TCP)

A host starts programs as the module procs does, with the same options. All
that runs on the hosts is ended, and the hosts are gone, when the block ends,
however it ends. A case that needs hosts is skipped where there can be none.
"""

import atexit
import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import explain
import procs
import tap

TCP = "tcp"

# The route that two programs under wsd take from host to host.
BETWEEN = os.environ.get("WSD_TEST_BETWEEN", TCP)

# The ports that a provider may use of its own: those that neither servers
# nor the system choose.
SAN_PORTS = "61000-65535"

_FOLDER = "/run/netns"
_NAME = re.compile(r"^wsd-(\d+)-\w+$")
_made = []


def check_route(fast, direction, at_least=1, path=None):
    """All connections of a program between hosts took that route."""
    if not explain.WSD:
        return
    wanted = path or BETWEEN
    paths = collections.Counter(
        route.path for route in explain.read(fast.path)
        if route.direction == direction)
    tap.check(set(paths) <= {wanted} and paths[wanted] >= at_least,
              f"{direction}: {dict(paths)}, wanted at least {at_least} of "
              f"only {wanted!r}")


def check_ends(server, client, connections):
    """Both have told of so many connections, each over the right route.

    A Host among them, instead of a Fast, is an end without wsd.
    """
    fast = [end for end in (server, client) if isinstance(end, explain.Fast)]
    path = BETWEEN if len(fast) == 2 else TCP
    for end in fast:
        check_route(end, "accept" if end is server else "connect",
                    connections, path)


WAYS = (
    ("both under wsd", True, True),
    ("only the server under wsd", True, False),
    ("only the client under wsd", False, True),
)


def each_way(sentence, seconds=60):
    """Registers function(address, server, client) as three cases.

    The server's host has the address. What the function returns is how many
    connections both have made, at least, all over one route; None: it has
    looked at the routes itself.
    """
    def register(function):
        for way, fast_server, fast_client in WAYS:
            def one(fast_server=fast_server, fast_client=fast_client):
                with several(2) as (a, b):
                    server = explain.Fast(a) if fast_server else a
                    client = explain.Fast(b) if fast_client else b
                    connections = function(a.address, server, client)
                    if connections is not None:
                        check_ends(server, client, connections)
            tap.case(f"{sentence}, {way}", seconds)(one)
        return function

    return register


class Failed(Exception):
    """A command that makes or changes hosts has failed."""


def _command(*command, text=None):
    """Runs a command of the system's; returns what it printed."""
    done = subprocess.run(
        command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _essential(*command):
    """As _command; where the kernel refuses it, there can be no hosts."""
    try:
        _command(*command)
    except Failed as why:
        raise tap.Skip(f"no test hosts here: {why}") from None


class Namespace:
    """A network namespace with a name that tells whose it is."""

    def __init__(self, label):
        self.name = f"wsd-{os.getpid()}-{label}"
        _essential("ip", "netns", "add", self.name)
        self.number = os.stat(f"{_FOLDER}/{self.name}").st_ino
        self.ip("link", "set", "lo", "up")

    def ip(self, *command):
        """The command ip, inside."""
        return _command("ip", "-n", self.name, *command)

    def command(self, *command):
        """The command line that runs a program inside."""
        return ("ip", "netns", "exec", self.name, *command)

    def set(self, name, value):
        """A setting of the network, below /proc/sys/net."""
        _command(*self.command("sh", "-c", 'echo "$2" >"/proc/sys/net/$1"',
                               "sh", name, str(value)))

    def pids(self):
        """The living processes inside."""
        return [pid for pid in procs.all_pids() if _is_inside(pid, self.number)]

    def kill_all(self):
        """Kills every process inside, at once."""
        def none_left():
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.pids()
        procs.wait_until(none_left, 5, f"end of all programs on {self.name}")

    def remove(self):
        """With all that is inside."""
        try:
            self.kill_all()
        finally:
            _delete(self.name)


def _is_inside(pid, number):
    """Does a living process use that namespace?"""
    try:
        inside = os.stat(f"/proc/{pid}/ns/net").st_ino == number
    except OSError:
        return False
    fields = procs.stat_fields(pid)
    return inside and fields is not None and fields[0] != "Z"


def _delete(name):
    if os.path.exists(f"{_FOLDER}/{name}"):
        _command("ip", "netns", "delete", name)


class Host(Namespace):
    """A host with a network card, which programs can be started on."""

    def __init__(self, label, number, wire):
        super().__init__(label)
        self.address = f"10.87.83.{number}"
        self.address6 = f"fd57:5344::{number}"
        self._number = number
        self._wire = wire
        self._port = label  # of the switch
        self._insert("eth0", label, self.address, self.address6)

    def _insert(self, card, port, address, address6):
        _essential("ip", "-n", self.name, "link", "add", card, "type",
                   "veth", "peer", "name", port, "netns", self._wire.name)
        self._wire.ip("link", "set", "dev", port, "master", "switch", "up")
        self.set(f"ipv6/conf/{card}/accept_dad", 0)
        self.set(f"ipv6/conf/{card}/keep_addr_on_down", 1)
        self.ip("address", "add", f"{address}/24", "dev", card)
        self.ip("address", "add", f"{address6}/64", "dev", card)
        self.ip("link", "set", card, "up")

    def start(self, *command, **options):
        """As procs.start."""
        program = procs.start(*self.command(*command), **options)
        program.listens = self.is_listening
        return program

    def run(self, *command, **options):
        """As procs.run."""
        return procs.run(*self.command(*command), **options)

    def is_listening(self, port):
        """As procs.is_listening."""
        tables = _command(*self.command("cat", "/proc/net/tcp",
                                        "/proc/net/tcp6"))
        return procs.has_listener(tables.splitlines(), port)

    def insert_second(self):
        """A second card, with an address of another network."""
        self._insert("eth1", self._port + "1", f"10.87.84.{self._number}",
                     f"fd57:5345::{self._number}")

    def remove_first(self):
        """The card that programs use is gone, with its addresses."""
        self.ip("link", "delete", "eth0")

    def unplug(self):
        """Pulls the cable: the card is up but has no carrier."""
        self._wire.ip("link", "set", "dev", self._port, "down")

    def plug(self):
        """Puts the cable back."""
        self._wire.ip("link", "set", "dev", self._port, "up")

    def link(self, state):
        """Switches the card "down" or "up", as an administrator would."""
        self.ip("link", "set", "eth0", state)

    def firewall(self, ports, verdict="drop"):
        """Lets nothing in to these TCP ports ("61000-65535").

        With "reject with tcp reset" the other side is told at once.
        """
        if not shutil.which("nft"):
            raise tap.Skip("nft is not installed")
        rules = f"""
            table inet test {{
                chain input {{
                    type filter hook input priority 0;
                    tcp dport {ports} {verdict};
                }}
            }}"""
        _command(*self.command("nft", "-f", "-"), text=rules)

    def no_firewall(self):
        """Takes all rules away."""
        _command(*self.command("nft", "flush", "ruleset"))

    def lose(self):
        """As when its power fails: no packet says that it is gone."""
        self.unplug()
        self.kill_all()


class _Wire(Namespace):
    """The switch between the hosts."""

    def __init__(self):
        super().__init__("wire")
        _essential("ip", "-n", self.name, "link", "add", "switch", "type",
                   "bridge", "mcast_snooping", "0")
        self.ip("link", "set", "dev", "switch", "up")


def _check_possible():
    if os.geteuid() != 0:
        raise tap.Skip("test hosts need root")
    if not shutil.which("ip"):
        raise tap.Skip("ip is not installed")


@contextlib.contextmanager
def several(count):
    """Makes that many hosts; gives them; removes them."""
    _check_possible()
    if _made:
        raise Failed("one set of hosts at a time")
    _prepare_for_the_end()
    remove_stale()
    try:
        wire = _Wire()
        _made.append(wire)
        for number in range(1, count + 1):
            label = chr(ord("a") + number - 1)
            _made.append(Host(label, number, wire))
        yield tuple(_made[1:])
    finally:
        remove_all()


def _prepare_for_the_end():
    """Whatever ends this process, but kill -9, lets it clean up."""
    atexit.register(remove_all, os.getpid())
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def remove_all(owner=0):
    """Removes the hosts of this process."""
    if owner not in (0, os.getpid()):
        return
    numbers = [namespace.number for namespace in _made]
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_named, lambda pid: pid == os.getpid())
        while _made:
            stack.callback(_made.pop().remove)
    tap.check(not left_behind(numbers), "hosts are left behind")


def left_behind(numbers, owner=None):
    """What there is of the hosts of a process: names, and processes."""
    return ([name for pid, name in _names() if pid == (owner or os.getpid())]
            + [pid for pid in procs.all_pids()
               for number in numbers if _is_inside(pid, number)])


def _names():
    """Every namespace with such a name, and whose it is."""
    if not os.path.isdir(_FOLDER):
        return
    for name in sorted(os.listdir(_FOLDER)):
        match = _NAME.match(name)
        if match:
            yield int(match.group(1)), name


def _remove_named(whose):
    for pid, name in _names():
        if not whose(pid):
            continue
        for inside in _command("ip", "netns", "pids", name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(inside), signal.SIGKILL)
        _delete(name)


def remove_stale():
    """Removes hosts of test programs that were killed."""
    _remove_named(lambda pid: procs.stat_fields(pid) is None)
