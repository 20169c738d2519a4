#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd info: providers, the networks they find, and where connections go."""

import json
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import hosts  # noqa: E402
import procs  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BUILD = os.environ["WSD_BUILD"]
SHM = os.path.join(BUILD, "src", "provider", "libwsd-shm.so")
FABRIC = os.path.join(BUILD, "src", "provider", "libwsd-fabric.so")
ODD = os.path.join(BUILD, "tests", "cli", "libodd-provider.so")
HARDWARE = "/sys/class/infiniband_verbs"

_made = []


def environment(fabric="auto", libraries=(), **more):
    """No user's settings; these providers, or the built-in ones."""
    folder = ""
    if libraries:
        _made.append(libraries)
        folder = procs.scratch_file(f"catalog-{len(_made)}")
        os.mkdir(folder)
    for number, library in enumerate(libraries):
        with open(os.path.join(folder, f"{number}.provider"), "w",
                  encoding="ascii") as file:
            file.write(f"library = {library}\n")
    return {"HOME": "/nonexistent", "WSD_PROVIDER": "", "WSD_POLICY": "",
            "WSD_CATALOG": folder, "WSD_FABRIC": fabric, **more}


def info(run=procs.run, status=0, **settings):
    """What programs are told."""
    outcome = run(WSD, "info", "--json", env=environment(**settings))
    check_equal(outcome.status, status, str(outcome))
    return json.loads(outcome.out)


def provider(told, name):
    """What is told of one provider."""
    found = [p for p in told["providers"] if p["name"] == name]
    check_equal(len(found), 1, f"{name} in {told['providers']}")
    return found[0]


def networks(told, name="fabric", network=None):
    """Those of a provider, or those of one of libfabric's."""
    return [n for n in provider(told, name)["networks"]
            if network in (None, n["network"])]


def check_networks(told):
    """Every network is in use, or says why it is not."""
    for one in told["providers"]:
        for n in one["networks"]:
            check(n["usable"] or not n["in_use"], str(n))
            check_equal(n["in_use"], n["reason"] == "", str(n))


def route(told, to):
    """Which way connections go."""
    found = [c for c in told["connections"] if c["to"] == to]
    check_equal(len(found), 1, f"{to} in {told['connections']}")
    return found[0]["route"], found[0]["network"]


def need_fabric():
    """The provider fabric, and libfabric."""
    if not os.path.exists(FABRIC):
        raise Skip("built without libfabric's headers")
    if networks(info(), network="libfabric"):
        raise Skip("libfabric is not installed")


def need_no_hardware():
    """There is no RDMA adapter, which auto would choose."""
    if os.path.exists(HARDWARE):
        raise Skip("this host has RDMA hardware")


# ---- what is there -------------------------------------------------------

@case("the built-in providers are told in order, with what they can do")
def builtin():
    told = info()
    version = procs.run(WSD, "version").out.strip()
    check_equal(f"wsd {told['version']}", version, "version")
    check_equal(told["providers"][0]["name"], "shm", str(told))
    shm = provider(told, "shm")
    check_equal((shm["library"], shm["loads"], shm["spi_version"],
                 shm["catalog"]), (SHM, True, "2.2", "built-in"), str(shm))
    check_equal(shm["guid"], "{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}", "guid")
    for ability in ("channels", "fork-shared", "IPv6", "RDMA-read",
                    "same-host"):
        check(ability in shm["capabilities"], str(shm))
    check(shm["max_message_bytes"] >= 256, str(shm))
    check_networks(told)


@case("memory reaches this host at every address, TCP goes elsewhere")
def memory():
    told = info(fabric="off")
    found = networks(told, "shm")
    check("127.0.0.1" in [n["address"] for n in found], str(found))
    for n in found:
        check_equal((n["network"], n["in_use"]), ("memory", True), str(n))
    check_equal(route(told, "this host"), ("shm", "memory"), "this host")
    check_equal(route(told, "elsewhere"), ("tcp", ""), "elsewhere")


