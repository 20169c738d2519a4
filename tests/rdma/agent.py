# SPDX-License-Identifier: MIT
"""The first process of a virtual machine: starts what it is told to.

Reads requests from a serial line and answers there, one JSON object a line:

    {"start": ID, "command": [...], "env": {...}, "folder": PATH,
     "in": PATH, "out": PATH, "err": PATH or null}
                            -> {"id": ID, "pid": PID} or {"id": ID, "status": N}
    {"signal": N, "pid": PID, "session": false}
    (a program has ended)   -> {"id": ID, "status": N}

The first answer, without a request, is {"ready": true}.
"""

import json
import os
import resource
import select
import signal
import subprocess
import termios
import tty

LINE = "/dev/ttyS1"
FILES = 2048  # descriptors that a program may have: verbs take six each
NOT_FOUND = 127


class Agent:
    """One serial line, and the programs started from it."""

    def __init__(self):
        self.line = os.open(LINE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        tty.setraw(self.line)
        speed = termios.tcgetattr(self.line)
        speed[4] = speed[5] = termios.B115200
        termios.tcsetattr(self.line, termios.TCSANOW, speed)
        self.ids = {}
        self.rest = b""

    def say(self, **answer):
        """One answer."""
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(self.line, data):]

    def start(self, request):
        """Starts a program in a session of its own."""
        number = request["start"]
        try:
            with open(request["in"], "rb") as stdin, \
                    open(request["out"], "ab") as out, \
                    open(request["err"] or os.devnull, "ab") as err:
                program = subprocess.Popen(
                    request["command"], cwd=request["folder"], stdin=stdin,
                    stdout=out, stderr=err if request["err"] else out,
                    env=request["env"], start_new_session=True)
        except OSError as error:
            with open(request["err"] or request["out"], "a",
                      encoding="utf-8") as file:
                print("agent:", error, file=file)
            self.say(id=number, status=NOT_FOUND)
            return
        self.ids[program.pid] = number
        program.returncode = 0  # it is waited for below
        self.say(id=number, pid=program.pid)

    def signal(self, request):
        """Sends a signal to a program, or to all of its session."""
        send = os.killpg if request["session"] else os.kill
        try:
            send(request["pid"], request["signal"])
        except ProcessLookupError:
            pass

    def read(self):
        """Does what has been asked."""
        *lines, self.rest = (self.rest + os.read(self.line, 4096)).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "start" in request:
                self.start(request)
            else:
                self.signal(request)

    def reap(self):
        """Tells of all that has ended; orphans are nobody's business."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.ids:
                self.say(id=self.ids.pop(pid),
                         status=os.waitstatus_to_exitcode(status))

    def run(self):
        """Until the machine is switched off."""
        awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.say(ready=True)
        while True:
            ready, _, _ = select.select([self.line, awake], [], [])
            if awake in ready:
                os.read(awake, 4096)
                self.reap()
            if self.line in ready:
                self.read()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    Agent().run()
