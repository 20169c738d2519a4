# SPDX-License-Identifier: MIT
"""Starting, watching and ending processes, for tests.

Everything that is started gets a session of its own, writes to a log of its
own, and is ended by its own id: never by name. Waiting always has a deadline.
"""

import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import time

_started = []
_scratch = None

PR_SET_CHILD_SUBREAPER = 36


class Timeout(Exception):
    """Something has not happened in time; says what."""


def scratch():
    """A folder for this process's files; removed at the end of the test."""
    global _scratch
    if _scratch is None:
        _scratch = tempfile.TemporaryDirectory(prefix="wsd-test-")
    return _scratch.name


def scratch_file(name):
    """A path in the scratch folder."""
    return os.path.join(scratch(), name)


def wait_until(condition, seconds, what):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Timeout(f"{what}: not within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


# ---- /proc ---------------------------------------------------------------

def stat_fields(pid):
    """The fields of /proc/PID/stat after the name; None when it is gone.

    Field 0 is the state, 1 the parent, 3 the session, 11 and 12 CPU time.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode("latin-1")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()


def all_pids():
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def session_members(session):
    """The living processes of a session."""
    members = []
    for pid in all_pids():
        fields = stat_fields(pid)
        if fields and int(fields[3]) == session and fields[0] != "Z":
            members.append(pid)
    return members


def children(parent):
    """The living processes with that parent."""
    found = []
    for pid in all_pids():
        fields = stat_fields(pid)
        if fields and int(fields[1]) == parent and fields[0] != "Z":
            found.append(pid)
    return found


def cpu_seconds(pid):
    """CPU time that all threads of a process have used, finely measured."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat",
                  encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def open_files(pid):
    """What the descriptors of a process refer to."""
    found = []
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return found


def adopt_orphans():
    """Orphans of what we start become our children, so that we see them."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_session(session):
    """Kills every process of a session; they may be forking meanwhile."""
    for _ in range(50):
        members = session_members(session)
        if not members:
            return
        for pid in members:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.005)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


# ---- ports ---------------------------------------------------------------

def free_port():
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_listener(lines, port):
    """Does a table like /proc/net/tcp have a listener on the port?"""
    wanted = f":{port:04X}"
    for line in lines:
        fields = line.split()
        if len(fields) > 3 and fields[3] == "0A" and fields[1].endswith(wanted):
            return True
    return False


def is_listening(port):
    """Is there a TCP listener? Looks without connecting."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                if has_listener(file, port):
                    return True
        except FileNotFoundError:
            pass
    return False


# ---- programs ------------------------------------------------------------

class Program:
    """A program that runs beside the test."""

    patience = 1  # more where everything takes longer

    def __init__(self, command, env=None, limits=None, stdin=None):
        self.command = [str(part) for part in command]
        self.log = tempfile.NamedTemporaryFile(
            mode="w+b", dir=scratch(), prefix="log-", delete=False)
        self.process = self._launch(env, limits, stdin)
        self.pid = self.process.pid
        self.listens = is_listening  # where its ports are to be looked for
        self.offers = None  # counts a port's listeners that are complete
        _started.append(self)

    def _launch(self, env, limits, stdin):
        return subprocess.Popen(
            self.command, stdin=stdin or subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})}, start_new_session=True,
            preexec_fn=limits)

    def _signal(self, number):
        _signal(self.pid, number)

    def _kill_session(self):
        kill_session(self.pid)

    def alive(self):
        """Is it still running?"""
        return self.process.poll() is None

    def output(self):
        """What it has printed so far."""
        with open(self.log.name, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def wait(self, seconds):
        """Waits for its end; returns the exit status (-N: killed by N)."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self}: not done after {seconds} s") from None

    def is_ready(self, port, listeners=1):
        """Does somebody listen on the port, completely?"""
        return self.listens(port) and (
            self.offers is None or self.offers(port) >= listeners)

    def wait_port(self, port, seconds=10):
        """Waits until somebody listens on the port and this still runs."""
        def ready():
            if not self.alive():
                raise Timeout(f"{self} ended with {self.process.poll()}:\n"
                              + self.output())
            return self.is_ready(port)
        wait_until(ready, seconds * self.patience,
                   f"{self} listening on port {port}")

    def terminate(self, seconds=5):
        """Asks it to end; kills it when it does not."""
        if self.alive():
            self._signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except Timeout:
            return self.kill()

    def kill(self):
        """Ends it, and all that it has started, at once."""
        if self.alive():
            self._signal(signal.SIGKILL)
        status = self.process.wait()
        self._kill_session()
        return status

    def __str__(self):
        return " ".join(self.command)


def start(*command, **options):
    """Starts a program; it is killed at the end of the case."""
    return Program(command, **options)


class Outcome:
    """How a program that has ended went."""

    def __init__(self, command, status, out, err):
        self.command = command
        self.status = status
        self.out = out
        self.err = err

    def __str__(self):
        return (f"{' '.join(self.command)}\nended with {self.status}\n"
                f"{self.out[-2000:]}{self.err[-2000:]}")


def run(*command, seconds=30, env=None, limits=None, stdin=None):
    """Runs a program to its end; at the deadline it is killed."""
    command = [str(part) for part in command]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(env or {})}, start_new_session=True,
        preexec_fn=limits, errors="replace")
    try:
        out, err = process.communicate(stdin, seconds)
    except subprocess.TimeoutExpired:
        kill_session(process.pid)
        out, err = process.communicate()
        raise Timeout(f"{' '.join(command)}: not done after {seconds} s\n"
                      f"{out[-2000:]}{err[-2000:]}") from None
    except BaseException:
        kill_session(process.pid)
        process.wait()
        raise
    return Outcome(command, process.returncode, out, err)


def tails(lines=15):
    """The last lines of every program's log."""
    parts = []
    for program in _started:
        end = program.output().splitlines()[-lines:]
        state = program.process.poll()
        parts.append(f"--- {program} ({'running' if state is None else state})")
        parts.extend(end)
    return "\n".join(parts)


def end_all():
    """Kills what is still running of what was started here."""
    for program in _started:
        program.kill()
        program.log.close()
    _started.clear()
