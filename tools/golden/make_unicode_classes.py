"""Writes src/lacos/text/unicode_ranges.inc: the character classes of the regex engines in Hugging Face tokenizers.

The package itself is queried for each code point, because its Unicode version (16.0 in tokenizers 0.23.3) is newer than
that of Debian's utf8proc (15.0), and token ids must agree for every character.

usage: make_unicode_classes.py [OUTPUT]
"""

import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def members(regex):
    split = pre_tokenizers.Split(Regex(regex), "removed")
    return {c for c in CODE_POINTS if not split.pre_tokenize_str(chr(c))}


def cut_off_by(step):
    """Characters that a pre-tokenizer separates from a letter before them."""
    return {c for c in CODE_POINTS if len(step.pre_tokenize_str("a" + chr(c))) == 2}


def word_characters():
    """Characters next to which a single_word token does not count as a word."""
    tokenizer = Tokenizer(models.BPE(vocab={"\u0100": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("XQ", single_word=True, normalized=False)])
    probe = tokenizer.token_to_id("XQ")
    return {c for c in CODE_POINTS if probe not in tokenizer.encode("XQ" + chr(c)).ids}


def main():
    default = Path(__file__).resolve().parents[2] / "src/lacos/text/unicode_ranges.inc"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    classes = [("L", members(r"\p{L}")), ("N", members(r"\p{N}")), ("S", members(r"\s")), ("W", word_characters())]
    classes.append(("P", cut_off_by(pre_tokenizers.Punctuation())))
    classes.append(("D", cut_off_by(pre_tokenizers.Digits(individual_digits=True))))
    spaces = pre_tokenizers.WhitespaceSplit()
    assert {c for c in CODE_POINTS if not spaces.pre_tokenize_str(chr(c))} == classes[2][1], "WhitespaceSplit does not mean \\s"
    flags = bytearray(0x110000)
    for bit, (_, found) in enumerate(classes):
        for c in found:
            flags[c] |= 1 << bit
    lines = [
        "// {first, last, classes}: 1 letter, 2 number, 4 white space, 8 word character (\\w), 16 punctuation, 32 digit.",
        f"// Made by tools/golden/make_unicode_classes.py from tokenizers {tokenizers.__version__}.",
        "// clang-format off",
    ]
    row, start = [], 0
    for c in range(1, 0x110001):
        if c < 0x110000 and flags[c] == flags[start]:
            continue
        if flags[start]:
            row.append(f"{{0x{start:X},0x{c - 1:X},{flags[start]}}},")
        if len(row) == 6 or (c == 0x110000 and row):
            lines.append("".join(row))
            row = []
        start = c
    lines.append("// clang-format on")
    output.write_text("\n".join(lines) + "\n")
    print({name: len(found) for name, found in classes}, output)


if __name__ == "__main__":
    main()
