"""Parts of pages that generators write: tables, and sentences one a line."""

import re

# A sentence ends in a stop before a space and a capital letter or code. Code is not searched for ends.
END = re.compile(r"(`[^`]*`)|(?<!e\.g)(?<!i\.e)(?<! vs)(?<!etc)([.!?]\)?) +(?=[*`\"(\[]*[A-Z`])")


def table(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)] + ["| " + " | ".join(row) + " |" for row in rows]


def sentences(*texts):
    """The sentences of the texts, each on a line of its own."""
    return [line for text in texts if text for line in END.sub(lambda match: match[1] or match[2] + "\n", text).split("\n")]


def item(*texts):
    """An item of a list, whose sentences are lines."""
    first, *others = sentences(*texts)
    return ["- " + first, *("  " + line for line in others)]
