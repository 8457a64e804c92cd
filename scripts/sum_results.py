#!/usr/bin/env python3
"""Adds up the JUnit reports in a folder: one line for each, then the sum as the very last line.

Exit status 1 when anything failed or nothing ran.
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def read_report(path):
    """(passed, failed, skipped) of one report, whose root is a suite or a list of suites."""
    passed = failed = skipped = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(folder):
    total = [0, 0, 0]
    for path in sorted(Path(folder).glob("*.xml")):
        counts = read_report(path)
        total = [a + b for a, b in zip(total, counts)]
        print(f"{path.stem:24} {counts[0]:5} passed {counts[1]:3} failed" + (f" {counts[2]} skipped" if counts[2] else ""))
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
