#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs what was built for Windows, under Wine, and reports it as TAP.

    under_wine.py EXCEPTIONS NAME=PROGRAM[,ARGUMENT] ...

A program speaks TAP; the one called "kit" is wsd.exe, and its argument the
provider that it checks: each rule counts as a test. All run in a Wine prefix
of their own inside the build directory, with one server, which is ended at the
end. EXCEPTIONS lists what cannot pass there: such a test must fail, or say that
it does not apply, and counts as skipped; one that passes after all is a
failure, so that the list stays true.
"""

import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "run"))

import tap  # noqa: E402

PROGRAM_SECONDS = 500
CASE_SECONDS = 100  # a slow machine, and a system that is simulated
SETUP_SECONDS = 60
FOLDERS = ["/usr/lib/wine", "/usr/bin", "/opt/wine/bin"]

print_lock = threading.Lock()


def say(text):
    """Prints a line, whole."""
    with print_lock:
        print(text, flush=True)


def find(*names):
    """A program of Wine's; None when it is not installed."""
    for name in names:
        path = shutil.which(name, path=os.pathsep.join(FOLDERS))
        if path:
            return path
    return None


# ---- Wine ----------------------------------------------------------------

class Wine:
    """A prefix, and the server that all programs in it share."""

    def __init__(self, prefix):
        self.loader = find("wine64", "wine")
        self.server_program = find("wineserver64", "wineserver")
        self.env = {name: value for name, value in os.environ.items()
                    if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.env.update(WINEPREFIX=prefix, WINEDEBUG="-all",
                        WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=",
                        WSD_TEST_SECONDS=str(CASE_SECONDS))
        self.prefix = prefix
        self.server = None

    def there(self):
        """Is it installed?"""
        return self.loader is not None and self.server_program is not None

    def __enter__(self):
        os.makedirs(self.prefix, exist_ok=True)
        self.server = subprocess.Popen(
            [self.server_program, "-f", "-p"], env=self.env,
            stdin=subprocess.DEVNULL)
        self.set_up()
        return self

    def set_up(self):
        """Makes the prefix when there is none. And starts its services: they
        would keep the output of the first program open that needs them. The
        prefix needs none of the folders that Wine links to the user's own."""
        subprocess.run([self.loader, "wineboot", "--init"], env=self.env,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=SETUP_SECONDS,
                       check=False)

    def __exit__(self, *_):
        subprocess.run([self.server_program, "-k"], env=self.env, check=False,
                       timeout=SETUP_SECONDS)
        try:
            self.server.wait(SETUP_SECONDS)
        except subprocess.TimeoutExpired:
            self.server.kill()

    def start(self, arguments):
        """A program in it."""
        return subprocess.Popen(
            [self.loader, *arguments], env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace")


# ---- programs ------------------------------------------------------------

def note_all(stream, name):
    """Into the log: what is said beside the results. Wine itself says things
    there too, in the middle of lines."""
    for line in stream:
        say(f"# {name}: {line.rstrip()}")


def lines_of(process, name):
    """What it prints, as it comes, until its time is over."""
    timer = threading.Timer(PROGRAM_SECONDS, process.kill)
    timer.start()
    beside = threading.Thread(target=note_all, args=(process.stderr, name))
    beside.start()
    try:
        for line in process.stdout:
            say(f"# {name}: {line.rstrip()}")
            yield line
        beside.join()
    finally:
        timer.cancel()


def run_tap(wine, name, program):
    """The results of a program that speaks TAP."""
    process = wine.start(program)
    reader = tap.Reader()
    for line in lines_of(process, name):
        reader.line(line)
    problem = reader.end(process.wait())
    results = list(reader.results)
    if problem:
        results.append(tap.Result(f"the whole: {problem}", "failed"))
    return results


VERDICTS = {"pass": "passed", "fail": "failed"}


def result_of_rule(rule):
    """As the kit tells it."""
    verdict = VERDICTS.get(rule["result"], "skipped")
    result = tap.Result(f"{rule['rule']} {rule['title']}", verdict,
                        rule.get("reason", "not applicable"))
    if verdict == "failed":
        result.notes = json.dumps(rule, indent=1).splitlines()
    return result


def run_kit(wine, name, program):
    """The results of the conformance kit, a rule each."""
    process = wine.start([program[0], "conform", *program[1:], "--json",
                          "--seconds", str(CASE_SECONDS)])
    text, inside = "", False
    for line in lines_of(process, name):
        inside = inside or line.startswith("{")
        text += line if inside else ""
    process.wait()
    try:
        rules = json.loads(text)["rules"]
    except (ValueError, KeyError):
        return [tap.Result("the kit reports in JSON", "failed")]
    return [result_of_rule(rule) for rule in rules]


def run_one(wine, name, program):
    """A program's results, under its name."""
    began = time.monotonic()
    run = run_kit if name == "kit" else run_tap
    results = run(wine, name, program)
    say(f"# {name}: {time.monotonic() - began:.1f} s")
    for result in results:
        result.name = f"{name}: {result.name}"
    return results


# ---- exceptions ----------------------------------------------------------

def read_exceptions(path):
    """{name: reason}; a line is "PROGRAM: NAME | reason"."""
    exceptions = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                name, _, reason = line.partition("|")
                exceptions[name.strip()] = reason.strip()
    return exceptions


def apply_exceptions(results, exceptions):
    """What is listed must fail, and exist."""
    left = dict(exceptions)
    for result in results:
        # A rule's title is not part of its name.
        name = re.sub(r"^(kit: R\d+) .*", r"\1", result.name)
        if name not in left:
            continue
        reason = left.pop(name)
        if result.verdict != "passed":
            result.verdict, result.reason = "skipped", reason
        else:
            result.verdict = "failed"
            result.notes = ["it is said not to pass under Wine, and does"]
    for name in left:
        results.append(tap.Result(name, "failed"))
        results[-1].notes = ["listed as an exception, but there is none"]


def report(results):
    """TAP, and the exit status."""
    print(f"1..{len(results)}")
    for number, result in enumerate(results, 1):
        mark = "not ok" if result.verdict == "failed" else "ok"
        skip = f" # SKIP {result.reason}" if result.verdict == "skipped" else ""
        name = result.name.replace("#", "number ")
        print(f"{mark} {number} - {name}{skip}")
        for line in result.notes if result.verdict == "failed" else []:
            print(f"# {line}")
    return 1 if any(r.verdict == "failed" for r in results) else 0


def main():
    """Returns the exit status."""
    exceptions = read_exceptions(sys.argv[1])
    programs = [argument.partition("=")[::2] for argument in sys.argv[2:]]
    wine = Wine(os.path.join(os.environ["WSD_BUILD"], "wine"))
    if not wine.there():
        print("1..0 # SKIP Wine is not installed")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = []
    with wine, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for part in pool.map(
                lambda p: run_one(wine, p[0], p[1].split(",")), programs):
            results += part
    apply_exceptions(results, exceptions)
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
