#!/usr/bin/env python3
"""Enforces the architecture's arrows and the few rules of style that a compiler does not know.

    check_layers.py [ROOT]

Prints one line for each problem, "path:line: what is wrong", and exits with 1 when there are any.
"""
import re
import sys
from pathlib import Path

PURE = {"base"}
CORE = {"sse", "mercure", "url", "jwt", "json", "conf"}

# What each folder of src/ may include, besides itself. "transport/*" is any driver that has no line of its own.
LAYERS = {
    "base": set(),
    "json": PURE,
    "url": PURE,
    "sse": PURE,
    "jwt": PURE | {"json"},
    "mercure": PURE | {"url", "json"},
    "conf": PURE | {"json", "jwt"},
    "loop": PURE,
    "net": PURE | {"loop"},
    "fetch": PURE | {"loop"},
    "http": PURE | {"loop", "net"},
    "bbolt": PURE,
    "transport": PURE | {"mercure"},
    "transport/*": PURE | {"transport", "mercure", "loop"},
    "transport/bolt": PURE | {"transport", "mercure", "loop", "bbolt", "json", "url", "sse"},
    "client": PURE | {"http", "net", "loop", "sse", "url", "json"},
    "bench": PURE | {"client", "http", "net", "loop", "sse", "url", "jwt", "json"},
    "ui": PURE,
    "hub": PURE | CORE | {"ui", "fetch", "http", "net", "loop", "transport", "transport/*"},
    "cli": PURE | CORE | {"hub", "fetch", "client", "bench", "ui", "http", "net", "loop", "transport"},
    "main": PURE | {"cli"},
}

# Which folders may include a third-party header; the first pattern that fits decides.
THIRD_PARTY = [
    (r"uv\.h", {"loop", "net", "fetch"}),
    (r"llhttp\.h", {"http"}),
    (r"curl/.*", {"fetch"}),
    (r"openssl/.*", {"jwt", "net", "transport/bolt"}),
    (r"unicode/.*", {"url"}),
    (r"pcre2\.h", {"url"}),
    (r"jansson\.h", {"json"}),
    (r"yaml\.h", {"conf"}),
    (r"lmdb\.h", {"transport/bolt"}),
]

# Headers of C, of the system and of the compiler; everything else in angle brackets must be in THIRD_PARTY.
SYSTEM = re.compile(
    r"(sys|net|netinet|arpa|linux|sanitizer)/\w+\.h|"
    r"(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|"
    r"stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time|uchar|wchar|wctype|"
    r"dirent|dlfcn|endian|err|fcntl|fnmatch|getopt|glob|grp|libgen|malloc|mntent|netdb|poll|pthread|pwd|sched|"
    r"search|semaphore|spawn|strings|syslog|termios|unistd|utime|wordexp)\.h"
)

# Only these write log lines; everybody else returns the error.
LOGGING = {"base", "hub", "cli", "main"}

BANNED = "strcpy strcat sprintf vsprintf strtok atoi atol strtol gets alloca localtime gmtime strerror".split()
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNNUMBERED = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
MAX_LINES = 800


def folder_of(path):
    """The folder of src/ that a path below src/ belongs to: "base", "transport/bolt", "main"."""
    parts = Path(path).parts
    if len(parts) == 1:
        return "main"
    if parts[0] == "transport" and len(parts) > 2:
        return f"transport/{parts[1]}"
    return parts[0]


def may_include(folder, other):
    if folder == other:
        return True
    allowed = LAYERS.get(folder) or LAYERS.get("transport/*" if folder.startswith("transport/") else folder, set())
    return other in allowed or (other.startswith("transport/") and "transport/*" in allowed)


