#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What ./demo measures, prints and draws."""

import argparse
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import measure  # noqa: E402
import procs  # noqa: E402

REPEATS = 3
SOCKPERF_SECONDS = 2
REQUESTS = 100000
CLIENTS = 50
PIPELINE = 16

# group: which panel of the picture; key: which of the values measured.
Row = collections.namedtuple("Row", "group title unit lower key run")


def latency(size, title):
    """A row of sockperf."""
    return Row("latency", title, "us", True, "p50",
               lambda side: measure.sockperf(side, size, SOCKPERF_SECONDS))


def redis_rows(pipeline, title):
    """Two rows that one run of redis-benchmark gives."""
    def run(side):
        return measure.redis(side, REQUESTS, CLIENTS, pipeline)
    return [Row("rate", f"{key}{title}", "requests/s", False, key, run)
            for key in ("GET", "SET")]


ROWS = [
    *redis_rows(1, ""),
    *redis_rows(PIPELINE, f", {PIPELINE} in flight"),
    latency(64, "64 B"),
    latency(1024, "1 KiB"),
    latency(16384, "16 KiB"),
]

HEADINGS = {
    "rate": f"redis-benchmark -c {CLIENTS}, requests per second (higher is "
            "better)",
    "latency": "sockperf ping-pong, each end on its CPU, median of half a "
               "round trip\n(lower is better)",
}


def progress(text):
    """One line to whoever watches."""
    print(f"demo: {text}", file=sys.stderr, flush=True)


# ---- measuring -----------------------------------------------------------

def measure_all(side):
    """Values of each row (by its place), from REPEATS runs, and commands."""
    values = [[] for _ in ROWS]
    commands = [None] * len(ROWS)
    runs = {}
    for place, row in enumerate(ROWS):
        runs.setdefault(row.run, []).append(place)
    for run, places in runs.items():
        progress(f"{side.name}: {ROWS[places[0]].group} "
                 + ", ".join(ROWS[p].title for p in places))
        for _ in range(REPEATS):
            found, command = run(side)
            for place in places:
                values[place].append(found[ROWS[place].key])
                commands[place] = command
    return values, commands


def compare(wsd):
    """The results, one entry a row."""
    sides = [measure.Side("TCP"), measure.Side("wsd", wsd)]
    (tcp, tcp_commands), (fast, fast_commands) = map(measure_all, sides)
    results = []
    for place, row in enumerate(ROWS):
        entry = {
            "group": row.group, "title": row.title, "unit": row.unit,
            "better": "lower" if row.lower else "higher",
            "tcp": measure.summary(tcp[place]),
            "wsd": measure.summary(fast[place]),
            "commands": {"tcp": tcp_commands[place],
                         "wsd": fast_commands[place]},
        }
        ratio = entry["wsd"]["median"] / entry["tcp"]["median"]
        entry["factor"] = 1 / ratio if row.lower else ratio
        results.append(entry)
    return results


# ---- telling -------------------------------------------------------------

def shown(value, unit):
    """A number with as many digits as it deserves."""
    return f"{value:,.2f}" if unit == "us" else f"{value:,.0f}"


def print_table(results):
    """Side by side."""
    for group, heading in HEADINGS.items():
        print(f"\n{heading}\n")
        print(f"  {'':18} {'kernel TCP':>14} {'wsd run':>14} {'factor':>9}")
        for entry in results:
            if entry["group"] == group:
                tcp, fast = (shown(entry[s]["median"], entry["unit"])
                             for s in ("tcp", "wsd"))
                print(f"  {entry['title']:18} {tcp:>14} {fast:>14} "
                      f"{entry['factor']:8.1f}x")
    print(f"\nmedian of {REPEATS} runs; --explain confirms that every "
          "connection of the fast runs\ntook the SAN")


# ---- drawing -------------------------------------------------------------

