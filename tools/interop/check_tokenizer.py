#!/usr/bin/env python3
"""Compares `lacos tokenize` with Hugging Face tokenizers: ids, offsets and decoded texts of more than a million lines.

BLOOM_TOKENIZER=FILE names BLOOM's own tokenizer.json, which is not part of this repository. If it is given, seven
published encodings are checked with it, and as many lines as with the other tokenizers.
"""

import copy
import gzip
import json
import multiprocessing
import os
import pathlib
import shutil

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # separate processes run in parallel instead

import report
import tokenizer_corpus

NANO = report.REPOSITORY / "examples/bloom-nano"
GPT2 = tokenizer_corpus.SHARED / "tokenizer/gpt2_surrogate/tokenizer.json.gz"
FACTS = pathlib.Path(__file__).with_name("bloom_encodings.json")
CHUNK_LINES, CHUNK_CHARACTERS = 20_000, 1_000_000  # the package's encodings need about 200 bytes per token

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
PATTERNS = {
    "llama3": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt4o": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTIONS + "?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTIONS + "?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "bloom": " ?[^(\\s|[.,!?…。，、।۔،])]+",
}  # fmt: skip
# Each pattern removes its matches, so that the ids show for every character whether it is in the class.
CLASSES = [r"\p{L}", r"\p{Lu}", r"\P{Ll}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{^C}", r"\w", r"\W", r"\d", r"\s", r"\S", r"[\w]", r"[\W\d]", r"[\w&&[^\d]]", r"\p{Han}", r"[^\p{Arabic}\p{Latin}]",
           r"[[:alpha:]]", r"[[:^punct:]]", r"\P{Cn}", r"(?i)\p{Ll}", r".\b", r"\B."]  # fmt: skip


def folder_of(check, name, content):
    """Makes a model folder for `lacos tokenize`."""
    folder = check.work / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(NANO / "config.json", folder)
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    return folder


