#!/usr/bin/env python3
"""Checks all includes against the levels of folders in docs/architecture.md; CI runs it.

    tools/check_layers.py [ROOT]         prints every violation as "file:line: message"; exit status 1 if there is one
    tools/check_layers.py --folders      prints the folders of src/lacos from low to high, for CMake
    tools/check_layers.py --write-table  writes the table of folders in docs/architecture.md
    tools/check_layers.py --self-test    proves with made-up files that each rule finds what it forbids
"""

import argparse
import pathlib
import re
import sys
import tempfile

# The folders of src/lacos from low to high. This is their only list, which CMake and docs/architecture.md use.
# A file includes its own folder or lower levels; folders of one level are siblings and do not include each other.
FOLDERS = [
    # (level, folder, contents, outside libraries that it may use)
    (0, "base", "errors, checks, words of enumerations, random numbers, SHA-256, memory and time of the process, "
                "parallel loops", "OpenSSL (hash.cc)"),
    (1, "tensor", "element types, shapes, `TensorView` (non-owning), `Buffer`, `Arena`, 16-bit conversions", ""),
    (2, "quant", "`QuantizedMatrix` (a view of stored codes), linear and dynamic 8-bit codes, `EmbeddingSource`", ""),
    (3, "kernels", "`backend.h`: the interface with all ops; beside it what all backends share (Adam, sums of gradients). "
                   "`reference/`: the ops as templates, written for reading. `cpu/`: the fast ops, by kind: `linear/` and "
                   "`int8/` matmuls, `attention/`, `rows/` for everything that works row by row or element by element "
                   "(LayerNorm, GELU, embedding, pooling, losses). `cuda/`: the ops for NVIDIA's GPUs, in the same kinds, and "
                   "`emulator/`, which runs their kernels on the host for tests",
     "oneDNN, Highway (only in `cpu/`), CUDA, Boost.Context (only in `cuda/`)"),
    (4, "io", "file formats by themselves, whatever they are used for: JSON, paths, mapped files, archives, safetensors, PyTorch's .bin, GGUF (writing), atomic files and "
              "folders, manifests, compressed lines, .npy; the options of functions that write (`output.h`)",
     "nlohmann-json, zlib, zstd, libarchive (only in .cc files; libarchive in archive.cc)"),
    (4, "text", "tokenizer.json to ids: added tokens, split patterns, byte-level BPE; stripping and truncation",
     "Oniguruma (only regex.cc)"),
    (5, "report", "HTML pages: shell and style, tables, facts, quantities with units, line and point charts as inline SVG; no script", ""),
    (5, "nn", "one linear layer with LoRA, one BLOOM block: forward and backward side by side", ""),
    (5, "formats", "the files of model folders, and what their names and keys mean: config.json, weight files, adapters "
                   "(PEFT), sentence-transformers settings, side files, model cards, licences", ""),
    (6, "record", "run.json: inputs, settings, kernels and machine of an output; reading it back, and what differs in a "
                  "repeated run", ""),
    (7, "convert", "makes one model folder from another: quantize, prune (keeps the lowest blocks), init, merge, GGUF, "
                   "adapter; `output/` writes their weight files", ""),
    (7, "model", "the running model: blocks, encoder, streaming, layer cache, texts to vectors", ""),
    (7, "data", "tables, columns and examples, batches without duplicates, evaluation suites; `prepare/` makes suites "
                "from public archives", "utf8proc (only overlap_form.cc)"),
    (7, "search", "vectors in files and memory, exact nearest neighbours and pairs, clusters, vectors in fewer bits; it does not know texts", ""),
    (8, "runtime", "the one thread of a process that computes for all callers", ""),
    (9, "eval", "`measures/` score vectors, `tasks/` say which texts are scored and how, `results/` have averages, intervals "
                "and pages",
     "liblinear (only measures/classification.cc)"),
    (10, "train", "settings, optimizer, gradient strategies, memory plan, the loop; `losses/`; `run/`: the output folder, "
                 "checkpoints and logs", ""),
    (11, "sweep", "a recipe, its cells, the run of one cell, the runs that are missing, statistics over seeds and items, the "
                 "report page",
     "toml++ (only recipe.cc)"),
    (11, "serve", "the embedding server: `protocol/` reads requests and writes replies, `schedule/` says what is computed next, "
                  "`metrics/` counts, `service` puts them together; none of them knows sockets, which `http/` has",
     "Boost.Beast (only in `http/request_parser.cc`), Boost.Asio (only in `http/connection*` and `http/server.cc`), zlib (only in `http/content_coding.cc`)"),
    (12, "capi", "the functions of `include/lacos.h`: they turn exceptions into statuses; liblacos.so", ""),
    (13, "api", "the classes and functions of `include/lacos/`: models, vectors and evaluation through `capi`, the rest "
                "through the library; a part of liblacos.so", ""),
]
LEVELS = {folder: level for level, folder, _, _ in FOLDERS}
# Siblings that may be included nevertheless: tokenizer.json is read with io.
SIDEWAYS = {("text", "io")}
# Folders above kernels that do not compute and must not name a backend.
NO_BACKEND = {"io", "text", "report", "formats", "convert", "data", "runtime"}
# Folders with an order of their parts, from low to high. Files directly in such a folder may include all of its parts.
PARTS = {"eval": ["measures", "tasks", "results"]}