PLOT = r"""
set encoding utf8
set style data histogram
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.95
set grid ytics lc rgb "#d8d8d8" lw 1
set border 3 lc rgb "#606060"
set tics nomirror textcolor rgb "#303030"
set key top left horizontal samplen 1.2 width 2
set datafile separator "\t"
do for [kind in "svg png"] {{
    if (kind eq "svg") {{
        set terminal svg size 1100,500 font "DejaVu Sans,13" \
            background rgb "white"
    }} else {{
        set terminal {png} size 1100,500 font "DejaVu Sans,11"
    }}
    set output "{out}.".kind
    set multiplot layout 1,2 title "{title}" font ",15"
    set lmargin 11
    set bmargin 4
    set logscale y
    set title "sockperf ping-pong: half a round trip (lower is better)"
    set ylabel "microseconds"
    set format y "%g"
    set yrange [{low_latency}:{high_latency}]
    {plot_latency}
    unset logscale y
    set title "redis-benchmark, 50 clients (higher is better)"
    set ylabel "requests per second"
    set format y "%.1s %c"
    set yrange [0:{high_rate}]
    {plot_rate}
    unset multiplot
    unset output
}}
"""

BARS = ('plot {data} using 2:xtic(1) title "kernel TCP" lc rgb "#9aa5b1", '
        '{data} using 3 title "wsd run" lc rgb "#1f6feb", '
        '{data} using 0:($2>$3?$2:$3):4 with labels offset 0,0.8 '
        'font ",13" tc rgb "#202020" notitle')


def data_block(name, entries):
    """What gnuplot draws of one panel."""
    lines = [f"${name} << END"]
    for entry in entries:
        title = entry["title"].replace(", ", "\\n")
        lines.append("\t".join([
            f'"{title}"', f"{entry['tcp']['median']}",
            f"{entry['wsd']['median']}", f"\"{entry['factor']:.1f}×\""]))
    return "\n".join(lines + ["END"])


def png_terminal():
    """The better one if gnuplot has it."""
    told = subprocess.run(["gnuplot", "-e", "set terminal"],
                          capture_output=True, text=True, check=False)
    return "pngcairo" if "pngcairo" in told.stderr else "png"


def draw(results, out):
    """Writes out.svg and out.png."""
    panels = {group: [e for e in results if e["group"] == group]
              for group in HEADINGS}
    every = {group: [e[side]["median"] for e in entries
                     for side in ("tcp", "wsd")]
             for group, entries in panels.items()}
    host = measure.host()
    script = "\n".join(data_block(g, e) for g, e in panels.items())
    script += PLOT.format(
        out=out, png=png_terminal(),
        title=f"OpenWSD: the same programs, one host, {host['cores']} CPUs",
        low_latency=min(every["latency"]) / 2.5,
        high_latency=max(every["latency"]) * 8,
        high_rate=max(every["rate"]) * 1.3,
        plot_latency=BARS.format(data="$latency"),
        plot_rate=BARS.format(data="$rate"))
    subprocess.run(["gnuplot"], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)
    for kind in ("svg", "png"):
        if os.path.getsize(f"{out}.{kind}") == 0:
            raise measure.Broken(f"gnuplot has left {out}.{kind} empty")


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wsd", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    """Returns the exit status."""
    options = parse_arguments()
    os.makedirs(options.out, exist_ok=True)
    results = compare(options.wsd)
    picture = os.path.join(options.out, "demo")
    draw(results, picture)
    if options.json:
        print(json.dumps({
            "host": measure.host(), "commit": measure.commit(),
            "repeats": REPEATS, "results": results,
            "pictures": [picture + ".svg", picture + ".png"]}, indent=1))
    else:
        print_table(results)
        print(f"pictures: {picture}.svg, {picture}.png")
    return 0


def loudly(why):
    """For a failure that nobody must overlook."""
    bar = "!" * 70
    return f"{bar}\ndemo: FAILED: {why}\n{bar}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (measure.WrongRoute, measure.Broken, procs.Timeout) as error:
        sys.exit(loudly(error))
    finally:
        procs.end_all()
