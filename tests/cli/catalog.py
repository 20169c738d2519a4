#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wsd provider: install, remove, list, check, and what can go wrong."""

import json
import os
import resource
import shutil
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
BUILD = os.environ["WSD_BUILD"]
SHM = os.path.join(BUILD, "src", "provider", "libwsd-shm.so")
ODD = os.path.join(BUILD, "tests", "cli", "libodd-provider.so")
NO_PROVIDER = os.path.join(BUILD, "src", "preload", "libwsd-preload.so")
SHM_GUID = "{8c2e4b57-9d13-4f6a-b1c8-5e0a7d36f294}"
NOBODY = 65534

_homes = []


def new_home():
    """A new home directory; returns the environment that has it."""
    home = procs.scratch_file(f"home-{len(_homes)}")
    _homes.append(home)
    os.mkdir(home)
    return {"HOME": home, "WSD_CATALOG": "", "WSD_PROVIDER": ""}


def catalog_of(env):
    """The catalog of the user who has that home."""
    return os.path.join(env["HOME"], ".config", "openwsd", "providers.d")


def entry_file(env, name="shm"):
    """Where that entry is."""
    return os.path.join(catalog_of(env), name + ".provider")


def content(path):
    """What is in a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_entry(env, name, text):
    """Makes an entry by hand."""
    os.makedirs(catalog_of(env), exist_ok=True)
    with open(entry_file(env, name), "w", encoding="utf-8") as file:
        file.write(text)


def provider(*arguments, env, **options):
    """Runs wsd provider."""
    return procs.run(WSD, "provider", *arguments, env=env, **options)


def good(*arguments, env):
    """It succeeds and says nothing on standard error."""
    outcome = provider(*arguments, env=env)
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    return outcome.out


def wrong(*arguments, env, says, status=1, **options):
    """It fails with this status and one line that says all of this."""
    outcome = provider(*arguments, env=env, **options)
    check_equal((outcome.status, outcome.out), (status, ""), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check(outcome.err.startswith("wsd"), outcome.err)
    for part in [says] if isinstance(says, str) else says:
        check(part in outcome.err, f"{outcome.err!r} does not say {part!r}")


def listed(env):
    """The list, as programs get it."""
    return json.loads(good("list", "--json", env=env))


def nothing_left(env):
    """No file in the catalog, whole or half."""
    folder = catalog_of(env)
    left = os.listdir(folder) if os.path.isdir(folder) else []
    check_equal(left, [], "files in the catalog")


# ---- the usual way -------------------------------------------------------

@case("what is installed is listed, loads, and is used; removing undoes it")
def life():
    env = new_home()
    check_equal({e["catalog"] for e in listed(env)}, {"built-in"}, "before")
    check("shm: installed (" in good("install", SHM, env=env), "install")
    text = content(entry_file(env))
    check(f"library = {os.path.realpath(SHM)}\n" in text, text)
    check(f"id = {SHM_GUID}\n" in text, text)  # R3
    mode = stat.S_IMODE(os.stat(entry_file(env)).st_mode)
    check_equal(oct(mode), "0o644", "who may read it")
    (entry,) = listed(env)
    check_equal((entry["name"], entry["catalog"], entry["guid"],
                 entry["where"], entry["loads"], entry["problem"]),
                ("shm", "user", SHM_GUID, entry_file(env), True, ""),
                str(entry))
    out = good("list", env=env)
    check(SHM_GUID in out and "shm" in out and "yes" in out, out)
    check("shm: removed (" in good("remove", "shm", env=env), "remove")
    nothing_left(env)  # R6
    check_equal({e["catalog"] for e in listed(env)}, {"built-in"}, "after")


@case("R7: installing twice says so and changes nothing")
def twice():
    env = new_home()
    good("install", SHM, env=env)
    before = os.stat(entry_file(env))
    out = good("install", SHM, env=env)
    check(out.startswith("shm: already installed ("), out)
    after = os.stat(entry_file(env))
    check_equal((after.st_ino, after.st_mtime_ns),
                (before.st_ino, before.st_mtime_ns), "the file")
    link = procs.scratch_file("another-way.so")
    os.symlink(SHM, link)
    check("already installed" in good("install", link, env=env), "by a link")


@case("a relative path is written down as an absolute one")
def relative():
    env = new_home()
    outcome = procs.run("sh", "-c", 'cd "$0" && exec "$@"',
                        os.path.dirname(SHM), WSD, "provider", "install",
                        os.path.basename(SHM), env=env)
    check_equal(outcome.status, 0, str(outcome))
    check_equal(listed(env)[0]["library"], os.path.realpath(SHM), "library")


@case("two versions live side by side under two names")
def side_by_side():
    env = new_home()
    other = procs.scratch_file("version-2")
    os.mkdir(other)
    copy = os.path.join(other, "libwsd-shm.so")
    shutil.copy(SHM, copy)
    good("install", SHM, env=env)
    wrong("install", copy, env=env,
          says=["installed already", SHM, "--name"])
    check_equal(content(entry_file(env)).count(SHM), 1, "the first")
    good("install", copy, "--name", "shm-2", env=env)
    check_equal(sorted((e["name"], e["library"]) for e in listed(env)),
                [("shm", SHM), ("shm-2", copy)], "both")
    for name, path in (("shm", SHM), ("shm-2", copy)):
        out = good("check", name, env=env)
        check(path in out and "good" in out, out)
    good("remove", "shm", env=env)
    check_equal([e["name"] for e in listed(env)], ["shm-2"], "the second")


@case("WSD_CATALOG names another catalog")
def chosen():
    env = new_home()
    env["WSD_CATALOG"] = procs.scratch_file("deep/er/catalog")
    good("install", SHM, env=env)
    check_equal([e["catalog"] for e in listed(env)], ["chosen"], "list")
    nothing_left({**env, "WSD_CATALOG": ""})
    good("remove", "shm", env=env)
    check_equal(os.listdir(env["WSD_CATALOG"]), [], "after removing")
    os.rmdir(env["WSD_CATALOG"])
    wrong("check", env=env, says=[env["WSD_CATALOG"], "cannot read"])


@case("what wsd run uses is what was installed")
def used():
    env = new_home()
    good("install", ODD, env=env)
    outcome = procs.run(WSD, "run", "--explain", sys.executable, "-c",
                        "import socket; s = socket.socket(); "
                        "s.connect_ex(('127.0.0.1', 9))", env=env)
    check(os.path.basename(ODD) in outcome.err, str(outcome))


# ---- mistakes ------------------------------------------------------------

@case("usage errors are one line and status 2")
def usage():
    env = new_home()

    def bad(*arguments, says):
        wrong(*arguments, env=env, says=says, status=2)

    bad(says="install, remove, list or check?")
    bad("frobnicate", says="frobnicate")
    bad("install", says="path")
    bad("install", SHM, SHM, says="unexpected")
    bad("install", SHM, "--user", "--system", says="--user and --system")
    bad("install", SHM, "--name", says="--name needs a value")
    bad("install", SHM, "--name=a/b", says="'a/b' is no name")
    bad("install", SHM, "--name=.hidden", says="'.hidden' is no name")
    bad("install", SHM, "--name", "x" * 64, says="is no name")
    bad("install", SHM, "--guid", "{1}", says="'{1}' is no GUID")
    bad("install", SHM, "--frob", says="unknown option --frob")
    bad("install", SHM, "--user=yes", says="--user takes no value")
    bad("remove", says="name")
    bad("remove", "../../etc/passwd", says="is no name")
    bad("list", "shm", says="unexpected shm")
    bad("list", "--xml", says="--xml")
    bad("check", "a", "b", says="unexpected b")
    nothing_left(env)


@case("what is no provider is not installed, and why is said")
def no_provider():
    env = new_home()
    text = procs.scratch_file("text.so")
    with open(text, "w", encoding="ascii") as file:
        file.write("no library\n")
    empty = procs.scratch_file("empty.so")
    open(empty, "w", encoding="ascii").close()
    wrong("install", "/no/such/file.so", env=env,
          says=["/no/such/file.so", "no such file"])
    wrong("install", text + "/x", env=env, says="Not a directory")
    wrong("install", procs.scratch(), env=env, says="directory")
    wrong("install", text, env=env, says=[text, "not a library"])
    wrong("install", empty, env=env, says="not a library")
    wrong("install", NO_PROVIDER, env=env,
          says=["not a SAN service provider", "WSPStartupEx"])
    hash_path = procs.scratch_file("a#b.so")
    shutil.copy(SHM, hash_path)
    wrong("install", hash_path, env=env, says=["#", "move the library"])
    nothing_left(env)


@case("a provider that cannot work is not installed")
def broken_provider():
    env = new_home()
    for odd, says in (("version", "1.1"), ("down", "WSASYSNOTREADY"),
                      ("missing", "WSPConnect"), ("socket", "WSPSocket"),
                      ("extension", "WSPRdmaWrite")):
        wrong("install", ODD, env={**env, "ODD": odd}, says=[ODD, says])
    nothing_left(env)


@case("a provider that crashes or hangs does not take wsd with it",
      seconds=60)
def crashing_provider():
    env = new_home()
    good("install", ODD, env=env)
    trouble = {**env, "ODD": "crash"}
    says = "crashes when it is loaded"
    wrong("install", ODD, "--name", "new", env=trouble, says=[ODD, says])
    (row,) = json.loads(provider("list", "--json", env=trouble).out)
    check(not row["loads"] and says in row["problem"], str(row))
    for odd, says in (("crash", says), ("hang", "within 10 seconds")):
        trouble = {**env, "ODD": odd}
        (row,) = json.loads(provider("check", "--json", env=trouble).out)
        check(not row["good"] and says in row["problems"][0], str(row))
    check_equal(os.listdir(catalog_of(env)), ["odd.provider"], "the catalog")


@case("the GUID can be given, but not contradicted")
def guids():
    env = new_home()
    guid = "{01234567-89ab-cdef-0123-456789abcdef}"
    wrong("install", ODD, "--guid", guid, env=env,
          says=["0dd00dd0", guid])  # R3
    mute = {**env, "ODD": "mute"}
    good("install", ODD, env=mute)
    check_equal(listed(mute)[0]["guid"], None, "not known")
    good("remove", "odd", env=mute)
    good("install", ODD, "--guid", guid[1:-1].upper(), env=mute)
    check_equal(listed(mute)[0]["guid"], guid, "as given")
    nothing = content(entry_file(env, "odd"))
    check("description = O??\n" in nothing, nothing)


@case("removing what is not there is an error")
def remove_nothing():
    env = new_home()
    wrong("remove", "ghost", env=env, says=["ghost", "wsd provider list"])
    wrong("remove", "shm", env=env, says="built in")
    good("install", SHM, env=env)
    wrong("remove", "shm", "--system", env=env, says="shm")
    check_equal(len(listed(env)), 1, "entries")


# ---- the surroundings ----------------------------------------------------

def as_nobody():
    """Gives up all rights."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@case("without the right to write it says so, and what to do")
