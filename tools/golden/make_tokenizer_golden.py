"""Writes tests/golden/tokenizer/: small tokenizers by Hugging Face tokenizers, and their output for hard texts.

NAME.tokenizer.json is a tokenizer. NAME.cases.jsonl has lines {"text", "ids", "offsets", "decoded", "decoded_skip"}.

usage: make_tokenizer_golden.py [OUTPUT_FOLDER]
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BLOOM = " ?[^(\\s|[.,!?…。，、।۔،])]+"
GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

SENTENCES = [
    "The cat sat on the mat, and the dog didn't mind that it's there.",
    "They'll say we've seen the other one; I'd rather think they're mistaken.",
    "Le chat est assis sur le tapis, et le chien n'y voit rien d'étrange.",
    "Die Katze sitzt auf der Matte, während der Hund über die Straße läuft.",
    "El gato está sentado en la alfombra; ¿dónde está el perro? ¡Allí!",
    "O gato está no tapete e o cão não está aqui.",
    "Кошка сидит на коврике, а собака гуляет в саду.",
    "Η γάτα κάθεται στο χαλί και ο σκύλος περπατά.",
    "Kedi halının üzerinde oturuyor ve köpek bahçede.",
    "猫坐在垫子上，狗在花园里。今天天气很好！",
    "猫はマットの上に座っています。犬は庭にいます、たぶん。",
    "고양이가 매트 위에 앉아 있고 개는 정원에 있다.",
    "القطة تجلس على السجادة، والكلب في الحديقة؟",
    "बिल्ली चटाई पर बैठी है। कुत्ता बगीचे में है।",
    "بلی چٹائی پر بیٹھی ہے۔ کتا باغ میں ہے۔",
    "แมวนั่งอยู่บนเสื่อและสุนัขอยู่ในสวน",
    "Con mèo ngồi trên tấm thảm và con chó ở trong vườn.",
    "Paka ameketi kwenye mkeka na mbwa yuko bustanini.",
    "Mačka sedí na rohožke a pes je v záhrade, čo je zvláštne…",
    "1 2 34 567 8901 2345.67 ١٢٣ ४५६ Ⅳ ½",
]

HARD = [
    "", " ", "  ", "   ", "\t", "\n", " \n ", "a", " a", "a ", "  a  b   c ", "a   b", "a (b) c", "Hello  world!!", "[a]",
    "\t a\nb", "don't we'll they're I'M 's 'S '", "it's 'til '' 've'", "!!!???...,,,", "x!y?z.w,v|u(t)s", "a|b | c",
    "0", "007 1234567890", "a1b2 3c", "\u00bd\u2163\u0661", "caf\u00e9 cafe\u0301", "\u00a0a\u00a0 b", "\u3000\u3000a\u3000b",
    "a\u2009b\u200bc\u202fd\ufeff", "\x00\x01\x1c\x1f\x7f\x85\xad", "\U0001F468\u200d\U0001F469\u200d\U0001F467", "\U0001F44D\U0001F3FD ok \U0001F1E9\U0001F1EA",
    "\ufffd\ufffe\U0010ffff\U000e0001", "\U0001cd00\u1c89\U00010d4a", "\u4e2d\u6587\u3002\u4e2d\u6587\uff0c\u4e2d\u3001", "\u0939\u093f\u0928\u094d\u0926\u0940\u0964 \u0939\u0948",
    "a" * 70, "the" * 40, " " * 70, " " * 5 + "x", "\u0e41\u0e21\u0e27" * 30, "!" * 65, "ab " * 3 + "\t\t  \t" + "c",
    "<s>a</s>", "<s> a </s> ", "</s", "<s></s><pad>", "x<unk>y",
]  # fmt: skip

FLAGGED = [
    "a [L] b", "a  [L]  b", "a[R]  b", "a  [LR]  b[LR]c", "[LR][LR] [LR]", " [L]", "[R] ", "word", "words", "sword", "a word.",
    "word_", "\u00e9word", "word\u00e9", "(word)", "word word", "wordy wordys", "the there these", "\u65e5\u672c\u8a9e", "a\u00e9b", "[LRx [LR", "a   b",
    "[R]   [L]", "[R] \u00a0\u3000x", "the[R]  the", "[BOQ]query[EOQ]", "[BOQ] [EOQ]  ", "  word  ", "word[L]word", "[R]  word", "[BO", "therethe",
]  # fmt: skip


def random_texts(rng, added, count):
    alphabets = ["etaoinshr", " \t\u00a0\u3000", "!?.,()|'", "0123\u0664", "\u4e2d\u6587\u3042\ud55c", "\u0431\u0433\u03b1\u00e9\u00df", "\U0001F600\u200d\u0301\u0b95", "\x00\x1c\x85\u200b"]
    for _ in range(count):
        parts = []
        for _ in range(rng.randrange(1, 9)):
            if added and rng.random() < 0.2:
                parts.append(rng.choice(added))
            else:
                alphabet = rng.choice(alphabets)
                parts.append("".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 6))))
            if rng.random() < 0.4:
                parts.append(" ")
        yield "".join(parts)


def main():
    default = Path(__file__).resolve().parents[2] / "tests/golden/tokenizer"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    output.mkdir(parents=True, exist_ok=True)

    def byte_level(prefix=False, regex=False):
        return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)

    def split(regex, then):
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), then])

    def sequence(*steps):
        return pre_tokenizers.Sequence(list(steps))

    template = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    trim = processors.ByteLevel(trim_offsets=True, add_prefix_space=False)
    trim_prefix = processors.ByteLevel(trim_offsets=True, add_prefix_space=True)
    flags = [
        AddedToken("[BOQ]"), AddedToken("[EOQ]", special=True, normalized=False), AddedToken("[L]", lstrip=True, normalized=False),
        AddedToken("[R]", rstrip=True), AddedToken("[LR]", lstrip=True, rstrip=True, normalized=False, special=True),
        AddedToken("word", single_word=True, normalized=False), AddedToken("wordy", single_word=True), AddedToken("\u65e5\u672c", normalized=False),
        AddedToken("\u00e9"), AddedToken("the"), AddedToken("there", normalized=False), AddedToken("[LRx"), AddedToken("  b", normalized=False),
    ]  # fmt: skip

    tokenizers = {
        "bloom": {"pre": split(BLOOM, byte_level()), "post": processors.ByteLevel(trim_offsets=False), "long": True},
        "bloom_added": {"pre": split(BLOOM, byte_level()), "post": processors.Sequence([trim, template]), "added": flags},
        "gpt2": {"pre": byte_level(regex=True), "post": trim, "string_merges": True},
        "gpt2_prefix": {"pre": byte_level(prefix=True, regex=True), "post": processors.Sequence([template, trim_prefix]), "added": flags},
        "ignore_merges": {"pre": split(GPT2, byte_level(prefix=True)), "post": trim_prefix, "model": {"ignore_merges": True}, "drop_merges": 3},
        "llama3": {"pre": split(LLAMA3, byte_level()), "post": processors.Sequence([trim, template]), "model": {"ignore_merges": True}, "drop_merges": 5, "long": True},
        "digits": {"pre": sequence(pre_tokenizers.Digits(individual_digits=True), byte_level(prefix=True, regex=True)),
                   "post": processors.RobertaProcessing(("</s>", 2), ("<s>", 1), trim_offsets=True, add_prefix_space=True)},
        "spelled": {"pre": sequence(pre_tokenizers.Punctuation("contiguous"), byte_level(regex=True), pre_tokenizers.Digits(individual_digits=False),
                                    pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")), "post": trim},
        "merged_next": {"pre": sequence(pre_tokenizers.Split(" ", "merged_with_next"), pre_tokenizers.Split(Regex("\\p{P}"), "merged_with_previous"), byte_level()),
                        "post": trim, "added": flags},
        "kept": {"pre": sequence(pre_tokenizers.Whitespace(), pre_tokenizers.Split(Regex("\\p{L}\\p{M}*"), "contiguous", invert=True),
                                 pre_tokenizers.Split(Regex("(?=\\p{Lu})|\\b"), "isolated"), byte_level(prefix=True)), "post": trim_prefix},
        "removed": {"pre": sequence(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.CharDelimiterSplit("|"), split("[\\w&&[^aeiou]]+", byte_level())), "post": trim},
        "missing_dropped": {"pre": split(BLOOM, byte_level()), "alphabet": False},
        "missing_unknown": {"pre": split(BLOOM, byte_level()), "alphabet": False, "unk": True},
        "missing_fused": {"pre": split(BLOOM, byte_level()), "alphabet": False, "unk": True, "model": {"fuse_unk": True}, "post": trim},
    }
    for name, spec in tokenizers.items():
        model = models.BPE(unk_token="<unk>") if spec.get("unk") else models.BPE()
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = spec["pre"]
        tokenizer.decoder = decoders.ByteLevel()
        complete = spec.get("alphabet", True)
        trainer = trainers.BpeTrainer(
            vocab_size=600 if complete else 220,
            special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if complete else [],
            show_progress=False,
        )
        tokenizer.train_from_iterator(SENTENCES if complete else SENTENCES[:8], trainer)
        if "post" in spec:
            tokenizer.post_processor = spec["post"]
        for token in spec.get("added", []):
            (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        content = json.loads(tokenizer.to_str())
        content["model"].update(spec.get("model", {}))
        if spec.get("string_merges"):
            content["model"]["merges"] = ["#version: 0.2"] + [" ".join(pair) for pair in content["model"]["merges"]]
        if step := spec.get("drop_merges"):  # then some entries can only be reached as whole words
            content["model"]["merges"] = [m for i, m in enumerate(content["model"]["merges"]) if i % step]
        text = json.dumps(content, ensure_ascii=False)
        (output / f"{name}.tokenizer.json").write_text(text + "\n")
        tokenizer = Tokenizer.from_str(text)

        rng = random.Random(name)
        added = [token.content for token in spec.get("added", [])]
        texts = [t for t in HARD if len(t) < 40 or "long" in spec] + list(random_texts(rng, added, 25))
        texts += SENTENCES[: 20 if "long" in spec else 4] + FLAGGED * bool(added)
        with open(output / f"{name}.cases.jsonl", "w") as file:
            for text in texts:
                encoding = tokenizer.encode(text)
                case = {"text": text, "ids": encoding.ids, "offsets": [x for pair in encoding.offsets for x in pair]}
                case["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=False)
                if spec.get("added"):
                    case["decoded_skip"] = tokenizer.decode(encoding.ids, skip_special_tokens=True)
                file.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