# Headers of outside libraries, and the only places (path prefixes, with a suffix after '*') that may include them.
EXTERNAL = [
    (r"CLI/|CLI11", ["apps/", "fuzz/run_record.cc"], "CLI11 is for apps only (and for fuzzing what they read with it)"),
    (r"spdlog/", ["apps/"], "spdlog is for apps only: the library never prints"),
    (r"nlohmann/", ["src/lacos/io/*.cc"], "JSON goes through io/json.h: only io's .cc files include nlohmann"),
    (r"archive", ["src/lacos/io/archive.cc", "tests/unit/io/", "tests/unit/data/"],
     "archives go through io/archive.h: only io/archive.cc includes libarchive"),
    (r"toml\+\+|toml\.hpp", ["src/lacos/sweep/recipe.cc"], "only sweep/recipe.cc includes toml++"),
    (r"onig", ["src/lacos/text/regex.cc"], "only text/regex.cc includes Oniguruma"),
    (r"utf8proc", ["src/lacos/data/overlap_form.cc"], "only data/overlap_form.cc includes utf8proc"),
    (r"linear\.h", ["src/lacos/eval/measures/classification.cc"],
     "only eval/measures/classification.cc includes liblinear"),
    (r"hwy/", ["src/lacos/kernels/cpu/", "tests/unit/kernels/", "bench/"], "only kernels/cpu includes Highway"),
    (r"oneapi/|dnnl", ["src/lacos/kernels/cpu/", "tests/unit/kernels/", "bench/"], "only kernels/cpu includes oneDNN"),
    (r"cuda|cublas|nccl", ["src/lacos/kernels/cuda/", "src/lacos/train/comm/"], "only kernels/cuda includes CUDA"),
    (r"mpi\.h", ["src/lacos/train/comm/"], "only train/comm includes MPI"),
    (r"boost/context/", ["src/lacos/kernels/cuda/emulator/"], "only kernels/cuda/emulator includes Boost.Context"),
    (r"boost/beast/", ["src/lacos/serve/http/request_parser.cc"],
     "only serve/http/request_parser.cc includes Boost.Beast"),
    (r"boost/(?!context/|beast/)", ["src/lacos/serve/http/connection", "src/lacos/serve/http/server.cc"],
     "only the connections and server.cc in serve/http include Boost"),
    (r"gtest/|gmock/", ["tests/"], "GoogleTest is for tests only"),
    (r"benchmark/", ["bench/"], "Google Benchmark is for bench only"),
]

# Calls that are forbidden in the library (src/lacos).
FORBIDDEN_IN_LIBRARY = [
    (r"\bstd::(cout|cerr|clog)\b|#\s*include\s*<iostream>", "the library never prints"),
    (r"(?<![\w.>])(?:std::)?f?printf\s*\(|(?<![\w.>])(?:std::)?puts\s*\(|\bfputs\s*\(|\bfmt::print\s*\(",
     "the library never prints"),
    (r"\b(?:secure_)?getenv\s*\(|\bsetenv\s*\(|\benviron\b", "the library never reads the environment"),
    (r"(?<![\w.>:])(?:std::)?(?:_?exit|quick_exit|_Exit|abort)\s*\(", "the library never ends the program"),
]
# Exceptions: base/check.cc reports our own bugs and aborts; base/parallel.cc reads OMP_NUM_THREADS as OpenMP does;
# record/caller.cc writes variables into run.json and follows none of them.
EXCEPTIONS = {
    "src/lacos/base/check.cc": {"the library never prints", "the library never ends the program"},
    "src/lacos/base/parallel.cc": {"the library never reads the environment"},
    "src/lacos/record/caller.cc": {"the library never reads the environment"},
}

