#!/usr/bin/env python3
"""Measures Cinnabar beside nchan and bare sends, in interleaved rounds, and writes a Markdown table.

Each measurement has a fresh server. A round runs every row on every server before the next round begins, so
that whatever else the machine does meets all of them alike. Raw figures go to build/bench/rounds.json, the
table to build/bench/table.md; --docs puts it into docs/performance.md as well.
"""
import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rows import ROWS
from servers import BINARY, ROOT, SERVERS

OUT = ROOT / "build/bench"
DOCS = ROOT / "docs/performance.md"
START, END = "<!-- table -->", "<!-- end of table -->"
MEASUREMENT_S = 60  # a hang guard, not a limit


def say(text):
    print(text, file=sys.stderr, flush=True)


def show(text):
    """Progress: one line that is written over, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
    else:
        say(text)


# ---- measuring


def measure(row, server_name):
    """One measurement: what the load tool has printed, or its complaint."""
    with SERVERS[server_name]() as server:
        command = [str(BINARY), "bench", *row.args, "--json", "--protocol", server.protocol, "--url", server.url(),
                   "--server-pid", str(server.process.pid)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=MEASUREMENT_S, check=False)
        if not result.stdout:
            raise RuntimeError(f"{row.name} on {server_name}: {result.stderr.strip()}\n{server.log()}")
        return json.loads(result.stdout)


def measure_fdatasync():
    """The median of a small append and its sync, in milliseconds, on the disk that the stores are on."""
    path = OUT / "fdatasync"
    times = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, bytes(1 << 20))
    os.fsync(descriptor)
    for i in range(200):
        os.lseek(descriptor, i % 256 * 4096, os.SEEK_SET)
        started = time.perf_counter()
        os.write(descriptor, bytes(4096))
        os.fdatasync(descriptor)
        times.append((time.perf_counter() - started) * 1000)
    os.close(descriptor)
    path.unlink()
    return statistics.median(times)


def run_round(rows, servers, number, total):
    """figures[row][server] of one round."""
    figures = {"fdatasync_ms": measure_fdatasync()}
    for row in rows:
        figures[row.name] = {}
        for name in row.servers:
            if name not in servers:
                continue
            show(f"round {number} of {total}: {row.title}, {name}")
            try:
                figures[row.name][name] = measure(row, name)
            except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
                say(f"\n{error}")
    return figures


# ---- figures


def view(round_, row):
    """What the limits of a row see of a round: its own servers, and those of other rows as ROW/SERVER."""
    seen = {"fdatasync_ms": round_["fdatasync_ms"], **round_[row.name]}
    for other, servers in round_.items():
        if other != "fdatasync_ms":
            seen.update({f"{other}/{server}": figures for server, figures in servers.items()})
    return seen


def values_of(function, rounds):
    """The function of each round, without the rounds that lack something."""
    values = []
    for round_ in rounds:
        try:
            value = function(round_)
        except (KeyError, TypeError, ZeroDivisionError):
            continue
        if value is not None:
            values.append(value)
    return values


def spread(values):
    """Half of the distance between the quartiles: how far a median of these may wander."""
    if len(values) < 4:
        return (max(values) - min(values)) / 2
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.0f} k"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def with_spread(values):
    return f"{number(statistics.median(values))} ± {number(spread(values))}" if values else "–"


def judge(limit, rounds, row, server):
    """A sentence about one target: the value, and whether it is met."""
    values = values_of(lambda round_: limit.value(view(round_, row), server), rounds)
    if not values:
        return None
    bounds = values_of(lambda round_: limit.bound(view(round_, row)) if callable(limit.bound) else limit.bound, rounds)
    value, bound, room = statistics.median(values), statistics.median(bounds), spread(values)
    short = bound - value if limit.least else value - bound
    verdict = "met" if short <= 0 else "met within the spread" if short <= room else "**missed**"
    shown = f"{number(value)}{limit.unit}"
    if callable(limit.bound):
        shown += f" of {number(bound)}{limit.unit}"
    return f"{limit.text}: {shown}, {verdict}"


def faults(rounds, row, server):
    """Anything that went wrong in the measurements of a server."""
    found = set()
    for round_ in rounds:
        figures = round_[row.name].get(server)
        if figures is None:
            found.add("not measured")
            continue
        for key in ("lost", "repeated", "disordered", "refused", "unserved"):
            if figures[key]:
                found.add(key)
        if figures["failure"]:
            found.add(figures["failure"])
    return sorted(found)


# ---- the table


def cell(rounds, row, server):
    if server not in row.servers:
        return "–"
    parts = [with_spread(values_of(lambda round_, of=of: of(round_[row.name][server]), rounds))
             for _, of in row.columns]
    text = "; ".join(parts)
    wrong = faults(rounds, row, server)
    return f"{text} ({', '.join(wrong)})" if wrong else text


def verdicts(rounds, row):
    lines = []
    for limit in row.limits:
        for server in row.judged:
            line = judge(limit, rounds, row, server) if server in row.servers else None
            if line:
                lines.append(f"{server}: {line}")
    return "<br>".join(lines) or "–"


def make_table(rows, rounds):
    lines = ["| scenario | figures | local:// | bolt:// | nchan | bare sends | targets |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        headings = "; ".join(heading for heading, _ in row.columns)
        cells = [cell(rounds, row, server) for server in ("local", "bolt", "nchan", "bare")]
        lines.append("| " + " | ".join([row.title, headings, *cells, verdicts(rounds, row)]) + " |")
    sync = statistics.median(round_["fdatasync_ms"] for round_ in rounds)
    lines += ["", f"{len(rounds)} rounds on {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, "
              f"{time.strftime('%Y-%m-%d')}. One fdatasync took {sync:.3f} ms. Medians ± half the distance between "
              "the quartiles."]
    return "\n".join(lines) + "\n"


def put_into_docs(table):
    text = DOCS.read_text()
    before, rest = text.split(START)
    DOCS.write_text(before + START + "\n" + table + END + rest.split(END)[1])


# ---- the command


def select(names, known, what):
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"unknown {what}: {', '.join(unknown)}; known: {', '.join(known)}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", default="", help="only these, separated by commas: "
                        + ", ".join(row.name for row in ROWS))
    parser.add_argument("--servers", default=",".join(SERVERS), help="only these of: " + ", ".join(SERVERS))
    parser.add_argument("--docs", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--from", dest="stored", type=Path, help="make the table from stored rounds again")
    return parser.parse_args()


def main():
    options = parse_arguments()
    wanted = [name for name in options.rows.split(",") if name]
    servers = options.servers.split(",")
    select(wanted, [row.name for row in ROWS], "rows")
    select(servers, SERVERS, "servers")
    rows = [row for row in ROWS if not wanted or row.name in wanted]
    OUT.mkdir(parents=True, exist_ok=True)
    # Ended in good order, so that no server is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rounds = json.loads(options.stored.read_text()) if options.stored else []
    try:
        while not options.stored and len(rounds) < options.rounds:
            rounds.append(run_round(rows, servers, len(rounds) + 1, options.rounds))
            (OUT / "rounds.json").write_text(json.dumps(rounds))
    except KeyboardInterrupt:
        say("\ninterrupted: the table has the complete rounds")
    if not rounds:
        sys.exit("no round is complete")
    table = make_table([row for row in rows if row.name in rounds[0]], rounds)
    (OUT / "table.md").write_text(table)
    if options.docs:
        put_into_docs(table)
    print(table)


if __name__ == "__main__":
    main()
