"""Writes tests/golden/text/same_letters.txt: pairs of texts that differ in case or in how letters are composed.

The pairs come from Python's own Unicode tables, independently of the library that lacos uses: each character beside
its full case folding, its canonical decomposition and its compatibility decomposition, as far as these differ and hold
a letter or digit. Hangul syllables, which follow a formula, are represented by every 97th.

usage: make_overlap_forms.py [OUTPUT]
"""

import sys
import unicodedata
from pathlib import Path


def has_letter(text):
    return any(unicodedata.category(c)[0] in "LN" for c in text)


def main():
    default = Path(__file__).resolve().parents[2] / "tests/golden/text/same_letters.txt"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    lines = []
    for code in range(0x80, 0x110000):
        if 0xD800 <= code <= 0xDFFF or (0xAC00 <= code <= 0xD7A3 and code % 97 != 0):
            continue
        c = chr(code)
        if not has_letter(c):
            continue
        others = {c.casefold(), unicodedata.normalize("NFD", c), unicodedata.normalize("NFKD", c)} - {c}
        lines += [f"{c}\t{other}" for other in sorted(others) if has_letter(other)]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{output}: {len(lines)} pairs, Unicode {unicodedata.unidata_version}")


if __name__ == "__main__":
    main()
