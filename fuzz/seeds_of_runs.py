"""Seed inputs for the targets that read archives, test sets, suites, evaluations, runs, caches and recipes of sweeps.

make_corpus.py uses them."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
import zipfile


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def join(files):
    """Joins the files of one input in the form that files.h splits; the first file has no name before it."""
    parts = []
    for i, (name, data) in enumerate(files.items()):
        data = data if isinstance(data, bytes) else dump(data)
        parts.append(data if i == 0 else b"\n=== " + name.encode() + b"\n" + data)
    return b"".join(parts)


# --- archives --------------------------------------------------------------------------------------------------------


def tar(members, links=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            file.addfile(info)
    return out.getvalue()[:-8192]  # without the padding to blocks of 10 kB


def zipped(members, packed=True):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return out.getvalue()


def gz(data):
    return gzip.compress(data, mtime=0)


def archives():
    """Tuples of a name, an options byte (see archive.cc) and the bytes."""
    two = [("data/a.txt", b"one\ntwo\n"), ("data/b.txt", b"three\n" * 40)]
    yield "zip", 0, zipped(two)
    yield "zip_stored", 0, zipped([("a.txt.gz", gz(b"inside\n"))], packed=False)
    yield "zip_in_zip", 0, zipped([("more/inner.zip", zipped(two)), ("x.txt", b"x")])
    yield "zip_macos", 32, zipped([("__MACOSX/._a.txt", b"mac"), ("a.txt", b"a")])
    yield "zip_out", 0, zipped([("../../a.txt", b"out")])
    yield "tar", 1, tar(two, [("link", "../../etc/passwd")])
    yield "tar_gz", 2, gz(tar(two))
    yield "tar_gz_zip", 3, gz(tar([("inner.zip", zipped(two))]))
    yield "tar_bz2", 5, bz2.compress(tar(two))
    yield "tar_xz", 7, lzma.compress(tar(two))
    yield "tar_limit", 1 | 16, tar(two)
    yield "tar_cut", 2, gz(tar(two))[:-8]
    yield "gz", 10, gz(b"one\ntwo\n")
    yield "gz_cut", 10, gz(b"one\ntwo\n")[:-5]
    yield "bz2", 12, bz2.compress(b"one\ntwo\n")
    yield "xz", 13, lzma.compress(b"one\ntwo\n")
    yield "plain", 9, b"one\ntwo\n"


# --- raw test sets ---------------------------------------------------------------------------------------------------


def test_sets():
    """Small files of every raw form, after a file that has none of them. Their row counts differ from those of the known sets,
    which is only noticed after parsing."""
    bench = b"main-news\tMSRpar\t2012\t0001\t5.000\tA man.\tA man \"x\".\n"
    yield "benchmark", {"": b"", "stsbenchmark/sts-train.csv": bench}
    yield "sick", {"": b"", "SICK.txt": b"pair_ID\tsentence_A\tsentence_B\trelatedness_score\tSemEval_set\n1\ta\tb\t4.5\tTRAIN\n2\tc\td\t1\tTRIAL\n"}
    yield "translated", {"": b"", "stsb-en-dev.csv": b'"a ""b""",c,2.5\nd,"e\nf",0\n'}
    yield "semeval", {"": b"", "2012/STS.input.MSRpar.txt": b"a\tb\nc\td\n", "2012/STS.gs.MSRpar.txt": b"4.4\n\n"}
    yield "track", {"": b"", "STS.input.track1.ar-ar.txt": b"a\tb\n", "STS.gs.track1.ar-ar.txt": b"1.5\n"}
    yield "extended", {"": b"", "STS.en-de.txt": b"a\tb\t3.4\n"}
    yield "by_year", {"": b"", "sts/2016/answer-answer.test.tsv": b"3\ta\tb\n\tc\td\n"}
    yield "trec", {"": b"", "TREC.train.all": b"0 how ?\n5 when ?\n"}
    yield "latin1", {"": b"", "custrev.all": b"1 good caf\xe9\n0 bad\n"}
    yield "polarity", {"": b"", "rt-polarity.pos": b"good\n", "rt-polarity.neg": b"bad\nworse\n"}
    yield "stackoverflow", {"": b"", "title_StackOverflow.txt": b"how\nwhy\n", "label_StackOverflow.txt": b"1\n20\n"}
    yield "stackoverflow_label", {"": b"", "title_StackOverflow.txt": b"how\n", "label_StackOverflow.txt": b"-1e300\n"}
    yield "tatoeba", {"": b"", "tatoeba.xyz-eng.xyz": b"un\ndeux\n", "tatoeba.xyz-eng.eng": b"one\ntwo\n"}
    yield "paraphrase", {"": b"", "msr_paraphrase_test.txt": b"\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n"}
    squad = {"data": [{"title": "t", "paragraphs": [{"context": "c d", "qas": [{"id": "q1", "question": "who?"}]},
                                                    {"context": "e", "qas": [{"id": "q2", "question": "why?"}]}]}]}
    yield "xquad", {"": b"", "xquad.qq.json": squad, "xquad.qr.json": squad}
    yield "zip", {"": b"", "allnli.tsv": b"a\tb\n", "more.zip": zipped([("tatoeba.xyz-eng.xyz", b"un\n"), ("tatoeba.xyz-eng.eng", b"one\n")])}