def no_permission():
    if os.geteuid() != 0:
        limits = None
    else:
        limits = as_nobody
    reachable = procs.run("test", "-r", SHM, "-a", "-x", WSD, limits=limits)
    if reachable.status:
        raise Skip("this build cannot be reached by another user")
    env = new_home()
    os.chmod(procs.scratch(), 0o755)
    os.chmod(env["HOME"], 0o555)
    wrong("install", SHM, "--system", env=env, limits=limits,
          says=["/etc/openwsd", "Permission denied", "root"])
    wrong("install", SHM, env=env, limits=limits,
          says=[env["HOME"], "Permission denied", "WSD_CATALOG"])
    os.chmod(env["HOME"], 0o755)
    good("install", SHM, env=env)
    os.chmod(catalog_of(env), 0o555)
    wrong("remove", "shm", env=env, limits=limits,
          says=[entry_file(env), "Permission denied"])
    check_equal(len(listed(env)), 1, "it is still there")
    os.chmod(catalog_of(env), 0o755)


@case("a full disk leaves nothing behind")
def full_disk():
    env = new_home()

    def tiny_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    wrong("install", SHM, env=env, limits=tiny_files,
          says=[entry_file(env), "File too large", "make room"])
    nothing_left(env)
    good("install", SHM, env=env)


