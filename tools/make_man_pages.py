#!/usr/bin/env python3
"""Writes man pages and bash completion from `lacos --help` and every `lacos COMMAND --help`.

    tools/make_man_pages.py --program build/release/bin/lacos --output build/release/man

writes OUTPUT/man1/lacos.1, OUTPUT/man1/lacos-COMMAND.1 and OUTPUT/completions/lacos.
"""

import argparse
import pathlib
import re
import subprocess

from make_cli_docs import commands, help_text


class Help:
    """A help text in parts: description, usage, groups of entries, and the example at the end."""

    def __init__(self, program, words):
        self.words = words
        text = help_text(program, *words)
        self.commands = commands(text)
        description, rest = text.split("\nUsage: ", 1)
        self.description = " ".join(description.split())
        self.usage, _, rest = rest.partition("\n")
        self.groups = []  # (title, [(left side, description)])
        self.example = []
        self.notes = []
        for block in rest.strip("\n").split("\n\n"):
            title, _, body = block.partition("\n")
            if title == "Example:":
                self.example = [line.strip() for line in body.split("\n")]
            elif body.startswith("  ") and title.endswith(":"):
                self.groups.append((title[:-1], self.entries(body)))
            else:
                self.notes.append(" ".join(block.split()))

    @staticmethod
    def entries(body):
        entries = []
        for line in body.split("\n"):
            start = re.match(r"  (\S.*?)(?:  +(.*))?$", line)
            if start:
                entries.append([start[1], start[2] or ""])
            else:
                entries[-1][1] = (entries[-1][1] + " " + line.strip()).strip()
        return entries

    def flags(self):
        """The flags with the words that each takes."""
        for _, entries in self.groups:
            for left, _ in entries:
                flag, _, value = left.partition(" ")
                if flag.startswith("--"):
                    yield flag, value.split("|") if re.fullmatch(r"[a-z0-9_]+(\|[a-z0-9_]+)+", value) else []


def collect(program, words=()):
    page = Help(program, words)
    pages = [page]
    for name in page.commands:
        pages += collect(program, (*words, name))
    return pages


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def man_page(page, version, pages):
    name = "-".join(("lacos", *page.words))
    lines = [
        f'.TH {name.upper()} 1 "" "lacos {version}" "lacos"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(page.description)}",
        ".SH SYNOPSIS",
        f".B {roff(page.usage)}",
    ]
    for title, entries in page.groups:
        lines.append(f".SH {title.upper()}")
        for left, text in entries:
            lines += [".TP", f".B {roff(left)}", roff(text)]
    for note in page.notes:
        lines += [".SH NOTES" if note == page.notes[0] else ".PP", roff(note)]
    if page.example:
        lines += [".SH EXAMPLE", ".nf"] + [roff(line) for line in page.example] + [".fi"]
    below = [other for other in pages if other.words[:-1] == page.words and other.words]
    related = below if not page.words else [pages[0]]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {roff('-'.join(('lacos', *other.words)))} (1)" for other in related)]
    return "\n".join(lines).replace(",\n.BR", " ,\n.BR") + "\n"


def completion(pages):
    known = "|".join("".join(" " + word for word in page.words) for page in pages[1:])
    lines = [
        "# Completes commands, flags and words of lacos. Made by tools/make_man_pages.py.",
        "_lacos() {",
        "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i",
        f"  local known='|{known}|'",
        "  for ((i = 1; i < COMP_CWORD; ++i)); do",
        '    [[ $known == *"|$command ${COMP_WORDS[i]}|"* ]] || break',
        '    command+=" ${COMP_WORDS[i]}"',
        "  done",
        "  local flags='' words=''",
        '  case "$command" in',
    ]
    for page in pages:
        flags = list(page.flags())
        lines.append(f"    '{''.join(' ' + word for word in page.words)}')")
        lines.append(f"      flags='{' '.join(flag for flag, _ in flags)}'")
        if page.commands:
            lines.append(f"      words='{' '.join(page.commands)}'")
        values = [(flag, words) for flag, words in flags if words]
        if values:
            lines.append('      case "$before" in')
            lines += [f"        {flag}) words='{' '.join(words)}' ;;" for flag, words in values]
            lines.append("      esac")
        lines.append("      ;;")
    lines += [
        "  esac",
        "  if [[ $word == -* ]]; then",
        '    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")',
        "  elif [[ -n $words ]]; then",
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")',
        "  else",
        "    COMPREPLY=()  # bash completes names of files then",
        "  fi",
        "}",
        "complete -o default -F _lacos lacos",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    version = subprocess.run([arguments.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    pages = collect(arguments.program)
    for folder in ("man1", "completions"):
        (arguments.output / folder).mkdir(parents=True, exist_ok=True)
    for page in pages:
        path = arguments.output / "man1" / ("-".join(("lacos", *page.words)) + ".1")
        path.write_text(man_page(page, version, pages), encoding="utf-8")
    (arguments.output / "completions" / "lacos").write_text(completion(pages), encoding="utf-8")


if __name__ == "__main__":
    main()
