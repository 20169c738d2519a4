# SPDX-License-Identifier: MIT
"""The Test Anything Protocol: reading it, and writing it from a script.

A test script is a list of cases:

    @case("a sentence that is true", seconds=30)
    def some_name():
        check(1 + 1 == 2, "one and one make two")

    if __name__ == "__main__":
        main()

A case fails when it raises; check() raises. It is skipped with Skip("why").
What it started with procs.start() is ended before the next case begins.
"""

import re
import signal
import sys
import traceback

import procs


class Skip(Exception):
    """The case cannot be run here; says why."""


class Failed(Exception):
    """What a case found to be wrong."""


class Overdue(Exception):
    """A case has used up its time."""


_cases = []
_notes = []


def case(sentence, seconds=30):
    """Registers a function as a case with a deadline."""

    def register(function):
        _cases.append((sentence, seconds, function))
        return function

    return register


def check(condition, message):
    """Ends the case with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message)


def check_equal(got, wanted, what):
    """Ends the case unless both are equal, and shows them."""
    check(got == wanted, f"{what}: {got!r}, wanted {wanted!r}")


def note(text):
    """A comment in the test's log."""
    for line in str(text).splitlines() or [""]:
        print("#", line, flush=True)


def _on_alarm(_number, _frame):
    raise Overdue


def _run(seconds, function):
    """Returns (passed, directive, explanation)."""
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        function()
        return True, "", ""
    except Skip as why:
        return True, f" # SKIP {why}", ""
    except Failed as why:
        return False, "", str(why)
    except Overdue:
        return False, "", f"not done after {seconds} s\n" + procs.tails()
    except Exception:  # a mistake in the test is a failure, not an end
        return False, "", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    """Runs the cases whose sentence contains the first argument, if any."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [c for c in _cases if part in c[0]]
    good = True
    print(f"1..{len(chosen)}", flush=True)
    for number, (sentence, seconds, function) in enumerate(chosen, 1):
        passed, directive, explanation = _run(seconds, function)
        if not passed:
            good = False
            explanation += "\n" + procs.tails()
        procs.end_all()
        mark = "ok" if passed else "not ok"
        print(f"{mark} {number} - {sentence}{directive}", flush=True)
        if explanation:
            note(explanation.strip())
    sys.exit(0 if good else 1)


# ---- reading -------------------------------------------------------------

_LINE = re.compile(
    r"^(?P<not>not )?ok\b *(?P<number>\d+)?(?: *-)? *(?P<name>[^#]*)"
    r"(?:# *(?P<directive>SKIP|TODO)\b *(?P<reason>.*))?$", re.I)
_PLAN = re.compile(r"^1\.\.(\d+)(?: *# *SKIP\b *(?P<reason>.*))?$", re.I)


class Result:
    """One subtest: its name, 'passed', 'failed' or 'skipped', and comments."""

    def __init__(self, name, verdict, reason=""):
        self.name = name
        self.verdict = verdict
        self.reason = reason
        self.notes = []


class Reader:
    """Takes a program's output line by line, and its exit status at the end."""

    def __init__(self):
        self.planned = None
        self.results = []
        self.bail = None
        self._skip_all = None

    def line(self, text):
        """True when the line ended a subtest."""
        text = text.rstrip("\n")
        if text.startswith("Bail out!"):
            self.bail = text
            return False
        if text.startswith("#") and self.results:
            self.results[-1].notes.append(text[1:].strip())
            return False
        plan = _PLAN.match(text)
        if plan:
            self.planned = int(plan.group(1))
            self._skip_all = plan.group("reason")
            return False
        match = _LINE.match(text)
        if not match:
            return False
        self.results.append(self._result(match))
        return True

    def _result(self, match):
        directive = (match.group("directive") or "").upper()
        name = match.group("name").strip()
        if directive == "SKIP":
            return Result(name, "skipped", match.group("reason"))
        failed = match.group("not") and directive != "TODO"
        return Result(name, "failed" if failed else "passed")

    def end(self, status):
        """What is wrong with the run as a whole; "" when nothing."""
        if self.bail:
            return self.bail
        if self.planned is None:
            return f"no plan (1..N) was printed; it ended with {status}"
        if self.planned == 0 and self._skip_all is not None:
            self.results.append(
                Result("all", "skipped", self._skip_all))
            return ""
        if self.planned == 0:
            return "no test was planned"
        if len(self.results) != self.planned:
            return (f"{self.planned} tests were planned, "
                    f"{len(self.results)} reported; it ended with {status}")
        failed = any(r.verdict == "failed" for r in self.results)
        if status != 0 and not failed:
            return f"all tests passed, but it ended with {status}"
        return ""