# --- suites ----------------------------------------------------------------------------------------------------------


def entry(path, data, rows):
    return {"path": path, "rows": rows, "sha256": hashlib.sha256(data).hexdigest()}


def suites():
    def suite(sets, files, **more):
        return {"suite.json": {"format": 1, "sets": sets, "absent": [{"task": "sts", "name": "STS12", "subset": "MSRvid", "split": "test"}],
                               **more}, **files}

    about = {"name": "STS12", "subset": "MSRpar", "split": "test", "languages": ["en"], "origin": [{"file": "raw/a.txt", "sha256": "00"}]}
    sts = b"sentence1\tsentence2\tscore\na\tb\t4.5\nc\td\t0\n"
    pairs = b"sentence1\tsentence2\na\tb\n"
    classes = b"text\tlabel\na\tx\nb\ty\n"
    same = b"sentence1\tsentence2\tlabel\na\tb\t1\nc\td\t0\n"
    yield "sts", suite([{"task": "sts", **about, **entry("a.tsv", sts, 2), "scale": [0, 5], "published_text": False}], {"a.tsv": sts})
    yield "two", suite([{"task": "bitext", **about, **entry("a.tsv", pairs, 1), "usual": False},
                        {"task": "pair_classification", **about, **entry("sub/b.tsv", same, 2)}], {"a.tsv": pairs, "sub/b.tsv": same})
    for task in ("classification", "clustering"):
        yield task, suite([{"task": task, **about, **entry("a.tsv", classes, 2), "labels": ["x", "y"]}], {"a.tsv": classes})
    corpus = b'{"_id":"d1","title":"t","text":"x"}\n{"_id":"d2","text":"y"}\n'
    queries = b'{"_id":"q1","text":"z"}\n'
    qrels = b"query-id\tcorpus-id\tscore\nq1\td2\t1\n"
    yield "retrieval", suite([{"task": "retrieval", **about, **entry("corpus.jsonl", corpus, 2), "queries": entry("queries.jsonl", queries, 1),
                               "qrels": entry("qrels.tsv", qrels, 1)}],
                             {"corpus.jsonl": corpus, "queries.jsonl": queries, "qrels.tsv": qrels})
    yield "outside", suite([{"task": "sts", **about, **entry("../a.tsv", sts, 2)}], {"a.tsv": sts})
    yield "damaged", suite([{"task": "sts", **about, **entry("a.tsv", b"", -2), "scale": [1]}], {"a.tsv": sts})


# --- evaluations -----------------------------------------------------------------------------------------------------