# The dialect of kernels hides nvcc. Atomic operations are in it for integers only: sums of floats must not depend on the order of
# threads.
DIALECT = "src/lacos/kernels/cuda/device.h"
ONLY_IN_DIALECT = [
    (r"__CUDACC__|__CUDA_ARCH__", "only kernels/cuda/device.h asks which compiler reads a kernel"),
    (r"\batomic(Add|Sub|Exch|CAS|Min|Max|Inc|Dec)\w*\s*\(", "atomic operations of CUDA are in kernels/cuda/device.h, for integers only"),
    (r"#\s*if.*LACOS_CUDA", "nothing depends on LACOS_CUDA but CMake's files: builds without CUDA link no_cuda.cc"),
]

# Atomic operations within the dialect, and those of PTX anywhere: none is on floats.
FLOAT_ATOMICS = [
    (r"\batomic(Add|Sub|Exch|CAS|Min|Max|Inc|Dec)\w*\s*\((?!reinterpret_cast<unsigned long long\*>)",
     "atomic operations are on integers only, as results must not depend on the order of threads"),
    (r"\b(atom|red)\.[\w.]*\b(b?f16|b?f16x2|f32|f64)\b", "atomic operations of PTX are on integers only"),
]

# A file with kernels begins with a comment that says what a reader needs to judge their speed.
KERNEL_HEAD = {"its grid": r"\bGrid\b", "what it saves": r"\b[Ss]aves?\b", "its bytes": r"\b[Bb]ytes?\b", "its FLOP": r"\bFLOP\b",
               "the share of a ceiling that it reached": r"\b[Ss]hare\b"}
MOST_CUDA_LINES = 500

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".c", ".cc", ".cu", ".cuh", ".inc"}