@case("libfabric's networks are told though the setting has chosen none")
def auto():
    need_fabric()
    need_no_hardware()
    told = info()
    check_networks(told)
    hardware, = networks(told, network="verbs")
    check("no RDMA hardware" in hardware["reason"], str(hardware))
    check_equal(hardware["usable"], False, str(hardware))
    for n in networks(told, network="tcp"):
        check_equal(n["in_use"], False, str(n))
        loopback = n["address"] in ("127.0.0.1", "::1")
        check_equal(n["usable"], not loopback, str(n))
        check("loopback" in n["reason"] if loopback
              else "WSD_FABRIC=tcp uses it" in n["reason"], str(n))
    check_equal(len(networks(told)), len({
        (n["network"], n["device"], n["address"]) for n in networks(told)}),
        "each once")


@case("what lacks connections or is not for us says so")
def others():
    need_fabric()
    told = info(fabric="off")
    reasons = {n["network"]: n["reason"] for n in networks(told)}
    for network, reason in reasons.items():
        if network not in ("tcp", "verbs"):
            check(re.search(r"FI_EP_MSG|FI_RMA|verbs and tcp|no IP address",
                            reason), f"{network}: {reason}")


@case("switched off is a reason, and so is another or a wrong value")
def settings():
    need_fabric()
    need_no_hardware()
    with hosts.several(1) as (host,):
        for value, says in (("off", "switched off"),
                            ("verbs", "WSD_FABRIC is verbs"),
                            ("myrinet", "WSD_FABRIC is myrinet")):
            told = info(run=host.run, fabric=value)
            found = [n for n in networks(told, network="tcp")
                     if n["address"] == host.address]
            check_equal(len(found), 1, str(told))
            check_equal((found[0]["usable"], found[0]["in_use"]),
                        (True, False), str(found))
            check(says in found[0]["reason"], str(found))
            check_equal(route(told, "10.87.83.0/24"), ("tcp", ""), value)


@case("a network in use carries connections to its subnet")
def in_use():
    need_fabric()
    with hosts.several(1) as (host,):
        told = info(run=host.run, fabric="tcp")
        check_networks(told)
        used = [n["address"] for n in networks(told) if n["in_use"]]
        check(host.address in used and "127.0.0.1" not in used, str(used))
        check_equal(route(told, "this host"), ("shm", "memory"), str(told))
        check_equal(route(told, "10.87.83.0/24"), ("fabric", "tcp"),
                    str(told))
        check_equal(route(told, "elsewhere"), ("tcp", ""), str(told))
        check_equal(told["fabric_ports"], [61000, 65499], str(told))


# Hides libfabric from what runs in a namespace of its own.
HIDE = """
    mount --make-rprivate / &&
    mount -t tmpfs tmpfs "$1" && mkdir "$1/new" "$1/work" &&
    mount -t overlay overlay \
        -o "lowerdir=$2,upperdir=$1/new,workdir=$1/work" "$2" &&
    rm "$2"/libfabric.so.1 || { echo hidden: no >&2; exit 99; }
    shift 2
    exec "$@"
"""


def libfabric_folder():
    """Where the system has it."""
    outcome = procs.run("sh", "-c", "PATH=$PATH:/sbin ldconfig -p")
    found = re.search(r"libfabric\.so\.1 .*=> (.*)/libfabric\.so\.1",
                      outcome.out)
    if not found:
        raise Skip("libfabric is not where the system looks")
    return os.path.realpath(found.group(1))


@case("without libfabric it says what to install")
def no_libfabric():
    need_fabric()
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skip("hiding libfabric needs root and unshare")
    place = procs.scratch_file("overlay")
    os.mkdir(place)
    outcome = procs.run("unshare", "--mount", "sh", "-c", HIDE, "sh", place,
                        libfabric_folder(), WSD, "info", "--json",
                        env=environment())
    if outcome.status == 99:
        raise Skip(f"libfabric cannot be hidden: {outcome.err.strip()}")
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    told = json.loads(outcome.out)
    check_networks(told)
    missing, = networks(told, network="libfabric")
    check_equal((missing["usable"], missing["reason"]),
                (False, "libfabric.so.1 is not installed: "
                 "apt-get install libfabric1"), str(missing))
    check_equal(networks(told, network="tcp"), [], "networks")
    check_equal(route(told, "this host"), ("shm", "memory"), str(told))