@case("a full file system leaves nothing behind")
def full_file_system():
    env = new_home()
    script = ('mount -t tmpfs -o size=4k,nr_inodes=8 tmpfs "$0" 2>/dev/null'
              ' || exit 77; mkdir "$0/c"; cat /dev/zero >"$0/fill" '
              '2>/dev/null; WSD_CATALOG="$0/c" "$1" provider install "$2"; '
              'echo "status $?"; ls -A "$0/c"')
    outcome = procs.run("unshare", "-m", "sh", "-c", script, env["HOME"], WSD,
                        SHM, env=env)
    if outcome.status != 0 or "status" not in outcome.out:
        raise Skip("no right to mount a file system")
    check_equal(outcome.out, "status 1\n", str(outcome))
    check("No space left on device; make room" in outcome.err, str(outcome))


@case("the system's catalog is for all users")
def system_catalog():
    env = new_home()
    script = ('mount -t tmpfs tmpfs /etc 2>/dev/null || exit 77; '
              '"$0" provider install "$1" --system && '
              '"$0" provider list --json && cat /etc/openwsd/providers.d/* && '
              '"$0" provider remove shm && ls /etc/openwsd/providers.d')
    outcome = procs.run("unshare", "-m", "sh", "-c", script, WSD, SHM, env=env)
    if outcome.status != 0 and not outcome.out:
        raise Skip("no right to mount a file system")
    check_equal((outcome.status, outcome.err), (0, ""), str(outcome))
    for part in ("shm: installed (/etc/openwsd/providers.d/shm.provider)",
                 '"catalog": "system"', f"library = {SHM}", "shm: removed"):
        check(part in outcome.out, str(outcome))
    check(outcome.out.endswith("shm.provider)\n"), str(outcome))


