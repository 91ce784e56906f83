"""Writes src/lacos/text/regex_unicode.inc: how Oniguruma's character classes differ between two Unicode versions.

The older version is that of the system's libonig (Debian 12: 6.9.8, Unicode 14.0), the newer one that of the copy
inside Hugging Face tokenizers (0.23.3: Unicode 16.0). Both are queried for every name and every character; the names
are those that libonig itself knows.

usage: make_regex_unicode.py [OUTPUT]
"""

import ctypes
import ctypes.util
import re
import sys
from pathlib import Path

import tokenizers
from tokenizers import Regex, pre_tokenizers

LIBRARY = "libonig.so.5"


def members_by_package(regex, text):
    split = pre_tokenizers.Split(Regex(regex), "removed", invert=True)
    return {c for _, (begin, end) in split.pre_tokenize_str(text) for c in text[begin:end]}


class Region(ctypes.Structure):
    _fields_ = [("allocated", ctypes.c_int), ("num_regs", ctypes.c_int), ("beg", ctypes.POINTER(ctypes.c_int)),
                ("end", ctypes.POINTER(ctypes.c_int)), ("history_root", ctypes.c_void_p)]  # fmt: skip


class Library:
    """Searches one text with the system's libonig."""

    def __init__(self, text):
        self.onig = ctypes.CDLL(LIBRARY)
        self.onig.onig_region_new.restype = ctypes.POINTER(Region)
        self.region = self.onig.onig_region_new()
        self.bytes = text.encode()
        self.buffer = ctypes.create_string_buffer(self.bytes, len(self.bytes) + 1)
        self.encoding, self.syntax = (
            ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(self.onig, name))) for name in ("OnigEncodingUTF8", "OnigSyntaxOniguruma")
        )

    def members(self, regex):
        """The characters of the text that match, or None if libonig does not know the class."""
        pattern, compiled, info = regex.encode(), ctypes.c_void_p(), ctypes.create_string_buffer(64)
        held = ctypes.create_string_buffer(pattern, len(pattern) + 1)
        end = ctypes.byref(held, len(pattern))
        if self.onig.onig_new(ctypes.byref(compiled), held, end, 0, self.encoding, self.syntax, info) != 0:
            return None
        begin = ctypes.addressof(self.buffer)
        finish = ctypes.c_void_p(begin + len(self.bytes))
        found, at = set(), 0
        while at < len(self.bytes) and self.onig.onig_search(compiled, self.buffer, finish, ctypes.c_void_p(begin + at), finish, self.region, 0) >= 0:
            first, at = self.region.contents.beg[0], self.region.contents.end[0]
            found.update(self.bytes[first:at].decode())
        self.onig.onig_free(compiled)
        return found


def ranges(characters):
    """The characters as ranges, in the form used inside a character class."""
    runs = []
    for c in sorted(map(ord, characters)):
        if runs and runs[-1][1] == c - 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return "".join(f"\\x{{{a:X}}}" + (f"-\\x{{{b:X}}}" if b > a else "") for a, b in runs)


def main():
    default = Path(__file__).resolve().parents[2] / "src/lacos/text/regex_unicode.inc"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    every = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)
    # Only characters assigned in the newer version, without private use: all others have equal classes in both.
    text = "".join(sorted(members_by_package(r"[^\p{Cn}\p{Co}]+", every)))
    library = Library(text)

    path = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libonig" in line)
    names = set(re.findall(r"[a-z0-9]{1,60}", Path(path).read_bytes().decode("latin-1")))
    # Names of blocks are left out: the older library does not know the names of new blocks.
    spellings = {name: f"\\p{{{name}}}" for name in names if not name.startswith("in")}
    spellings |= {f"[:{name}:]": f"[[:{name}:]]" for name in names if len(name) <= 6}
    spellings |= {escape: escape for escape in ("\\w", "\\d", "\\s", "\\h")}
    groups, known = {}, 0
    for name, spelling in sorted(spellings.items()):
        older = library.members(spelling + "+")
        if older is None:
            continue
        known += 1
        newer = members_by_package(spelling + "+", text)
        if older != newer:
            groups.setdefault((ranges(newer - older), ranges(older - newer)), []).append(name)
            print(spelling, len(newer - older), len(older - newer), flush=True)

    lines = [
        "// {spellings, members that Unicode 16.0 added, members that it took away}",
        f"// Made by tools/golden/make_regex_unicode.py from tokenizers {tokenizers.__version__} and {LIBRARY}.",
        "// clang-format off",
    ]
    for (added, removed), group in sorted(groups.items(), key=lambda item: item[1]):
        lines.append('{R"(%s)",' % " ".join(["", *group, ""]))
        lines.append(f' R"({added})",')
        lines.append(f' R"({removed})"}},')
    lines.append("// clang-format on")
    output.write_text("\n".join(lines) + "\n")
    print(f"{known} names, {sum(map(len, groups.values()))} of them differ, in {len(groups)} ways: {output}")


if __name__ == "__main__":
    main()
