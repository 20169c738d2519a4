#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line of wsd: exit statuses, messages, environment, settings."""

import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import Skip, case, check, check_equal, main  # noqa: E402

WSD = os.environ["WSD"]
SETTINGS_PAGE = os.path.join(HERE, "..", "..", "docs", "settings.md")


def wsd(*arguments, **options):
    """Runs wsd."""
    return procs.run(WSD, *arguments, **options)


def wrong(*arguments, says, status=2, env=None):
    """It fails with this status and one line that says this."""
    outcome = wsd(*arguments, env=env)
    check_equal(outcome.status, status, str(outcome))
    check_equal(outcome.out, "", "standard output")
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check(outcome.err.startswith("wsd"), outcome.err)
    check(says in outcome.err, f"{outcome.err!r} does not say {says!r}")


def file_with(name, content, mode=0o644):
    """A file in the scratch folder."""
    path = procs.scratch_file(name)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)
    return path


# ---- help and version ----------------------------------------------------

@case("--help and --version work everywhere")
def help_everywhere():
    for command in ("run", "ping", "perf", "info", "provider", "policy",
                    "conform", "settings", "help", "version"):
        told = wsd("help", command)
        check_equal((told.status, told.err), (0, ""), str(told))
        check(told.out.startswith(f"usage: wsd {command}"), told.out)
        check(f"\n  {command} " in wsd("help").out, f"{command} is listed")
        for option in ("--help", "-h"):
            check_equal(wsd(command, option).out, told.out, option)
        check_equal(wsd(command, "--version").out, wsd("version").out,
                    "--version")
    check_equal(wsd("--version").out, wsd("version").out, "--version")
    check_equal(wsd("--help").out, wsd("help").out, "--help")
    check(wsd("version").out.startswith("wsd "), "the version")


@case("without a command it tells its usage and fails")
def no_command():
    outcome = wsd()
    check_equal((outcome.status, outcome.out), (2, ""), str(outcome))
    check_equal(outcome.err, wsd("help").out, "standard error")


@case("usage errors are one line and status 2")
def usage_errors():
    wrong("frobnicate", says="frobnicate")
    wrong("--frob", says="--frob")
    wrong("help", "frobnicate", says="frobnicate")
    wrong("run", says="wsd run --help")
    wrong("run", "--explian", "true", says="unknown option --explian")
    wrong("run", "-x", "true", says="see 'wsd run --help'")
    wrong("run", "--set", says="--set needs NAME=VALUE")
    wrong("settings", "--yaml", says="--yaml")
    wrong("settings", "--json", "x", says="too many arguments")
    wrong("version", "x", says="unexpected x")
    wrong("run", "--frob\nnicate", says="--frob?nicate")


# ---- the program ---------------------------------------------------------

@case("the exit status is the program's own")
def own_status():
    for status in (0, 1, 2, 42, 126, 127, 255):
        outcome = wsd("run", "sh", "-c", f"exit {status}")
        check_equal((outcome.status, outcome.err), (status, ""), str(outcome))
    outcome = wsd("run", "sh", "-c", "kill -9 $$")
    check_equal(outcome.status, -signal.SIGKILL, str(outcome))


@case("its arguments, input, output and environment are its own")
def own_everything():
    outcome = wsd("run", "--", "sh", "-c", 'cat; echo "$0|$1|$2"', "-a", "",
                  "b c", stdin="in\n")
    check_equal(outcome.out, "in\n-a||b c\n", str(outcome))
    outcome = wsd("run", "env", "--version")
    check("coreutils" in outcome.out, "options after it are its own")
    outcome = wsd("run", "sh", "-c", "echo $FOO >&2", env={"FOO": "bar"})
    check_equal((outcome.out, outcome.err), ("", "bar\n"), str(outcome))


@case("a missing program is one line and status 127")
def missing():
    wrong("run", "no-such-program", says="no-such-program", status=127)
    wrong("run", "/no/such/program", says="/no/such/program", status=127)
    wrong("run", "/etc/passwd/x", says="/etc/passwd/x", status=127)
    wrong("run", "", says="no such program", status=127)
    wrong("run", "sh", says="sh", status=127, env={"PATH": "/nonexistent"})


@case("what cannot be run is one line and status 126")
def not_runnable():
    wrong("run", "/", says="directory", status=126)
    plain = file_with("plain", b"text\n")
    wrong("run", plain, says="Permission denied", status=126)
    no_interpreter = file_with("script", b"#!/no/such/interpreter\n", 0o755)
    wrong("run", no_interpreter, says="interpreter", status=126)
    garbage = file_with("garbage", b"\x7fELF" + bytes(500), 0o755)
    wrong("run", garbage, says="Exec format error", status=126)
    empty_elf = file_with("empty-elf", b"\x7fELF\0", 0o755)
    wrong("run", empty_elf, says="Exec format error", status=126)