def without_comments(text):
    """The source with spaces in place of comments and string literals; line breaks are kept."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def allowed(path, places):
    for place in places:
        prefix, _, suffix = place.partition("*")
        if path.startswith(prefix) and path.endswith(suffix):
            return True
    return False


def out_of_order(order, own, header):
    """Whether a file includes a later part of its own folder; files directly in the folder count as the last part."""
    place = lambda part: order.index(part) if part in order else len(order)
    return place(header[2]) > place(own[3])


def check_include(path, header, quoted):
    """Messages about one include in the file at `path` (relative to the root, with slashes)."""
    parts = path.split("/")
    if parts[0] == "include":
        if header != "lacos.h" and "." in header and not re.fullmatch(r"lacos/\w+\.h|std\w+\.h", header):
            yield f"includes {header}: public headers include the standard library and each other only"
        return
    if re.fullmatch(r"lacos/\w+\.h", header):
        if parts[:2] == ["src", "lacos"] and parts[2] != "api":
            yield f"includes {header}: the C++ interface is for api only"
        return
    in_library = parts[:2] == ["src", "lacos"]
    if header.startswith("lacos/"):
        target = header.split("/")[1]
        if target not in LEVELS:
            yield f"includes {header}; there is no folder '{target}' in the levels"
            return
        if not in_library:
            return  # apps, tests and bench may include every folder
        own = parts[2]
        if own not in LEVELS:
            yield f"lies in '{own}', which has no level"
        elif LEVELS[target] > LEVELS[own]:
            yield f"includes {header}: '{own}' is below '{target}'"
        elif target != own and LEVELS[target] == LEVELS[own] and (own, target) not in SIDEWAYS:
            yield f"includes {header}: '{own}' and '{target}' are siblings"
        elif target == "kernels" and own in NO_BACKEND:
            yield f"includes {header}: '{own}' knows no backend"
        elif target == own and own in PARTS and out_of_order(PARTS[own], parts, header.split("/")):
            yield f"includes {header}: the parts of '{own}' are, low to high, {', '.join(PARTS[own])}"
        elif target == "kernels" and own != "kernels" and len(header.split("/")) > 3:
            yield f"includes {header}: outside kernels only kernels/*.h are seen"
        return
    if in_library and quoted and not header.startswith("lacos/"):
        if header == "lacos.h":
            if parts[2] not in ("capi", "api"):
                yield f"includes {header}: the C interface is for capi and api only"
        elif not any(re.match(pattern, header, re.I) for pattern, _, _ in EXTERNAL):
            yield f'includes "{header}": the library names its headers from src, "lacos/..."'
    for pattern, places, message in EXTERNAL:
        if re.match(pattern, header, re.I) and not allowed(path, places):
            yield f"includes {header}: {message}"


def check_file(root, path):
    text = (root / path).read_text(encoding="utf-8")
    included = set()
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            if match.group(2) in included:
                yield f"{path}:{number}: includes {match.group(2)} a second time"
            included.add(match.group(2))
            for message in check_include(path, match.group(2), match.group(1) == '"'):
                yield f"{path}:{number}: {message}"
    if path != DIALECT:
        for number, line in enumerate(without_comments(text).split("\n"), 1):
            for pattern, message in ONLY_IN_DIALECT:
                if re.search(pattern, line):
                    yield f"{path}:{number}: {message}"
    if path.startswith("src/lacos/kernels/cuda/"):
        for number, line in enumerate(text.split("\n"), 1):  # with strings, which hold PTX
            for pattern, message in FLOAT_ATOMICS:
                if re.search(pattern, line):
                    yield f"{path}:{number}: {message}"
        if text.count("\n") > MOST_CUDA_LINES:
            yield f"{path}:1: has more than {MOST_CUDA_LINES} lines; divide it by topic"
        if path.endswith(".cu") and re.search(r"GPU_KERNEL|Launch", text):
            head = re.match(r"(//[^\n]*\n)*", text).group(0)
            for what, pattern in KERNEL_HEAD.items():
                if not re.search(pattern, head):
                    yield f"{path}:1: the comment at the head of kernels does not say {what}"
    if not path.startswith("src/lacos/"):
        return
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        for pattern, message in FORBIDDEN_IN_LIBRARY:
            match = re.search(pattern, line)
            if match and message not in EXCEPTIONS.get(path, ()):
                yield f"{path}:{number}: found '{match.group(0).strip()}': {message}"


def check_tree(root):
    problems = []
    count = 0
    for top in ("include", "src", "apps", "tests", "bench", "fuzz", "examples"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in SOURCES and file.is_file():
                count += 1
                problems += check_file(root, file.relative_to(root).as_posix())
    return count, problems


# (path, contents, whether a violation is expected). Each rule has a case that violates it and one that does not.
SELF_TEST = [
    ("src/lacos/base/a.cc", '#include "lacos/tensor/dtype.h"', True),
    ("src/lacos/tensor/a.cc", '#include "lacos/base/check.h"', False),
    ("src/lacos/tensor/a.h", '#include "lacos/tensor/dtype.h"', False),
    ("src/lacos/io/a.cc", '#include "lacos/text/tokenizer.h"', True),
    ("src/lacos/text/a.cc", '#include "lacos/io/json.h"', False),
    ("src/lacos/data/a.cc", '#include "lacos/model/sentence_encoder.h"', True),
    ("src/lacos/model/a.cc", '#include "lacos/data/rows.h"', True),
    ("src/lacos/nn/a.cc", '#include "lacos/io/json.h"', False),
    ("src/lacos/nn/a.cc", '#include "lacos/kernels/cpu/linear.h"', True),
    ("src/lacos/kernels/cpu/a.cc", '#include "lacos/kernels/cpu/linear.h"', False),
    ("src/lacos/eval/a.cc", '#include "lacos/train/trainer.h"', True),
    ("src/lacos/train/a.cc", '#include "lacos/eval/sts.h"', False),
    ("src/lacos/train/a.cc", '  #  include   "lacos/serve/http.h"', True),
    ("src/lacos/capi/a.cc", '#include "lacos/model/sentence_encoder.h"', False),
    ("src/lacos/train/a.cc", '#include "lacos.h"', True),
    ("tests/capi/a.c", '#include <lacos.h>', False),
    ("src/lacos/api/a.cc", '#include "lacos.h"', False),
    ("src/lacos/api/a.cc", '#include "lacos/trainer.h"', False),
    ("src/lacos/api/a.cc", '#include "lacos/train/trainer.h"', False),
    ("src/lacos/capi/a.cc", '#include "lacos/trainer.h"', True),
    ("tests/api/a.cc", '#include <lacos/trainer.h>', False),
    ("include/lacos/a.h", '#include <lacos/search.h>', False),
    ("include/lacos/a.h", "#include <vector>", False),
    ("include/lacos/a.h", '#include "lacos/train/trainer.h"', True),
    ("include/lacos/a.h", "#include <fmt/format.h>", True),
    ("src/lacos/capi/a.c", 'void f(void) { exit(1); }', True),
    ("src/lacos/model/a.cc", '#include "lacos/unknown/x.h"', True),
    ("src/lacos/extra/a.cc", '#include "lacos/base/check.h"', True),
    ("src/lacos/model/a.cc", '#include "encoder.h"', True),
    ("src/lacos/model/a.cc", "#include <CLI/CLI.hpp>", True),
    ("apps/lacos/a.cc", "#include <CLI/CLI.hpp>", False),
    ("src/lacos/train/a.cc", "#include <spdlog/spdlog.h>", True),
    ("apps/lacos/a.cc", "#include <spdlog/spdlog.h>", False),
    ("apps/lacos/a.cc", "#include <nlohmann/json.hpp>", True),
    ("src/lacos/io/json.h", "#include <nlohmann/json.hpp>", True),
    ("src/lacos/io/json.cc", "#include <nlohmann/json.hpp>", False),
    ("src/lacos/io/archive.cc", "#include <archive_entry.h>", False),
    ("src/lacos/io/manifest.cc", "#include <archive.h>", True),
    ("src/lacos/data/prepare/xquad.cc", "#include <archive.h>", True),
    ("src/lacos/sweep/grid.cc", "#include <toml++/toml.h>", True),
    ("src/lacos/sweep/recipe.cc", "#include <toml++/toml.h>", False),
    ("src/lacos/train/a.cc", '#include "lacos/sweep/recipe.h"', True),
    ("src/lacos/sweep/a.cc", '#include "lacos/train/trainer.h"', False),
    ("src/lacos/text/split.cc", "#include <oniguruma.h>", True),
    ("src/lacos/model/a.cc", "#include <oniguruma.h>", True),
    ("src/lacos/text/regex.cc", "#include <oniguruma.h>", False),
    ("src/lacos/data/examples.cc", "#include <utf8proc.h>", True),
    ("src/lacos/data/overlap_form.cc", "#include <utf8proc.h>", False),
    ("src/lacos/nn/a.cc", "#include <hwy/highway.h>", True),
    ("src/lacos/kernels/cpu/a-inl.h", '#include "hwy/highway.h"', False),
    ("src/lacos/kernels/a.cc", "#include <oneapi/dnnl/dnnl.hpp>", True),
    ("src/lacos/kernels/cpu/a.cc", "#include <oneapi/dnnl/dnnl.hpp>", False),
    ("src/lacos/kernels/cpu/a.cc", "#include <cuda_runtime.h>", True),
    ("src/lacos/serve/service.cc", "#include <boost/beast/http.hpp>", True),
    ("src/lacos/serve/http/head.cc", "#include <boost/beast/http.hpp>", True),
    ("src/lacos/serve/http/request_parser.cc", "#include <boost/beast/http.hpp>", False),
    ("src/lacos/serve/http/a.cc", '#include "lacos/sweep/grid.h"', True),
    ("src/lacos/kernels/cuda/cuda_runtime.cc", "#include <cuda_runtime_api.h>", False),
    ("src/lacos/kernels/cuda/emulator/a.cc", "#include <boost/context/fiber.hpp>", False),
    ("src/lacos/kernels/cuda/a.cc", "#include <boost/context/fiber.hpp>", True),
    ("src/lacos/kernels/cuda/device.h", "#if defined(__CUDACC__)\n#endif", False),
    ("src/lacos/kernels/cuda/a.cu", "#if defined(__CUDACC__)\n#endif", True),
    ("src/lacos/kernels/cuda/a.cu", "void f(float* x) { atomicAdd(x, 1.0f); }", True),
    ("src/lacos/kernels/cuda/a.cu", "void f(int64_t* x) { gpu::AtomicAdd(x, 1); }", False),
    ("src/lacos/kernels/cuda/device.h", "void f(float* x) { atomicAdd(x, 1.0f); }", True),
    ("src/lacos/kernels/cuda/device.h", "void f(int64_t* x) { atomicAdd(reinterpret_cast<unsigned long long*>(x), 1ull); }", False),
    ("src/lacos/kernels/cuda/a.cu", 'void f() { asm("red.global.add.f32 [%0], %1;"); }', True),
    ("src/lacos/kernels/cuda/a.cu", 'void f() { asm("atom.add.noftz.bf16x2 %0, [%1], %2;"); }', True),
    ("src/lacos/kernels/cuda/a.cu", 'void f() { asm("red.global.add.u64 [%0], %1;"); }', False),
    ("src/lacos/kernels/cuda/a.cu", "// Adds. Grid: a thread a value. Saves nothing. Bytes: 12. FLOP: 1. Share: not measured yet.\nGPU_KERNEL Add() {}", False),
    ("src/lacos/kernels/cuda/a.cu", "// Adds. Grid: a thread a value. Saves nothing. Bytes: 12. FLOP: 1.\nGPU_KERNEL Add() {}", True),
    ("src/lacos/kernels/cuda/a.h", "\n" * 499, False),
    ("src/lacos/kernels/cuda/a.h", "\n" * 500, True),
    ("apps/lacos/a.cc", "#ifdef LACOS_CUDA_BUILT\n#endif", True),
    ("src/lacos/train/a.cc", "#include <mpi.h>", True),
    ("src/lacos/train/comm/a.cc", "#include <mpi.h>", False),
    ("src/lacos/io/a.cc", "#include <gtest/gtest.h>", True),
    ("src/lacos/io/a.cc", "void f() { std::cout << 1; }", True),
    ("apps/lacos/a.cc", "#include <charconv>\n\n#include <charconv>", True),
    ("apps/lacos/a.cc", "#include <charconv>\n#include <cmath>", False),
    ("src/lacos/io/a.cc", "void f() { std::printf(\"x\"); }", True),
    ("src/lacos/io/a.cc", "void f() { fprintf(stderr, \"x\"); }", True),
    ("src/lacos/io/a.cc", "void f() { snprintf(b, 4, \"x\"); }", False),
    ("src/lacos/io/a.cc", "// printf(\"x\") would print\nconst char* k = \"exit(1)\";", False),
    ("src/lacos/io/a.cc", "int x = 1'000; void f() { getenv(\"HOME\"); }", True),
    ("src/lacos/io/a.cc", "void f() { std::exit(1); }", True),
    ("src/lacos/io/a.cc", "void f() { _exit(1); }", True),
    ("src/lacos/io/a.cc", "void f() { scope.exit(); ::lacos::OnExit(); }", False),
    ("src/lacos/base/check.cc", "void f() { std::fprintf(stderr, \"x\"); std::abort(); }", False),
    ("src/lacos/base/other.cc", "void f() { std::abort(); }", True),
    ("src/lacos/base/parallel.cc", "void f() { std::getenv(\"OMP_NUM_THREADS\"); }", False),
    ("src/lacos/base/parallel.cc", "void f() { std::abort(); }", True),
    ("apps/lacos/a.cc", "void f() { std::exit(1); }", False),
]


MARKS = ("<!-- folders: made by tools/check_layers.py --write-table -->\n", "<!-- end of folders -->\n")


def with_table(page):
    """The page with a new table of folders between its marks."""
    rows = ["| level | folder | what it contains | outside libraries |", "|---|---|---|---|"]
    rows += [f"| {level} | `{folder}/` | {holds} | {outside} |" for level, folder, holds, outside in FOLDERS]
    rows.append(f"| {FOLDERS[-1][0] + 1} | `apps/lacos/` | the program: `commands/` has one file a subcommand, `flags/` what is read from the command "
                "line and stdin, `terminal/` what is printed, signals and child processes "
                "| CLI11, spdlog |")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    return before + MARKS[0] + "\n".join(rows) + "\n" + MARKS[1] + after


def check_table(root):
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    if with_table(page) != page:
        yield "docs/architecture.md: the table of folders is not that of tools/check_layers.py; run it with --write-table"


def self_test():
    failures = 0
    for path, contents, is_violation in SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text(contents + "\n", encoding="utf-8")
            count, problems = check_tree(root)
            if count != 1 or bool(problems) != is_violation:
                failures += 1
                print(f"self-test: {path}: {contents!r}: expected {'a' if is_violation else 'no'} violation, "
                      f"found {problems}")
    print(f"self-test: {len(SELF_TEST) - failures} of {len(SELF_TEST)} cases as expected")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--folders", action="store_true")
    parser.add_argument("--write-table", action="store_true")
    arguments = parser.parse_args()
    if arguments.folders:
        print(";".join(folder for _, folder, _, _ in FOLDERS), end="")
        return 0
    if arguments.write_table:
        page = arguments.root / "docs/architecture.md"
        page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if arguments.self_test:
        return self_test()
    count, problems = check_tree(arguments.root)
    problems += check_table(arguments.root)
    if count == 0:
        print(f"{arguments.root}: no source file found")
        return 1
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
