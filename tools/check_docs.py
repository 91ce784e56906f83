#!/usr/bin/env python3
"""Checks the pages for people: links, long lines, several sentences on a line, long paragraphs.

    tools/check_docs.py              exit status 1 and one line for each finding
    tools/check_docs.py --self-test  shows that every rule finds what it is for

Links: every relative link of every page leads to a file and, if it names one, to a heading there.
Lines: prose of the pages in ONE_SENTENCE_A_LINE has at most 160 columns and one sentence a line, so that a change of a
sentence is a change of a line. Paragraphs: on all pages in docs/ and in README.md, a paragraph or an item of a list has at most
400 characters. Tables, code and generated blocks are not prose.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS, PARAGRAPH = 160, 400
ONE_SENTENCE_A_LINE = ("docs/reference/", "docs/README.md", "docs/guide.md", "docs/comparison.md")
GENERATED = ("docs/cli.md", "docs/settings.md")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
# A sentence ends in a stop before a space and a capital letter, except behind a list's number and behind these words. A bold stop
# ends the title of a paragraph, which may share its line.
SENTENCE = re.compile(r"(?<![0-9])(?<!e\.g)(?<!i\.e)(?<! vs)(?<!etc)[.!?][`\")]*\s+(?=[*`\"(\[]*[A-Z])")


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found, seen = set(), {}
    for title in re.findall(r"^#{1,6} +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.add(anchor if count == 0 else f"{anchor}-{count}")
    return found


def prose(text):
    """Line numbers and lines of prose; None ends a paragraph."""
    fenced = generated = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif line.startswith("<!-- ") and ("made by" in line or "begin" in line):
            generated = True
        elif line.startswith("<!-- ") and ("end" in line or "ends" in line):
            generated = False
        code = fenced or generated or line.startswith(("    ", "|", "#", "<!--", "```"))
        yield number, None if code or not line.strip() else line


def paragraphs(text):
    """Line number and text of each paragraph and of each item of a list."""
    start, words = 0, []
    for number, line in prose(text):
        item = line is not None and re.match(r"\s*(?:[-*]|\d+\.) ", line)
        if (line is None or item) and words:
            yield start, " ".join(words)
            words = []
        if line is not None:
            start = start if words else number
            words.append(line.strip())
    if words:
        yield start, " ".join(words)


def shown(text):
    """What a reader sees of a text: links without their targets."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def findings(name, text, pages):
    if name.startswith(ONE_SENTENCE_A_LINE):
        for number, line in prose(text):
            if line is None:
                continue
            if len(line) > COLUMNS:
                yield f"{name}:{number}: {len(line)} columns; expected at most {COLUMNS}; break the line between clauses"
            if SENTENCE.search(re.sub(r"`[^`]*`", "Code", line).removeprefix("- ")):
                yield f"{name}:{number}: two sentences on a line; expected one; put each on a line of its own"
    if name not in GENERATED and (name == "README.md" or name.startswith("docs/")):
        for number, paragraph in paragraphs(text):
            if len(shown(paragraph)) > PARAGRAPH:
                yield f"{name}:{number}: a paragraph of {len(shown(paragraph))} characters; expected at most {PARAGRAPH}; split it, or make it a list"
    for number, line in enumerate(re.sub(r"`[^`\n]*`", "", text).split("\n"), 1):
        for match in LINK.finditer(line):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (ROOT / name).parent / path if path else ROOT / name
            page = pages.get(str(file.resolve().relative_to(ROOT)))
            if page is None and not file.exists():
                yield f"{name}:{number}: the link to '{target}' leads nowhere; expected a file; correct it"
            elif anchor and page is not None and anchor not in anchors(page):
                yield f"{name}:{number}: '{target}' names a heading that is not there; expected one of its page's headings; correct it"


def self_test():
    long_line = "- " + "word " * 35
    cases = {
        "columns": ("docs/reference/a.md", long_line),
        "two sentences": ("docs/reference/a.md", "This is the first sentence of the line, which is not short at all. This is the second sentence of it, after the stop."),
        "two sentences on a line": ("docs/reference/a.md", "This is the first sentence. `--flag` begins the second one."),
        "paragraph": ("docs/a.md", "\n".join(["This line is one of many in a paragraph."] * 12)),
        "leads nowhere": ("docs/a.md", "See [this](nowhere.md)."),
        "heading": ("docs/a.md", "See [this](#nothing).\n\n# Something"),
    }
    for what, (name, text) in cases.items():
        if not any(what in finding for finding in findings(name, text, {name: text})):
            sys.exit(f"check_docs.py: the rule '{what}' finds nothing in its own example")
    good = "# A\n\nOne sentence a line.\nThe second has its own.\n\n| a table | " + "x" * 500 + " |\n\n```\n" + "x" * 500 + "\n```\n\n[to the top](#a)"
    if found := list(findings("docs/reference/a.md", good, {"docs/reference/a.md": good})):
        sys.exit(f"check_docs.py: a good page has findings: {found}")
    return 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).exists()}
    found = [finding for name, text in pages.items() for finding in findings(name, text, pages)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
