#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `meson install` lays down works, wherever it is moved to."""

import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "..", "run")
sys.path.insert(0, RUN)

import explain  # noqa: E402
import procs  # noqa: E402
from tap import case, check, check_equal, main  # noqa: E402

BUILD = os.environ["WSD_BUILD"]


def install():
    """Installs into a new folder; returns the path of wsd there."""
    root = procs.scratch_file(f"root-{procs.free_port()}")
    outcome = procs.run("meson", "install", "-C", BUILD, "--no-rebuild",
                        "--quiet", "--destdir", root)
    check_equal(outcome.status, 0, str(outcome))
    found = [os.path.join(folder, "wsd")
             for folder, _, files in os.walk(root) if "wsd" in files]
    check_equal(len(found), 1, f"wsd in {root}")
    return root, found[0]


def use(wsd):
    """A server and a client under it meet on the SAN."""
    routes = procs.scratch_file(f"routes-{procs.free_port()}")
    prefix = (wsd, "run", f"--explain={routes}", "--")
    _, port = explain.start_echo(
        lambda *command: procs.start(*prefix, *command))
    outcome = procs.run(*prefix, *explain.PEER, "ask", port, 3, 1000)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    check_equal(explain.count(routes, "san"), 6, "ends over the SAN")


@case("an installed wsd finds its library and its provider")
def installed():
    root, wsd = install()
    library = procs.run(wsd, "run", "sh", "-c", "echo $LD_PRELOAD").out.strip()
    check(library.startswith(root), library)
    use(wsd)
    outcome = procs.run(wsd, "policy", "explain", "127.0.0.1", 80, "--json",
                        env={"HOME": "", "WSD_CATALOG": "",
                             "WSD_PROVIDER": ""})
    check_equal((outcome.status, json.loads(outcome.out)["route"]),
                (0, "shm"), str(outcome))


@case("so it does when it is moved, and when it is a symbolic link")
def moved():
    root, wsd = install()
    other = root + "-moved"
    shutil.move(root, other)
    link = procs.scratch_file("link")
    os.symlink(other + wsd[len(root):], link)
    use(link)


@case("two versions side by side each have the provider of their own")
def side_by_side():
    home = procs.scratch_file("home")
    env = {"HOME": home, "WSD_CATALOG": "", "WSD_PROVIDER": ""}
    entries = {}
    for name in ("one", "two"):
        root, wsd = install()
        outcome = procs.run(wsd, "provider", "list", "--json", env=env)
        entry, *others = json.loads(outcome.out)
        check_equal(entry["name"], "shm", str(outcome))
        for found in (entry, *others):
            check(found["library"].startswith(root), str(outcome))
            check_equal(found["catalog"], "built-in", str(outcome))
        outcome = procs.run(wsd, "ping", "--count", 1, env=env)
        check_equal(outcome.status, 0, str(outcome))
        entries[name] = (wsd, entry["library"])
    for name, (wsd, library) in entries.items():
        outcome = procs.run(wsd, "provider", "install", library, "--name",
                            name, env=env)
        check_equal(outcome.status, 0, str(outcome))
    for wsd, _ in entries.values():
        for name, (_, library) in entries.items():
            outcome = procs.run(wsd, "perf", "--json", "--provider", name,
                                "--size", 8, "--seconds", 0.005, env=env)
            check_equal(json.loads(outcome.out)["library"], library,
                        str(outcome))


@case("the man pages and public headers are there")
def documents():
    root, _ = install()
    names = {name for _, _, files in os.walk(root) for name in files}
    for name in ("wsd.1", "wsd-run.1", "wsd-provider.1",
                 "wsd-info.1", "wsd-perf.1", "wsd-ping.1", "wsd-policy.1",
                 "libwsd-preload.so", "libwsd-shm.so", "wsdext.h",
                 "ws2spi.h", "ws2san.h", "winsock2.h"):
        check(name in names, f"{name} in {sorted(names)}")


if __name__ == "__main__":
    main()