@case("without a home there is no catalog to install into")
def homeless():
    env = {**new_home(), "HOME": ""}
    wrong("install", SHM, env=env, says=["HOME", "--system"])


# ---- broken entries ------------------------------------------------------

@case("a broken entry is told with its file, its line and what is expected")
def broken_entries():
    cases = (("library = libx.so\n", ["line 1", "/absolute/path"]),
             ("# no library\n", ["expected a line 'library ="]),
             ("library = /x\nwhat\n", ["line 2", "NAME = VALUE"]),
             ("library = /x\nid = {1}\n", ["the id is no GUID"]),
             ("x" * 5000, ["too long"]))
    for text, says in cases:
        env = new_home()
        good("install", SHM, env=env)
        write_entry(env, "broken", text)
        outcome = provider("list", env=env)
        check_equal(outcome.status, 1, str(outcome))
        check_equal(len(outcome.err.splitlines()), 1, outcome.err)
        for part in [entry_file(env, "broken")] + says:
            check(part in outcome.err, f"{outcome.err!r}: {part!r}")
        check(SHM in outcome.out, "the good one is listed")
        rows = json.loads(provider("list", "--json", env=env).out)
        check_equal([r["loads"] for r in rows], [False, True], str(rows))
        outcome = provider("check", env=env)
        check_equal(outcome.status, 1, str(outcome))
        check("wsd provider remove broken" in outcome.out, outcome.out)
        good("remove", "broken", env=env)
        check_equal(len(listed(env)), 1, "after removing")


@case("an entry is not written over a broken one")
def over_broken():
    env = new_home()
    write_entry(env, "shm", "nonsense\n")
    wrong("install", SHM, env=env,
          says=[entry_file(env), "line 1", "wsd provider remove shm"])
    check_equal(content(entry_file(env)), "nonsense\n", "the entry")


# ---- check ---------------------------------------------------------------

@case("check tells what a provider offers")
def offers():
    env = new_home()
    out = good("check", env=env)
    for part in ("127.0.0.1", "WSPRdmaRead", "message 65536 bytes", SHM_GUID,
                 "SPI version  2.2", "good"):
        check(part in out, f"{part!r} in {out}")
    check(all(len(line) < 80 or SHM in line for line in out.splitlines()), out)
    (report,) = json.loads(good("check", SHM, "--json", env=env))
    check_equal((report["good"], report["problems"], report["guid"]),
                (True, [], SHM_GUID), str(report))
    check(report["extensions"]["WSPRegisterMemory"], str(report))
    check_equal(report["max_message_bytes"], 65536, str(report))


@case("check tells what is wrong with a provider, and what to do")
def faults():
    env = new_home()
    good("install", ODD, env=env)
    good("check", env=env)
    (report,) = json.loads(good("check", "odd", "--json", env=env))
    check_equal(len(report["addresses"]), 64, "addresses")
    for odd, says in (("version", "2.2 is needed"),
                      ("down", "WSASYSNOTREADY"),
                      ("missing", "WSPConnect"),
                      ("extension", "WSPRdmaWrite"),
                      ("lonely", "is its network up?"),
                      ("short", "100 bytes")):
        outcome = provider("check", "odd", env={**env, "ODD": odd})
        check_equal(outcome.status, 1, str(outcome))
        check("WRONG" in outcome.out and says in outcome.out, str(outcome))
        outcome = provider("check", "--json", env={**env, "ODD": odd})
        (report,) = json.loads(outcome.out)
        check(not report["good"] and says in report["problems"][0],
              str(report))


@case("check sees that a library is gone, or is another one")
def replaced():
    env = new_home()
    path = procs.scratch_file("replaced.so")
    shutil.copy(SHM, path)
    good("install", path, env=env)
    os.remove(path)
    out = provider("check", "shm", env=env).out
    check("no such file" in out and "wsd provider remove shm" in out, out)
    outcome = provider("list", env=env)
    check_equal(outcome.status, 1, str(outcome))
    check(path in outcome.err and "no such file" in outcome.err, outcome.err)
    shutil.copy(ODD, path)
    out = provider("check", "shm", env=env).out
    check(SHM_GUID in out and "0dd00dd0" in out, out)  # R3
    wrong("check", "ghost", env=env, says="ghost")
    wrong("check", "/no/such", env=env, says="/no/such")


if __name__ == "__main__":
    main()