@case("PATH is searched as execvp does")
def search():
    folder = procs.scratch_file("bin")
    os.mkdir(folder)
    for name, mode in (("first", 0o644), ("second", 0o755)):
        os.mkdir(f"{folder}/{name}")
        with open(f"{folder}/{name}/tool", "w", encoding="ascii") as file:
            file.write("echo found\n")  # no #!: the shell runs it
        os.chmod(f"{folder}/{name}/tool", mode)
    path = f"{folder}/none:{folder}/first:{folder}/second:/bin:/usr/bin"
    outcome = wsd("run", "tool", env={"PATH": path})
    check_equal((outcome.status, outcome.out), (0, "found\n"), str(outcome))
    wrong("run", "tool", says="Permission denied", status=126,
          env={"PATH": f"{folder}/none:{folder}/first"})
    outcome = procs.run("sh", "-c", 'cd "$0" && PATH=: exec "$@"',
                        f"{folder}/second", WSD, "run", "tool")
    check_equal(outcome.out, "found\n", str(outcome))


@case("scripts run, with the interpreter's name and without")
def scripts():
    script = file_with("hello", b"#!/bin/sh -e\necho hello $1\n", 0o755)
    outcome = wsd("run", script, "you")
    check_equal((outcome.out, outcome.err), ("hello you\n", ""), str(outcome))
    loop = procs.scratch_file("loop")
    file_with("loop", f"#!{loop}\n".encode(), 0o755)
    outcome = wsd("run", loop)
    check_equal(outcome.status, 126, str(outcome))


# ---- the library ---------------------------------------------------------

@case("the library comes first in LD_PRELOAD, and once")
def preload_list():
    show = ("run", "sh", "-c", "echo $LD_PRELOAD")
    own = wsd(*show).out.strip()
    check(own.endswith("/libwsd-preload.so") and os.path.exists(own), own)
    other = "libSegFault-none.so"
    text = wsd(*show, env={"LD_PRELOAD": other}).out.strip()
    check_equal(text, f"{own}:{other}", "with another")
    text = wsd("run", WSD, *show).out.strip()
    check_equal(text, own, "wsd under wsd")


@case("WSD_PRELOAD_LIBRARY names another, which must be there")
def chosen_library():
    wrong("run", "true", says="/no/such.so", status=2,
          env={"WSD_PRELOAD_LIBRARY": "/no/such.so"})
    own = wsd("run", "sh", "-c", "echo $LD_PRELOAD").out.strip()
    link = procs.scratch_file("link.so")
    os.symlink(own, link)
    outcome = wsd("run", "sh", "-c", "echo $LD_PRELOAD",
                  env={"WSD_PRELOAD_LIBRARY": link})
    check_equal(outcome.out.strip(), own, str(outcome))


@case("without its library wsd says so and runs the program")
def lost_library():
    alone = procs.scratch_file("alone")
    os.mkdir(alone)
    copy = f"{alone}/wsd"
    with open(WSD, "rb") as source:
        file_with("alone/wsd", source.read(), 0o755)
    outcome = procs.run(copy, "run", "sh", "-c", "echo $LD_PRELOAD; exit 7")
    check_equal((outcome.status, outcome.out), (7, "\n"), str(outcome))
    check_equal(len(outcome.err.splitlines()), 1, outcome.err)
    check("[no-preload-library]" in outcome.err, outcome.err)


# ---- settings ------------------------------------------------------------

@case("settings reach the program by either name")
def set_settings():
    show = ("sh", "-c", "echo $WSD_SPIN $WSD_ENABLE $WSD_EXPLAIN")
    outcome = wsd("run", "--set", "spin=5", "--set=WSD_ENABLE=off",
                  "--explain", *show)
    check_equal(outcome.out, "5 off stderr\n", str(outcome))
    check_equal(wsd("run", "--off", *show).out, "off\n", "--off")
    path = procs.scratch_file("routes")
    outcome = procs.run("sh", "-c", 'cd "$0" && exec "$@"', procs.scratch(),
                        WSD, "run", "--explain=routes", *show)
    check_equal(outcome.out, f"{path}\n", str(outcome))


@case("bad settings are one line and status 2")
def bad_settings():
    wrong("run", "--set", "spin=fast", "true", says="'fast'")
    wrong("run", "--set", "spin", "true", says="'spin' is not NAME=VALUE")
    wrong("run", "--set", "nothing=1", "true", says="'nothing'")
    wrong("run", "--set=" + "x" * 5000 + "=1", "true", says="xxx")
    wrong("run", "true", says="WSD_SPIN", env={"WSD_SPIN": "fast"})
    wrong("run", "true", says="/no/such", env={"WSD_SETTINGS": "/no/such"})
    wrong("run", "--explain=/no/such/file", "true", says="/no/such/file")
    wrong("run", "--explain=", "true", says="cannot write")


@case("the table is printed for people, for programs and as a page")
def listed():
    table = json.loads(wsd("settings", "--json").out)
    names = [entry["name"] for entry in table]
    check("enable" in names and "explain" in names, str(names))
    for entry in table:
        check_equal(entry["env"], "WSD_" + entry["name"].upper(), "env")
    text = wsd("settings").out
    check_equal(wsd("run", "--help-settings").out, text, "--help-settings")
    check(all(f"{name} (" in text for name in names), text)
    with open(SETTINGS_PAGE, encoding="utf-8") as file:
        check_equal(file.read(), wsd("settings", "--markdown").out,
                    "docs/settings.md")


@case("a full disk is noticed")
def full_disk():
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    outcome = procs.run("sh", "-c", f"{WSD} help run >/dev/full")
    check_equal(outcome.status, 1, str(outcome))
    check("cannot write" in outcome.err, outcome.err)


if __name__ == "__main__":
    main()
