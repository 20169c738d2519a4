# SPDX-License-Identifier: MIT
"""Virtual machines over this machine's files, with RDMA verbs.

    a, b = machine.pair()
    Fast(a).start("redis-server", "--bind", a.address)
    b.run("redis-cli", "-h", a.address, "ping", seconds=60)

A machine has the addresses and the methods of a Host (tests/run/hosts.py) and
sees all files at the same paths, as they were when it was booted. What it
writes is its own, except in the test's scratch folder, which all share. With
no acceleration by hardware a program runs 10 to 30 times slower than here:
good for what is right, not for how fast. Machines end with the test.
"""

import atexit
import ctypes
import json
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import kernel  # noqa: E402
import procs  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = 4096  # MiB
BOOT_SECONDS = 120
PR_SET_PDEATHSIG = 1

_booted = []
_pair = None


class Failed(Exception):
    """A machine has not come up, or has ended; says what it printed."""


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Remote(procs.Program):
    """A program in a machine; see procs.Program."""

    patience = 6

    def __init__(self, machine, command, **options):
        self.machine = machine
        super().__init__(command, **options)
        self.listens = machine.is_listening

    def _launch(self, env, limits, stdin):
        if limits or stdin:
            raise ValueError("neither limits nor stdin, in a machine")
        return self.machine.launch(self.command, env, self.log.name)

    def _signal(self, number):
        self.machine.signal(self.pid, number)

    def _kill_session(self):
        self.machine.signal(self.pid, signal.SIGKILL, session=True)


class _Process:
    """What subprocess.Popen is for a program here."""

    def __init__(self, machine, command):
        self.machine = machine
        self.command = command
        self.pid = None
        self.status = None

    def poll(self):
        """The exit status; None while it runs."""
        self.machine.listen(0)
        return self.status

    def wait(self, timeout=None):
        """Waits for the end."""
        end = time.monotonic() + (timeout or 3600)
        while self.poll() is None:
            left = end - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.command, timeout)
            self.machine.listen(left)
        return self.status