def evaluation(sets, items, resamples=8, confidence=0.95, worst=()):
    results = {"system": {"model": "m", "machine": {"isa": "avx2"}}, "sets": sets, "aggregates": [], "confidence": confidence,
               "resamples": resamples, "seed": 42, "worst_pairs": list(worst)}
    return {"results.json": results, "items.jsonl": b"".join(dump(line) + b"\n" for line in items)}


def result(task, name, n, measures, subset="", split="test", languages=("en",), **more):
    return {"task": task, "name": name, "subset": subset, "split": split, "languages": list(languages), "usual": True, "n": n,
            "measures": measures, "main_measure": next(iter(measures)), "interval": [1, 2], **more}


def items(task, name, values, gold=(), trials=(), subset="", split="test"):
    return {"task": task, "name": name, "subset": subset, "split": split, "trials": list(trials), "items": list(values), "gold": list(gold)}


STS = {"spearman": 50, "pearson": 40.5}
PAIR = {"set": "STS12", "sentence1": "a", "sentence2": "b", "gold": 5, "cosine": 0.25, "rank_difference": -0.5}


def evaluations():
    yield "sts", evaluation([result("sts", "STS12", 3, STS, "MSRpar"), result("sts", "STS12", 2, STS, "MSRvid")],
                            [items("sts", "STS12", [0.1, 0.5, 0.3], [1, 5, 2], subset="MSRpar"),
                             items("sts", "STS12", [0.1, None], [1, 5], subset="MSRvid")], worst=[PAIR])
    names = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "SICK-R")
    yield "english", evaluation([result("sts", name, 2, STS) for name in names], [items("sts", name, [0.1, 0.5], [1, 5]) for name in names])
    yield "tasks", evaluation(
        [result("pair_classification", "MRPC", 2, {"average_precision": 70}), result("retrieval", "XQuAD", 2, {"ndcg_at_10": 1}),
         result("bitext", "Tatoeba", 1, {"accuracy": 5, "f1": 4, "accuracy_forward": 3}, "fra-eng", languages=("fra", "eng")),
         result("bitext", "Tatoeba", 1, {"accuracy": 5, "f1": 4}, "deu-eng", languages=("deu", "eng")),
         result("classification", "CR", 10, {"accuracy": 80, "macro_f1": None}, split="all")],
        [items("pair_classification", "MRPC", [0.1, 0.9], [0, 1]), items("retrieval", "XQuAD", [1, 0.5]),
         items("bitext", "Tatoeba", [1], subset="fra-eng"), items("bitext", "Tatoeba", [0], subset="deu-eng"),
         items("classification", "CR", [], trials=[79, 81.5], split="all")])
    yield "multilingual", evaluation([result("sts", "STS17", 2, STS, pair, languages=pair.split("-")) for pair in ("en-de", "es-es")],
                                     [items("sts", "STS17", [0.1, 0.2], [0, 5], subset=pair) for pair in ("en-de", "es-es")])


def evaluation_regressions():
    one = [result("sts", "STS12", 2, STS)]
    yield "lines_missing", evaluation(one, [])  # an assertion failed when nothing was resampled
    yield "gold_missing", evaluation(one, [items("sts", "STS12", [0.1, 0.2], [], trials=[1])])  # read past the end of the gold values
    yield "count_negative", evaluation([result("sts", "STS12", -1, STS)], [items("sts", "STS12", [], [])])
    yield "confidence_over_one", evaluation(one, [items("sts", "STS12", [0.1, 0.2], [1, 2])], confidence=7)  # read past the end of the resamples
    yield "resamples_huge", evaluation(one, [items("sts", "STS12", [0.1, 0.2], [1, 2])], resamples=10**15)
    yield "item_undefined", evaluation([result("sts", "STS12", 40, STS)], [items("sts", "STS12", [None, 0.5] * 20, [1, 5] * 20)])  # sorted a NaN
    yield "gold_out_of_range", evaluation([result("pair_classification", "MRPC", 2, {"average_precision": 70})],
                                          [items("pair_classification", "MRPC", [0.1, 0.9], [1e300, -1e300])])  # cast a huge value to an integer
    yield "tatoeba_without_f1", evaluation([result("bitext", "Tatoeba", 2, {"accuracy": 5})], [items("bitext", "Tatoeba", [1, 0])])
    yield "gold_nearly_equal", evaluation([result("sts", "a", 2, STS)],
                                          [items("sts", "a", [0.1, 0.2], [1, 1 + 2**-52])])  # endless loop: ticks differed by one rounding


