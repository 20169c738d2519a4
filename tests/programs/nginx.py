#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx with two workers, as a daemon and not; curl fetches 100 MB."""

import hashlib
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

MEGABYTES = 100
LISTENERS = 2

CONFIGURATION = """
{user}
worker_processes 2;
daemon {daemon};
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile {sendfile};
    client_max_body_size 200m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
        root {folder}/root;
    }}
}}
"""


class Nginx:
    """A server in a folder of its own."""

    def __init__(self, start, daemon, sendfile="on"):
        self.folder = procs.scratch_file(f"nginx-{procs.free_port()}")
        self.port = procs.free_port()
        self._write_files(daemon, sendfile)
        self.program = start("nginx", "-c", f"{self.folder}/nginx.conf",
                             "-e", f"{self.folder}/error.log")
        if daemon == "on":
            check_equal(self.program.wait(10), 0, self.program.output())
        procs.wait_until(lambda: self.program.is_ready(self.port, LISTENERS),
                         10, "nginx")
        self.master = procs.wait_until(self._read_pid, 5, "its pid file")

    def _write_files(self, daemon, sendfile):
        os.makedirs(f"{self.folder}/root")
        user = "user root;" if os.geteuid() == 0 else ""
        with open(f"{self.folder}/nginx.conf", "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(
                user=user, daemon=daemon, folder=self.folder, port=self.port,
                sendfile=sendfile))
        with open(f"{self.folder}/root/data", "wb") as file:
            for _ in range(MEGABYTES):
                file.write(os.urandom(1 << 20))

    def _read_pid(self):
        try:
            with open(f"{self.folder}/pid", encoding="ascii") as file:
                return int(file.read() or "0")
        except FileNotFoundError:
            return 0

    def url(self, host="127.0.0.1", name="data"):
        """Of a file that it serves."""
        return f"http://{host}:{self.port}/{name}"

    def stop(self):
        """Ends it as its manual says, and waits for all its processes."""
        workers = procs.children(self.master)
        os.kill(self.master, signal.SIGQUIT)
        for pid in [self.master] + workers:
            procs.wait_until(lambda pid=pid: gone(pid), 10,
                             f"end of process {pid}")

    def check_log(self):
        """Nothing went wrong inside."""
        with open(f"{self.folder}/error.log", encoding="utf-8") as file:
            text = file.read()
        check("[alert]" not in text and "[crit]" not in text
              and "[emerg]" not in text, text)


def gone(pid):
    """Ended, if perhaps not yet reaped by whoever has adopted it."""
    fields = procs.stat_fields(pid)
    return not fields or fields[0] == "Z"


def digest(path):
    """The file's checksum."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(run, nginx, host="127.0.0.1"):
    """curl gets the file, and it is the same."""
    copy = procs.scratch_file("copy")
    outcome = run("curl", "-sS", "-f", "--noproxy", "*", "-o", copy,
                  nginx.url(host), seconds=30)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(digest(copy), digest(f"{nginx.folder}/root/data"), "checksum")


def serve(daemon, sendfile="on"):
    """A fast curl, then a plain one, of a fast server."""
    procs.adopt_orphans()
    server, client = Fast(), Fast()
    nginx = Nginx(server.start, daemon, sendfile)
    try:
        workers = procs.wait_until(
            lambda: len(procs.children(nginx.master)) == 2, 5, "two workers")
        check(workers, "two workers")
        fetch(client.run, nginx)
        fetch(client.run, nginx, "[::1]")
        client.check_only("connect", "san", 2)
        fetch(procs.run, nginx)
        server.check_some("accept", "san", 2)
        server.check_some("accept", "plain-client")
    finally:
        nginx.stop()
    nginx.check_log()


@case("in the foreground", seconds=60)
def foreground():
    serve("off")


@case("as a daemon", seconds=60)
def daemon():
    serve("on")


@case("without sendfile", seconds=60)
def without_sendfile():
    serve("off", sendfile="off")


@case("many requests on kept connections", seconds=60)
def many_requests():
    server, client = Fast(), Fast()
    nginx = Nginx(server.start, "off")
    with open(f"{nginx.folder}/root/small", "w", encoding="ascii") as file:
        file.write("small\n")
    urls = [nginx.url(name="small")] * 500
    outcome = client.run("curl", "-sS", "-f", "--noproxy", "*", "-Z",
                         "--parallel-max", "8", *urls, seconds=30)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(outcome.out.count("small\n"), 500, "answers")
    client.check_only("connect", "san")
    nginx.stop()
    nginx.check_log()


if __name__ == "__main__":
    main()