def strip_code(text):
    """The text with comments and the insides of literals blanked, line numbers kept."""

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + token[0]
        return "\n" * token.count("\n") or " "

    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class File:
    """One .c or .h file and the problems found in it."""

    def __init__(self, root, path):
        self.root = root
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.in_src = self.name.startswith("src/")
        self.folder = folder_of(path.relative_to(root / "src")) if self.in_src else None
        self.problems = []

    def report(self, line, text):
        self.problems.append(f"{self.name}:{line}: {text}")

    def includes(self):
        """(line, bracket, header) of each include."""
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)

    def check_own_include(self, number, header):
        if header.endswith(".c"):
            self.report(number, f'"{header}" is a source file: test what its header promises')
        elif "/" not in header or header.startswith(".") or not (self.root / "src" / header).is_file():
            beside = not header.startswith(".") and (self.path.parent / header).is_file()
            if self.in_src or not (beside or (self.root / "tests" / header).is_file()):
                self.report(number, f'"{header}" is not "folder/file.h" below src/')
        elif self.in_src:
            self.check_layer(number, header)

    def check_layer(self, number, header):
        other = folder_of(header)
        if not may_include(self.folder, other):
            self.report(number, f"{self.folder} may not include from {other}")
        if header.endswith("_priv.h") and other != self.folder:
            self.report(number, f'"{header}" is private to {other}')
        if header == "base/log.h" and self.folder not in LOGGING:
            self.report(number, f"{self.folder} does not log: it returns its errors")

    def check_third_party(self, number, header):
        if not self.in_src or SYSTEM.fullmatch(header):
            return
        for pattern, folders in THIRD_PARTY:
            if re.fullmatch(pattern, header):
                if self.folder not in folders:
                    self.report(number, f"<{header}> is only for {', '.join(sorted(folders))}")
                return
        self.report(number, f"<{header}> is a third-party header that scripts/check_layers.py does not list")

    def check_includes(self):
        for number, bracket, header in self.includes():
            if bracket == '"':
                self.check_own_include(number, header)
            else:
                self.check_third_party(number, header)

    def check_known_folder(self):
        if self.in_src and not self.folder.startswith("transport/") and self.folder not in LAYERS:
            self.report(1, f"the folder {self.folder} has no place in the layers")

    def check_own_header_first(self):
        own = self.path.with_suffix(".h")
        if not self.in_src or self.path.suffix != ".c" or not own.is_file():
            return
        wanted = own.relative_to(self.root / "src").as_posix()
        first = next(self.includes(), (1, "", ""))
        if first[2] not in (wanted, wanted[:-2] + "_priv.h"):
            self.report(first[0], f'"{wanted}" comes first')

    def check_pragma_once(self):
        if self.path.suffix != ".h":
            return
        code = strip_code(self.text).split("\n")
        first = next((line.strip() for line in code if line.strip()), "")
        if first != "#pragma once":
            self.report(1, "a header begins with #pragma once")

    def check_calls(self):
        for number, line in enumerate(strip_code(self.text).split("\n"), 1):
            for match in BANNED_CALL.finditer(line):
                self.report(number, f"{match.group(1)} is banned")

    def check_notes(self):
        for number, line in enumerate(self.lines, 1):
            match = UNNUMBERED.search(line)
            if match:
                self.report(number, f"{match.group(1)} without the number of an issue")

    def check_length(self):
        if len(self.lines) > MAX_LINES:
            self.report(MAX_LINES, f"longer than {MAX_LINES} lines")

    def check(self):
        self.check_known_folder()
        self.check_includes()
        self.check_own_header_first()
        self.check_pragma_once()
        self.check_calls()
        self.check_notes()
        self.check_length()
        return self.problems


def check_tree(root):
    """Every problem of the tree, in the order of the files."""
    root = Path(root)
    problems = []
    for top in ("src", "tests"):
        for path in sorted((root / top).rglob("*.[ch]")):
            if "node_modules" not in path.parts:
                problems += File(root, path).check()
    return problems


def main(argv):
    root = argv[1] if len(argv) > 1 else Path(__file__).resolve().parent.parent
    problems = check_tree(root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
