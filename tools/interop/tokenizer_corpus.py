"""Texts for comparing tokenizers: every language of the shared files if they exist, and generated texts in any case."""

import random

import report
from tokenizer_compare import hostile_lines, lines_of

SHARED = report.SHARED / "data"

# The letters of each language as ranges of code points, from which words are drawn.
ALPHABETS = {
    "English": ["az"], "Greek": ["αω"], "Russian": ["ая"], "Armenian": ["աֆ"], "Hebrew": ["את"], "Arabic": ["ءي"], "Persian": ["ءي", "پپ", "چچ"],
    "Urdu": ["ءي", "ٹٹ", "ےے"], "Syriac": ["ܐܬ"], "Dhivehi": ["ހޥ"], "N'Ko": ["ߊߪ"], "Hindi": ["अह", "ा्"], "Marathi": ["अह", "ा्"], "Nepali": ["अह", "ा्"],
    "Bengali": ["অহ", "া্"], "Punjabi": ["ਅਹ", "ਾ੍"], "Gujarati": ["અહ", "ા્"], "Odia": ["ଅହ", "ା୍"], "Tamil": ["அஹ", "ா்"], "Telugu": ["అహ", "ా్"],
    "Kannada": ["ಅಹ", "ಾ್"], "Malayalam": ["അഹ", "ാ്"], "Sinhala": ["අෆ", "්ෟ"], "Thai": ["กฮ", "ะู", "เ์"], "Lao": ["ກຮ", "ະູ"], "Tibetan": ["ཀཬ", "ིཽ"],
    "Burmese": ["ကအ", "ါှ"], "Georgian": ["აჰ"], "Amharic": ["ሀፐ"], "Cherokee": ["ᎠᏴ"], "Khmer": ["កអ", "ាៅ"], "Mongolian": ["ᠠᡂ"], "Inuktitut": ["ᐁᖖ"],
    "Chinese": ["一龥"], "Japanese": ["ぁん", "ァヶ", "一龥"], "Korean": ["가힣"], "Yi": ["ꀀꒌ"], "Vietnamese": ["az", "ạỹ"], "Polish": ["az", "ąż"], "Turkish": ["az", "çş"],
    "Icelandic": ["az", "áö"], "Hausa": ["az", "ɓɗ"], "Yoruba": ["az", "\u0300\u0301", "ẹọ"], "Javanese": ["ꦄꦲ"], "Balinese": ["ᬅᬳ"], "Gothic": ["𐌰𐍊"], "Adlam": ["𞤀𞥃"],
    "Garay": ["\U00010d4a\U00010d85"], "Emoji": ["😀🙏", "🤐🤯"], "Digits": ["09", "٠٩", "०९"],
}  # fmt: skip


def written_lines():
    """Distinct lines written by people, and whether the shared files exist."""
    texts = [SHARED] if SHARED.is_dir() else []
    lines = [line for text in texts for line in lines_of(text)] + report.sentences()
    return list(dict.fromkeys(lines)), bool(texts)


def generated_lines(seed, count):
    """Generates sentences of made-up words, `count` for each language."""
    rng = random.Random(seed)
    for ranges in ALPHABETS.values():
        letters = [chr(c) for first, last in ranges for c in range(ord(first), ord(last) + 1)]
        for _ in range(count):
            words = ["".join(rng.choices(letters, k=rng.choice([1, 2, 3, 4, 5, 6, 7, 9, 14]))) for _ in range(rng.randrange(1, 14))]
            yield rng.choice(["", "", " ", "\n"]) + "".join(word + rng.choice([" ", " ", " ", ", ", ". ", "", "  ", "! ", "?\n", "'s ", "-", " 1", "。"]) for word in words)


def hostile(seed, count, added, **sizes):
    """Every code point, long words, control characters, emoji sequences, spaces, parts of added tokens, line ends."""
    rng = random.Random(seed)
    for line in hostile_lines(seed, count, added, **sizes):
        yield line
        if rng.random() < 0.1:
            yield line + rng.choice(["\n", "\r\n", "\n\n  ", "\r", " \n\t"]) + line[::-1]