# ---- the catalog ---------------------------------------------------------

@case("the catalog's order is kept, and a library that is none says why")
def catalog():
    outcome = procs.run(WSD, "info", "--json", env=environment(
        libraries=[ODD, SHM, "/no/such.so"]))
    check_equal(outcome.status, 1, str(outcome))
    told = json.loads(outcome.out)
    check_equal([p["library"] for p in told["providers"]],
                [ODD, SHM, "/no/such.so"], "order")
    check_equal([p["loads"] for p in told["providers"]],
                [True, True, False], "loads")
    check("no such file" in told["providers"][2]["problem"], str(told))
    check_equal(told["providers"][0]["networks"], None, "not told")
    check_equal(told["providers"][2]["networks"], None, "not known")


@case("a provider that crashes does not take wsd with it")
def crash():
    told = info(status=1, libraries=[ODD, SHM], ODD="crash")
    check("crashes" in told["providers"][0]["problem"], str(told))
    check_equal(told["providers"][1]["loads"], True, str(told))
    check_equal(told["connections"], None, "connections")


@case("the library that the settings name is the only one")
def preferred():
    told = info(WSD_PROVIDER=SHM)
    check_equal([p["library"] for p in told["providers"]], [SHM], str(told))
    check_equal((told["providers"][0]["name"], told["fabric_ports"]),
                ("shm", None), str(told))


@case("switched off, everything is TCP; a policy is pointed to")
def disabled():
    told = info(WSD_ENABLE="off")
    check_equal(route(told, "this host"), ("tcp", ""), str(told))
    path = procs.scratch_file("policy")
    with open(path, "w", encoding="ascii") as file:
        file.write("* * * * tcp\n")
    told = info(WSD_POLICY=path)
    check_equal((told["policy"], route(told, "this host")),
                (path, ("shm", "memory")), str(told))


# ---- people --------------------------------------------------------------

@case("people are told the same, networks in use first")
def text():
    with hosts.several(1) as (host,):
        outcome = host.run(WSD, "info", env=environment(fabric="tcp"))
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    lines = outcome.out.splitlines()
    check(lines[0].startswith("wsd ") and lines[1] == "1. shm", outcome.out)
    check(f"  library      {SHM}" in lines and "  loads        yes" in lines,
          outcome.out)
    head = next(n for n, l in enumerate(lines) if l.startswith("PROVIDER"))
    check(re.fullmatch(r"shm +memory +- +127\.0\.0\.1 +used", lines[head + 1]),
          outcome.out)
    check(re.search(r"^this host +shm \(memory\)$", outcome.out, re.M),
          outcome.out)
    check(re.search(r"^elsewhere +TCP: ", outcome.out, re.M), outcome.out)
    if not os.path.exists(FABRIC):
        return
    uses = [re.search(r" (used|could|no)(: |$)", line).group(1)
            for line in lines[head + 1:] if line.startswith("fabric ")]
    check(uses == sorted(uses, key=["used", "could", "no"].index),
          outcome.out)
    check("61000-65499" in outcome.out, outcome.out)


@case("usage errors are one line and status 2")
def usage_errors():
    for arguments, says in ((("x",), "unexpected x"),
                            (("--frob",), "--frob"),
                            (("--json=yes",), "--json")):
        outcome = procs.run(WSD, "info", *arguments, env=environment())
        check_equal((outcome.status, outcome.out), (2, ""), str(outcome))
        check_equal(len(outcome.err.splitlines()), 1, outcome.err)
        check(says in outcome.err, outcome.err)


@case("a full disk is noticed")
def full_disk():
    outcome = procs.run("sh", "-c", f"{WSD} info >/dev/full",
                        env=environment())
    check_equal(outcome.status, 1, str(outcome))
    check("cannot write" in outcome.err, outcome.err)


if __name__ == "__main__":
    main()
