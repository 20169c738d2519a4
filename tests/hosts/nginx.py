#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx on one host; curl on another fetches 1 GB."""

import functools
import os
import random
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from explain import Fast  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

MEGABYTES = 1024

CONFIGURATION = """
{user}
worker_processes 2;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile {sendfile};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:{port};
        root {folder};
    }}
}}
"""


@functools.cache
def large_file():
    """Returns the folder of a file "data" and its checksum.

    No two of its blocks are the same.
    """
    folder = procs.scratch_file("nginx")
    os.mkdir(folder)
    block = random.Random(1).randbytes((1 << 20) - 8)
    with open(f"{folder}/data", "wb") as file:
        for number in range(MEGABYTES):
            file.write(number.to_bytes(8, "little") + block)
    return folder, procs.run("sh", "-c", f"cksum <{folder}/data").out


def start_server(start, address, sendfile):
    """Returns its port."""
    folder, _ = large_file()
    port = procs.free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
        file.write(CONFIGURATION.format(
            user=user, folder=folder, address=address, port=port,
            sendfile=sendfile))
    server = start("nginx", "-c", f"{folder}/nginx.conf",
                   "-e", f"{folder}/error.log")
    server.wait_port(port)
    return port


def fetch(address, server, client, sendfile):
    """One download; its checksum is the file's."""
    port = start_server(server.start, address, sendfile)
    folder, checksum = large_file()
    curl = shlex.join(["curl", "-sS", "-f", "--noproxy", "*",
                       f"http://{address}:{port}/data"])
    outcome = client.run("sh", "-c", f"{curl} | cksum", seconds=50)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(outcome.out, checksum, "checksum")
    with open(f"{folder}/error.log", encoding="utf-8") as file:
        text = file.read()
    check("[alert]" not in text and "[crit]" not in text, text)
    return 1


@hosts.each_way("1 GB arrives whole", seconds=90)
def with_sendfile(address, server, client):
    return fetch(address, server, client, "on")


@case("1 GB arrives whole without sendfile", seconds=90)
def without_sendfile():
    with hosts.several(2) as (a, b):
        server, client = Fast(a), Fast(b)
        hosts.check_ends(server, client,
                         fetch(a.address, server, client, "off"))


if __name__ == "__main__":
    main()