# --- runs ------------------------------------------------------------------------------------------------------------


def safetensors(tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        raw = struct.pack(f"<{len(values[1])}d", *values[1]) if values[0] == "F64" else struct.pack(f"<{len(values[1])}f", *values[1])
        header[name] = {"dtype": values[0], "shape": values[2], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = dump(header)
    return struct.pack("<Q", len(text)) + text + data


def manifest(files):
    return {"files": {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()},
            "kind": "checkpoint"}


PEFT = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none", "target_modules": ["query_key_value"],
        "base_model_name_or_path": "base", "task_type": "FEATURE_EXTRACTION"}


def run_states():
    state = {}
    for name, shape, size in (("a", [2, 3], 6), ("b", [2], 2)):
        state["value." + name] = ("F64", [0.5] * size, shape)
        for moment in ("m", "v"):
            state[f"state.{name}.{moment}"] = ("F64", [0.25] * size, [size])
    root = "base_model.model.h.0.self_attention.query_key_value."
    adapter = safetensors({root + "lora_A.weight": ("F32", [1] * 8, [2, 4]), root + "lora_B.weight": ("F32", [2] * 24, [12, 2])})
    progress = {"step": 2, "bad_steps": 1, "tokens": 100, "loss_first": 1.5, "loss_last": 0.5, "evaluations_without_improvement": 0,
                "evaluations": [{"step": 1, "spearman": 0.5, "pearson": None}], "best_step": 1,
                "settings": {"seed": 1, "files": [{"rows": 2}]}}
    tensors = safetensors(state)
    files = {"progress.json": dump(progress), "state.safetensors": tensors, "adapter_config.json": dump(PEFT),
             "adapter_model.safetensors": adapter}
    folder = "checkpoints/step-000002/"
    plain = {folder + name: data for name, data in files.items()}
    yield "plain", {**plain, folder + "lacos.json": manifest(files), "checkpoints/latest": b"step-000002\n",
                    "metrics.jsonl": b'{"step":1,"loss":1.5}\n{"step":2,"loss":0.5}\n{"st'}
    yield "best", {**plain, folder + "best/adapter_config.json": PEFT, folder + "best/adapter_model.safetensors": adapter}
    yield "small", {folder + "progress.json": progress, folder + "state.safetensors": tensors}
    yield "other", {folder + "progress.json": {**progress, "settings": {"seed": 2, "files": []}}, folder + "state.safetensors": tensors,
                    "checkpoints/step-000001/lacos.json": {"files": {"../x": {"bytes": 1, "sha256": ""}}}, "checkpoints/latest": b"../../x"}
    yield "metrics", {folder + "progress.json": b"{}", "metrics.jsonl": b'{"step":1}\n{"step":9}\n[]\n{"step":1}\n'}


RUN = {"lacos_version": "0.1.0", "command": "train", "arguments": ["--model", "m", "--train", "a.tsv", "b.tsv", "--batch-size=4", "--lr", "-1e-4",
       "--symmetric"], "working_directory": "..", "seed": 42, "build": {"compiler": "g++", "commit": None},
       "machine": {"cpu": "x", "features": ["avx2", "fma"], "cores": 2, "threads": 2}, "environment": {"OMP_NUM_THREADS": "2"},
       "inputs": [{"role": "train", "path": "a.tsv", "bytes": 3, "sha256": "ac"}, {"role": "base", "path": "w", "bytes": 9, "sha256": None}],
       "kernels": {"isa": "avx512", "kernels": ["k"]},
       "settings": {"total_steps": 9, "objective": "mnr", "seed": "42"},
       "data": {"train": [{"path": "a.tsv", "rows": 3, "examples": 2, "dropped": {"with two identical texts": 1}}], "texts_truncated": 0,
                "distinct_texts": 4, "distinct_tokens": 20, "dev": {"path": "d.tsv", "rows": 2, "pairs": 1}}}
STEP = {"step": 1, "epoch": 0.1, "loss": 1.5, "accuracy": 0.5, "learning_rate": 2e-4, "gradient_norm": 1.25, "clipped": True, "tokens": 100,
        "texts": 8, "truncated": 0, "tokens_per_second": 50.5, "seconds": 2, "rss_bytes": 10**8, "peak_rss_bytes": 2 * 10**8}


def lines(records):
    return b"".join(dump(record) + b"\n" for record in records)


def run_records():
    yield "plain", {"run.json": RUN, "metrics.jsonl": lines([STEP, {**STEP, "step": 2, "loss": 1.25, "seconds": 4},
                    {"step": 2, "dev_spearman": 50.5, "dev_pearson": None, "best": True}]), "lacos.json": {}}
    short = {"command": "train", "settings": {"total_steps": 3}, "arguments": []}
    yield "resumed", {"run.json": short, "metrics.jsonl": lines([STEP, {**STEP, "step": 2, "seconds": 1, "bad": {"vectors": 1}}]) + b'{"step'}
    many = [{"step": i, "loss": 1 / i} for i in range(1, 40)]
    yield "many", {"run.json": short, "metrics.jsonl": lines(many)}
    yield "toml", {"run.json": {**short, "settings": {}}, "flags.toml":
                   b'model = "m"\nbatch-size = 64\ntrain = ["a.tsv", "b.tsv"]\nsymmetric = true\nlr = 2e-4 # c\nmatryoshka = [32, 16]\n'}
    yield "sections", {"run.json": b"{}", "flags.toml": b"[train]\nmodel='x'\nno-normalize=true\n[[a.b]]\nc={d=1}\n"}
    yield "flags", {"run.json": {**short, "arguments": ["--no-normalize", "--symmetric=false", "--matryoshka", "32,16", "--", "x", "--train"]}}
    yield "other", {"run.json": {"command": "init", "arguments": [], "settings": {}}}


def run_record_regressions():
    short = {"settings": {"total_steps": 3}, "arguments": []}
    yield "step_huge", {"run.json": short, "metrics.jsonl": lines([{"step": 1e300, "dev_spearman": 1}, {"step": 1e300, "tokens": 1e300}])}
    yield "sums_huge", {"run.json": short, "metrics.jsonl": lines([{**STEP, "tokens": 1e300, "texts": 1e300, "truncated": -1e300}])}
    yield "rows_overflow", {"run.json": {**short, "data": {**RUN["data"], "dev": {"path": "d", "rows": 2**63 - 1, "pairs": -2**63}}}}
    yield "loss_nearly_constant", {"run.json": short, "metrics.jsonl": lines([{"step": 1, "loss": 1}, {"step": 2, "loss": 1 + 2**-52}])}


# --- caches ----------------------------------------------------------------------------------------------------------


def layer_entry(ids, state=b"12345678"):
    raw = b"lacosrow" + struct.pack("<Q", len(ids)) + bytes(128) + struct.pack(f"<{len(ids)}i", *ids) + state * len(ids)
    return raw + bytes(-len(raw) % 64)


def caches():
    """Tuples of a name, an options byte (see caches.cc) and the bytes."""
    entries = layer_entry([1]) + layer_entry([1, 2]) + layer_entry([7, 8, 9])
    yield "layers", 4, entries
    yield "layers_unsigned", 0, entries
    yield "layers_cut", 4, entries[:-100]
    yield "layers_gap", 4, layer_entry([1]) + bytes(192) + layer_entry([1, 2])
    yield "layers_twice", 4, layer_entry([1]) + layer_entry([1], b"abcdefgh")
    yield "layers_many_tokens", 4, b"lacosrow" + struct.pack("<Q", 2**62) + bytes(240)
    yield "layers_header", 2, b"lacos layers 1\n" + bytes(113)
    record = bytes(32) + struct.pack("<ff", 0.5, -1) + bytes(8)
    yield "vectors", 5, record + b"\1" + record[1:] + record[:30]
    yield "vectors_unsigned", 1, record
    yield "vectors_header", 3, b"lacos vectors 1\n2\n"


# --- training texts and sweeps ---------------------------------------------------------------------------------------


def training_texts():
    def file(*lists, counts=None):
        counts = counts or [len(values) for values in lists]
        return b"LACOSTX2" + struct.pack("<4Q", *counts) + b"".join(struct.pack(f"<{len(v)}Q", *v) for v in lists)

    yield "plain", file([1, 5, 2**64 - 1], [2, 3], [7], [])
    yield "none", file([], [], [], [])
    yield "unsorted", file([5, 1], [], [], [])
    yield "twice", file([1, 1], [], [], [])
    yield "cut", file([1, 5], [2], [7], [9])[:-3]
    yield "many", file([], [], [], [], counts=[2**61, 2**61, 2**61, 2**61 + 1])


def sweep_recipes():
    head = """[bases]\nnano = "base"\n[data]\nnli = "nli.tsv"\n[[evaluation.file]]\npath = "nli.tsv"\n"""
    study = """[[study]]\nname = "rank"\nvary = {lora_rank = [2, 8], loss = ["mnr", "softmax"]}\nwithin = 0.5\n"""
    yield "plain", "seeds = [1, 2, 3]\n" + head + study
    yield "product", head + """[settings]\nlearning_rate = 2e-3\nlora_target = ["dense"]\n[product]\nvary = {layers = [0, 1]}\n"""
    yield "suite", ("""title = "t"\n[bases]\na = "base"\nb = "base"\n[data]\nx = ["nli.tsv", "nli.tsv"]\n[evaluation]\nsuite = "sts-en"\n"""
                    """suite_folder = "base"\nresamples = 200\nscore = "s en"\n[[study]]\nname = "b"\nvary = {base = ["a", "b"]}\n"""
                    """fixed = {compute = "int8"}\nbaseline = {base = "b"}\n""")
    yield "huge", head + "[product.vary]\n" + "".join(
        f"{name} = [{', '.join(str(i) for i in range(1, 30))}]\n" for name in ("lora_rank", "max_steps", "batch_size", "max_length"))
    yield "quantization", head + """[[study]]\nname = "q"\nvary.quantization = ["none", "linear/row", "dynamic/256", "linear/0"]\n"""
    yield "names", head.replace("nano", "../x") + study
    yield "dates", head + "[[study]]\nname = 1979-05-27\nvary = {epochs = [nan, inf]}\n"


def sweep_recipe_regressions():
    yield "key_of_controls", "[bases]\nnano = \"base\"\n[[\1\0\0on.file]]\npath = \"nli.tsv\"\n"  # failed an assertion of toml++
    yield "letters_behind_a_quote", "seeds = [1, 2, 3z\"\u048eoml:1], 2]\n"  # failed it in the search for a value's end
    yield "letters_behind_a_backslash", 'title = """\\\ufeef"""\n'
    yield "letters_outside", "seeds = [1e\u048eoml:1], 2, 3]\n[quan]\n"  # has a character that toml++ considers impossible


def seeds():
    for name, data in training_texts():
        yield "training_texts", name, data
    for name, data in sweep_recipes():
        yield "sweep_recipe", name, data.encode()
    for name, choice, data in archives():
        yield "archive", name, bytes([choice]) + data
    for target, folders in (("test_sets", test_sets()), ("suite", suites()), ("evaluation", evaluations()), ("run_state", run_states()),
                            ("run_record", run_records())):
        for name, files in folders:
            yield target, name, join(files)
    for name, choice, data in caches():
        yield "caches", name, bytes([choice]) + data


def regressions():
    for name, files in evaluation_regressions():
        yield "evaluation", name, join(files)
    for name, files in run_record_regressions():
        yield "run_record", name, join(files)
    for name, data in sweep_recipe_regressions():
        yield "sweep_recipe", name, data.encode()