def write_jsonl(path, values):
    with open(path, "w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value) + "\n")


def chunks(lines):
    chunk, characters = [], 0
    for line in lines:
        chunk.append(line)
        characters += len(line)
        if len(chunk) == CHUNK_LINES or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def compare(check, name, content, lines):
    """Counts lines with other ids, offsets or decoded texts. As many processes as there are threads take the chunks."""
    from tokenizers import Tokenizer

    peer = Tokenizer.from_str(content)
    peer.no_truncation()
    peer.no_padding()
    alone = copy.copy(check)
    alone.threads = 1
    with multiprocessing.get_context("fork").Pool(check.threads, start_worker, (alone, peer, folder_of(check, name, content))) as pool:
        return sum(pool.imap_unordered(compare_chunk, chunks(lines)))


def start_worker(*job):
    global JOB
    JOB = job


def compare_chunk(batch):
    check, peer, folder = JOB
    texts, encoded = (check.work / f"{os.getpid()}.{suffix}" for suffix in ("jsonl", "txt"))
    write_jsonl(texts, ({"text": line} for line in batch))
    found = check.run("tokenize", "--model", folder, "--input", texts, "--with-offsets", compute=None).splitlines()
    assert len(found) == len(batch), (len(found), len(batch))
    plain = check.run("tokenize", "--model", folder, "--input", texts, compute=None).splitlines()
    encodings = peer.encode_batch(batch)
    ids = [encoding.ids for encoding in encodings]
    encoded.write_text("".join(f"{row}\n" for row in ids), encoding="utf-8")
    decoded = check.run_json("tokenize", "--decode", "--model", folder, "--input", encoded, compute=None)["decoded"]
    expected = peer.decode_batch(ids, skip_special_tokens=False)
    assert len(decoded) == len(expected), (len(decoded), len(expected))
    mismatches = 0
    for line, own, own_ids, encoding, row, text, peer_text in zip(batch, found, plain, encodings, ids, decoded, expected, strict=True):
        same = own.startswith(f'{{"ids":{own_ids},"offsets":') and text == peer_text
        own = json.loads(own)
        if not same or own["ids"] != row or [*map(tuple, own["offsets"])] != encoding.offsets:
            mismatches += 1
            if os.environ.get("INTEROP_TRACE") and mismatches <= 5:
                print(f"{folder.name}: {line[:120]!r}\n  lacos {str(own)[:400]} {text[:80]!r}\n  peer  {row[:40]} {encoding.offsets[:30]} {peer_text[:80]!r}", flush=True)
    texts.unlink()
    encoded.unlink()
    return mismatches


def trained(pre, lines, vocabulary, post=None, added=(), change=None):
    """The tokenizer.json of a byte-level BPE that is trained on `lines`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = post or processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)  # fmt: skip
    tokenizer.train_from_iterator(lines, trainer)
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    content = json.loads(tokenizer.to_str())
    if change:
        change(content)
    return json.dumps(content, ensure_ascii=False)


def variants():
    """{name: (pre-tokenizer, vocabulary, post-processor, added tokens, change of the JSON)}"""
    from tokenizers import AddedToken, Regex
    from tokenizers import pre_tokenizers as pre
    from tokenizers import processors as post

    def split(regex, behavior="isolated", invert=False):
        return pre.Split(Regex(regex), behavior, invert)

    def byte_level(prefix=False, regex=False):
        return pre.ByteLevel(add_prefix_space=prefix, use_regex=regex)

    def sequence(*steps):
        return pre.Sequence(list(steps))

    def as_strings(content):
        content["model"]["merges"] = ["#version: 0.2"] + [" ".join(pair) for pair in content["model"]["merges"]]

    def ignoring(content):
        content["model"]["ignore_merges"] = True
        content["model"]["merges"] = [m for i, m in enumerate(content["model"]["merges"]) if i % 5]

    template = post.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    trim = post.ByteLevel(trim_offsets=True, add_prefix_space=False)
    flags = [
        AddedToken("[BOQ]", special=True, normalized=False), AddedToken("[EOQ]", special=True, normalized=False), AddedToken("[L]", lstrip=True, normalized=False),
        AddedToken("[R]", rstrip=True), AddedToken("[LR]", lstrip=True, rstrip=True, normalized=False, special=True), AddedToken("word", single_word=True, normalized=False),
        AddedToken("there"), AddedToken("the", single_word=True), AddedToken("日本", normalized=False), AddedToken("e\u0301"),
    ]  # fmt: skip
    deepseek = [
        split("[\r\n]"), split(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-Ⴥ𐐀-𐑏]+"), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
        split(r"\s+$"), split("[一-龥ࠀ-一가-퟿]+"), pre.Digits(True), byte_level(),
    ]  # fmt: skip
    return {
        "BLOOM's pattern, 300 entries": (sequence(split(PATTERNS["bloom"]), byte_level()), 300, None, [], as_strings),
        "BLOOM's pattern, added tokens, template": (sequence(split(PATTERNS["bloom"]), byte_level()), 8000, post.Sequence([trim, template]), flags, None),
        "Llama 3's pattern, ignore_merges": (sequence(split(PATTERNS["llama3"]), byte_level()), 20000, post.Sequence([trim, template]), [], ignoring),
        "Qwen 2's pattern, inverted": (sequence(split(PATTERNS["qwen2"], "removed", True), byte_level()), 5000, trim, [], None),
        "GPT-4o's pattern": (sequence(split(PATTERNS["gpt4o"]), byte_level()), 12000, trim, [], as_strings),
        "DeepSeek's sequence": (sequence(*deepseek), 6000, None, [], None),
        "ByteLevel with prefix": (byte_level(True, True), 3000, post.ByteLevel(trim_offsets=True, add_prefix_space=True), flags, None),
        "Digits, ByteLevel": (sequence(pre.Digits(True), byte_level(regex=True)), 4000, trim, [], None),
        "Punctuation, ByteLevel, Digits, Split": (sequence(pre.Punctuation("contiguous"), byte_level(regex=True), pre.Digits(False), split("[0-9][0-9][0-9]")), 4000, trim, [], None),
        "Whitespace": (sequence(pre.Whitespace(), byte_level(True)), 2000, trim, [], None),
        "WhitespaceSplit, CharDelimiterSplit": (sequence(pre.WhitespaceSplit(), pre.CharDelimiterSplit("-"), byte_level()), 2000, None, [], None),
        "String, merged with next": (sequence(pre.Split(" ", "merged_with_next"), byte_level()), 2000, trim, [], None),
        "Regex, merged with previous": (sequence(split(r"[\s\p{P}]", "merged_with_previous"), byte_level()), 2000, trim, [], None),
        "Regex, contiguous, inverted; empty matches": (sequence(split(r"\p{L}\p{M}*", "contiguous", True), split(r"(?=\p{Lu})"), byte_level()), 2000, trim, [], None),
    }  # fmt: skip


class Lines:
    """The corpus, which is made once for all comparisons."""

    def __init__(self):
        written, self.shared = tokenizer_corpus.written_lines()
        self.generated = list(tokenizer_corpus.generated_lines(1, 600 if self.shared else 18_000))
        self.lines = written + self.generated
        self.corpus = f"{len(written)} written lines" if self.shared else "no shared files: generated lines only"

    def spread(self, count):
        return [self.lines[i * len(self.lines) // count] for i in range(count)] if count < len(self.lines) else self.lines

    def with_hostile(self, content, seed, count, written, **sizes):
        added = [token["content"] for token in json.loads(content)["added_tokens"]]
        return self.spread(written) + list(tokenizer_corpus.hostile(seed, count, added, **sizes))


def real(check, name, path, lines, written, stride=1):
    content = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    texts = lines.with_hostile(content, 7, 60_000 // stride, written, stride=stride)
    check.row(f"tokenize, {name}: ids, offsets, decoded", len(texts), compare(check, "real", content, texts), 0)


def freshly_trained(check, lines):
    corpus = lines.spread(12_000)
    for seed, (name, (pre, vocabulary, post, added, change)) in enumerate(variants().items()):
        def run():
            content = trained(pre, corpus, vocabulary, post, added, change)
            texts = lines.with_hostile(content, seed, 6_000, 12_000, stride=20, longest=20_000)
            check.row(f"tokenize, trained: {name}", len(texts), compare(check, f"trained{seed}", content, texts), 0)
        check.attempt(f"tokenize, trained: {name}", run)


def classes(check):
    """Compares the members of the character classes in patterns with those in the package."""
    from tokenizers import Regex
    from tokenizers import pre_tokenizers as pre

    lines = []
    for begin in range(0, 0x110000, 96):
        # A sample of the long runs of one kind (ideographs, Hangul, Yi, Tangut, private and empty planes) is enough.
        dull = 0x3500 <= begin < 0x9F00 or 0xAC00 <= begin < 0xD700 or 0xE000 <= begin < 0xF800 or 0x17100 <= begin < 0x18700 or begin >= 0x20100
        if dull and begin // 96 % 24:
            continue
        points = [c for c in range(begin, begin + 96) if not 0xD800 <= c <= 0xDFFF]
        # The characters alone, and with spaces and letters next to them, on which word boundaries depend.
        lines += ["".join(map(chr, points)), "".join(chr(c) + (" " if c % 2 else "a") for c in points)]
    lines = [line for line in lines if line]
    mismatches = 0
    for number, pattern in enumerate(CLASSES):
        steps = pre.Sequence([pre.Split(Regex(pattern), "removed"), pre.ByteLevel(add_prefix_space=False, use_regex=False)])
        content = trained(steps, ["a"], 260)
        mismatches += compare(check, f"class{number}", content, lines)
    check.row(f"tokenize, {len(CLASSES)} classes of patterns, code points of every block", len(CLASSES) * len(lines), mismatches, 0)


def bloom(check, lines):
    what = "tokenize, BLOOM's own file: 7 published encodings, then the corpus"
    path = os.environ.get("BLOOM_TOKENIZER")
    if not path:
        print(report.COLUMNS.format(what=what, cases=0, largest="-", limit="-",
                                    verdict="skipped: make interop BLOOM_TOKENIZER=path/to/tokenizer.json"), flush=True)  # fmt: skip
        return
    content = pathlib.Path(path).read_text(encoding="utf-8")
    facts = json.loads(FACTS.read_text(encoding="utf-8"))["encodings"]
    folder = folder_of(check, "bloom", content)
    texts = check.work / "facts.jsonl"
    write_jsonl(texts, ({"text": fact["text"]} for fact in facts))
    found = [json.loads(line) for line in check.run("tokenize", "--model", folder, "--input", texts, compute=None).splitlines()]
    wrong = sum(ids != fact["ids"] for ids, fact in zip(found, facts, strict=True))
    check.row("tokenize, BLOOM's own file: published encodings", len(facts), wrong, 0)
    real(check, "BLOOM's own file", pathlib.Path(path), lines, 300_000, stride=2)


def everything(check):
    lines = Lines()
    check.attempt("tokenize, bloom-nano", lambda: real(check, f"bloom-nano ({lines.corpus})", NANO / "tokenizer.json", lines, 10**9))
    if GPT2.exists():
        check.attempt("tokenize, GPT-2", lambda: real(check, "GPT-2", GPT2, lines, 120_000, stride=4))
    else:
        print(report.COLUMNS.format(what="tokenize, GPT-2", cases=0, largest="-", limit="-", verdict="skipped: no shared files"), flush=True)
    freshly_trained(check, lines)
    check.attempt("tokenize, classes", lambda: classes(check))
    check.attempt("tokenize, BLOOM's own file", lambda: bloom(check, lines))


if __name__ == "__main__":
    report.main([("tokenize", everything)])