class Machine:
    """One machine; boot() makes them."""

    def __init__(self, number, folder, image, rdma=True, memory=MEMORY):
        self.number = number
        self.address = f"10.87.83.{number}"
        self.address6 = f"fd57:5344::{number}"
        self.console = f"{folder}/console{number}"
        self._agent = f"{folder}/agent{number}"
        self._processes = {}
        self._rest = b""
        self._ready = False
        self._line = None
        self._began = time.monotonic()
        with open(self.console, "ab") as said:
            self._qemu = self._start_qemu(
                self._command(folder, image, rdma, memory), said)

    @staticmethod
    def _start_qemu(command, said):
        return subprocess.Popen(
            command, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=said,
            text=True, start_new_session=True, preexec_fn=_end_with_parent)

    def _command(self, folder, image, rdma, memory):
        number = self.number
        words = {
            "VM_NUMBER": number, "VM_RDMA": int(rdma),
            "VM_SHARE": procs.scratch(), "VM_PYTHON": sys.executable,
            "VM_AGENT": f"{HERE}/agent.py"}
        append = "console=ttyS0 panic=-1 quiet loglevel=3 " + " ".join(
            f"{name}={value}" for name, value in words.items())
        return [
            kernel.tool("qemu-system-x86_64"), "-accel", "kvm", "-accel",
            "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(memory),
            "-nodefaults", "-display", "none", "-no-reboot",
            "-monitor", "stdio",
            "-kernel", image, "-initrd", f"{folder}/first", "-append", append,
            "-chardev", f"file,id=console,path={self.console},append=on",
            "-serial", "chardev:console", "-chardev",
            f"socket,id=agent,path={self._agent},server=on,wait=on",
            "-serial", "chardev:agent",
            "-netdev", f"dgram,id=wire,local.type=unix,"
            f"local.path={folder}/wire{number},remote.type=unix,"
            f"remote.path={folder}/wire{3 - number}",
            "-device", f"virtio-net-pci,netdev=wire,"
            f"mac=52:54:00:57:53:{number:02x}",
            "-virtfs", "local,path=/,mount_tag=files,security_model=none,"
            "readonly=on,multidevs=remap",
            "-virtfs", f"local,path={procs.scratch()},mount_tag=share,"
            "security_model=none"]

    # ---- life ------------------------------------------------------------

    def connect(self):
        """Connects to the agent-to-be; not before that does it boot."""
        line = socket.socket(socket.AF_UNIX)

        def connected():
            self._check_alive()
            return line.connect_ex(self._agent) == 0
        procs.wait_until(connected, 20, f"QEMU of machine {self.number}")
        self._line = line

    def wait_ready(self, seconds=BOOT_SECONDS):
        """Waits until it has booted; returns how many seconds it took."""
        def ready():
            self._check_alive()
            self.listen(0.05)
            return self._ready
        try:
            procs.wait_until(ready, seconds, f"boot of machine {self.number}")
        except procs.Timeout as why:
            raise Failed(f"{why}\n{self.printed()}") from None
        return time.monotonic() - self._began

    def alive(self):
        """Is it running?"""
        return self._qemu.poll() is None

    def _check_alive(self):
        if not self.alive():
            raise Failed(f"machine {self.number} has ended\n{self.printed()}")

    def printed(self):
        """The end of what its console and QEMU have said."""
        with open(self.console, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:].replace("\r", "")

    def lose(self):
        """As when its power fails."""
        if self.alive():
            self._qemu.kill()
        self._qemu.wait()
        if self._line:
            self._line.close()
            self._line = None
        for process in self._processes.values():
            process.status = -signal.SIGKILL
        self._processes.clear()

    # ---- the cable -------------------------------------------------------

    def _monitor(self, command):
        self._qemu.stdin.write(command + "\n")
        self._qemu.stdin.flush()

    def unplug(self):
        """Pulls the cable: the card is up but has no carrier."""
        self._monitor("set_link wire off")

    def plug(self):
        """Puts the cable back."""
        self._monitor("set_link wire on")

    # ---- the agent -------------------------------------------------------

    def listen(self, seconds):
        """Takes in what the agent says within that time."""
        if not self._line or not select.select([self._line], [], [],
                                               seconds)[0]:
            return
        data = self._line.recv(65536)
        if not data:
            self.lose()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, answer):
        if "ready" in answer:
            self._ready = True
            return
        process = self._processes[answer["id"]]
        process.pid = answer.get("pid", process.pid or 0)
        if "status" in answer:
            process.status = answer["status"]
            del self._processes[answer["id"]]

    def _say(self, **request):
        self._check_alive()
        self._line.sendall(json.dumps(request).encode() + b"\n")

    def launch(self, command, env, out, err=None, stdin=os.devnull):
        """Starts a program with its files in the scratch folder."""
        process = _Process(self, command)
        number = time.monotonic_ns()
        self._processes[number] = process
        inherited = {name: value for name, value in os.environ.items()
                     if name.startswith("WSD")}
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        self._say(start=number, command=command, folder=os.getcwd(),
                  env={**inherited, "PATH": path, "HOME": "/tmp",
                       "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
                  out=out, err=err, **{"in": stdin})

        def started():
            self._check_alive()
            self.listen(0.05)
            return process.pid is not None
        procs.wait_until(started, 30, f"start of {command[0]}")
        return process

    def signal(self, pid, number, session=False):
        """To a program here, or to its whole session."""
        if pid and self.alive():
            self._say(signal=int(number), pid=pid, session=session)

    # ---- programs --------------------------------------------------------

    def start(self, *command, **options):
        """As procs.start."""
        return Remote(self, command, **options)

    def run(self, *command, seconds=60, env=None, stdin=None):
        """As procs.run."""
        command = [str(part) for part in command]
        name = procs.scratch_file(f"run-{time.monotonic_ns()}")
        given = os.devnull
        if stdin:
            given = name + ".in"
            with open(given, "w", encoding="utf-8") as file:
                file.write(stdin)
        files = (name + ".out", name + ".err")
        for file in files:
            open(file, "w", encoding="ascii").close()
        process = self.launch(command, env, *files, given)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise procs.Timeout(
                f"{' '.join(command)}: not done after {seconds} s\n"
                + "".join(_text(file)[-2000:] for file in files)) from None
        finally:
            self.signal(process.pid, signal.SIGKILL, session=True)
        return procs.Outcome(command, status, *map(_text, files))

    def is_listening(self, port):
        """As procs.is_listening."""
        tables = self.run("cat", "/proc/net/tcp", "/proc/net/tcp6").out
        return procs.has_listener(tables.splitlines(), port)

    def link(self, state):
        """Switches the card "down" or "up", as an administrator would."""
        self.run("ip", "link", "set", "eth0", state)


def _text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def boot(count=1, rdma=(True, True), memory=MEMORY, seconds=BOOT_SECONDS):
    """Boots one machine, or two on a wire of their own, at once."""
    if platform.machine() != "x86_64":
        raise kernel.Missing("machines are for x86-64")
    folder = procs.scratch_file("machines")
    os.makedirs(folder, exist_ok=True)
    image = kernel.first_files(f"{folder}/first")
    atexit.register(switch_off)
    machines = []
    for number in range(1, count + 1):
        machines.append(Machine(number, folder, image, rdma[number - 1],
                                memory))
        _booted.append(machines[-1])
    for machine in machines:
        machine.connect()
    for machine in machines:
        machine.wait_ready(seconds)
    return machines


def pair():
    """Two machines, booted once for all cases of a test."""
    global _pair
    if _pair is None:
        _pair = ()  # what fails once is not tried for every case
        _pair = boot(2)
    if not _pair or not all(each.alive() for each in _pair):
        raise Failed("the machines are not there; see an earlier case")
    return _pair


def switch_off():
    """Ends all machines."""
    while _booted:
        _booted.pop().lose()
