#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory that a provider keeps registered, and that the program loses.

    memory.py MEMORY_CASES KEEPING_PROVIDER LIBRARY

Each case of memory_cases is a process of its own under `wsd run`.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "run"))

import procs  # noqa: E402
from tap import Skip, case, check, main  # noqa: E402

WSD = os.environ["WSD"]
CASES, KEEPING, LIBRARY = sys.argv[1:4]
del sys.argv[1:4]

# The way of each case that is not the ordinary one.
SHM = {"WSD_PROVIDER": ""}
UNWATCHED = {"WSD_WATCH_MEMORY": "off"}
OTHERWISE = {
    "code_is_not_changed_without_need": [SHM, UNWATCHED],
    "nothing_is_kept_when_told_so": [UNWATCHED],
}
SECONDS = 250


def run_case(name, env):
    """Runs it once; raises when it fails."""
    env = {"WSD_PROVIDER": KEEPING, "MEMORY_LIBRARY": LIBRARY, **env}
    outcome = procs.run(WSD, "run", "--", CASES, name, seconds=SECONDS,
                        env=env)
    if outcome.status == 77:
        raise Skip(outcome.err.strip())
    check(outcome.status == 0, str(outcome))


def register(name):
    """Makes a case of it."""

    @case(name, seconds=SECONDS)
    def run_all_ways():
        for env in OTHERWISE.get(name, [{}]):
            run_case(name, env)


for listed in procs.run(CASES, "--list").out.split():
    register(listed)

if __name__ == "__main__":
    main()
