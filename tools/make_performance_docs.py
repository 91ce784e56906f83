#!/usr/bin/env python3
"""Writes the tables of measurements in README.md, docs/performance.md and docs/serving.md from the newest files of bench/results.

    tools/make_performance_docs.py            writes the tables and docs/figures/scaling.svg
    tools/make_performance_docs.py --check    exit status 1 if a page or the figure differs from the files (CI)

A table stands between `<!-- table NAME: made by tools/make_performance_docs.py -->` and `<!-- end of table -->`.
"""

import argparse
import difflib
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import fits  # noqa: E402
import result_files  # noqa: E402
import scaling  # noqa: E402
import scaling_figure  # noqa: E402
from pages import item, sentences, table  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "docs" / "performance.md", ROOT / "docs" / "serving.md"]
FIGURE = ROOT / "docs" / "figures" / "scaling.svg"
BLOCK = re.compile(r"(<!-- table ([a-z0-9-]+): made by tools/make_performance_docs.py -->\n).*?(<!-- end of table -->)", re.S)
PEERS = {"bf16-autocast": "bf16 autocast", "bf16-weights": "bf16 weights", "int8-base-f32": "bitsandbytes int8 base, f32",
         "int8-base-bf16": "bitsandbytes int8 base, bf16"}
PARTS = {
    "products_forward": "frozen matmuls, forward", "products_backward": "frozen matmuls, backward",
    "attention_forward": "attention, forward", "attention_backward": "attention, backward", "lora": "LoRA's small matmuls",
    "normalisation": "LayerNorm", "elementwise": "other element-wise work", "embedding": "embedding rows",
    "vectors": "pooling, similarity, loss", "optimizer": "optimizer", "memory": "copying and zeroing",
    "batches": "putting batches together", "tokenizing": "tokenizing", "rest": "host code between ops",
}


def rate(value):
    return f"{value:,.0f}"


def gigabytes(value):
    return f"{value / 1e9:.2f} GB" if value < 5e9 else f"{value / 1e9:.1f} GB"


def source(entry):
    """The source of a table and the machine of its measurements."""
    on, names = entry["machine"], entry["machine"]["instruction_sets"]
    lacking = [title for title, flags in (("AVX-512", ["avx512f"]), ("8-bit dot products", ["avx512_vnni", "avx_vnni"]),
                                          ("bf16 products", ["avx512_bf16", "amx_bf16"])) if not set(flags) & set(names)]
    without = f"; without {', '.join(lacking)}" if lacking and "avx2" in names else ""
    return f"{entry['date']}, {on['cores']} cores of {on['cpu']} ({', '.join(names)}{without}), lacos {entry['lacos']}: `{entry['command']}`"


def described(entry):
    """What was measured where, and what a reader should know about it: sentences."""
    setting = entry["setting"][0].upper() + entry["setting"][1:] + "."
    return setting, source(entry) + ".", f"Note: {entry['note']}." if "note" in entry else ""


def single_text(r):
    bound = f" ({r['single_seconds'] / r['single_bound_seconds']:.1f} × its bound)" if "single_bound_seconds" in r else ""
    return f"{1e3 * r['single_seconds']:.0f} ms{bound}"


# Result files before 2026-11-29 lack most of these fields. A column that no result has is left out.
COLUMNS = {
    "pairs/s": lambda r: f"{r['pairs_per_second']:.2f}",
    "texts/s": lambda r: f"{r['texts_per_second']:.2f}",
    "real tokens/s": lambda r: rate(r["tokens_per_second"]),
    "computed tokens/s": lambda r: rate(r["computed_tokens_per_second"]),
    "peak memory": lambda r: gigabytes(r["peak_rss_bytes"]),
    "one short text": single_text,
    "lowest cosine": lambda r: f"{r['cosine']:.4f}",
}


def cell(column, r):
    try:
        return COLUMNS[column](r)
    except KeyError:
        return "-"


def peer_rows(entry):
    """Titles and results of lacos and its peers, the fastest first."""
    rows = []
    for mode, r in entry["figures"]["lacos"].items():
        share = r.get("bench", r).get("ceiling_share")
        ceiling = r.get("bench", r).get("ceiling", {}).get("gflops")
        note = f" ({100 * share:.0f} % of the machine's {ceiling:.0f} G/s)" if share and ceiling else ""
        rows.append((f"lacos, 8-bit base, `--compute {mode}`{note}", r))
    for name, r in entry["figures"]["peers"].items():
        setting = ", ".join(r.get("setting", "").split()).replace("=", " ")
        what = r.get("what", f"PyTorch + sentence-transformers, {PEERS.get(name, name)}")
        # Records of November 2026 have the other spelling.
        rows.append((what.replace("quantisation", "quantization") + (f" ({setting})" if setting else ""), r))
    return sorted(rows, key=lambda row: -row[1]["tokens_per_second"])


def peers(kind):
    entry = result_files.newest(kind)
    if entry is None:
        return ["Not measured yet."]
    rows = peer_rows(entry)
    columns = [column for column in COLUMNS if any(cell(column, r) != "-" for _, r in rows)]
    lines = [[title, *(cell(column, r) for column in columns)] for title, r in rows]
    return [entry["setting"][0].upper() + entry["setting"][1:] + ":", "", *table(["", *columns], lines), "",
            *sentences(*described(entry)[1:])]


def peers_summary():
    """The fastest result of lacos and of each peer, training and encoding, for README.md."""
    lines, sources = [], []
    for kind, verb, unit in (("peers-train", "training", "pairs/s"), ("peers-embed", "encoding", "texts/s")):
        entry = result_files.newest(kind)
        if entry is None:
            continue
        fastest = {}
        for title, r in peer_rows(entry):
            fastest.setdefault(title.split()[0].rstrip(","), (title, r))
        lines += [[verb, title, cell(unit, r), cell("real tokens/s", r), cell("computed tokens/s", r), cell("peak memory", r)]
                  for title, r in fastest.values()]
        sources += item(f"{verb}: {entry['setting']}.", source(entry) + ".")
    return [*table(["", "fastest configuration", "pairs/s or texts/s", "real tokens/s", "computed tokens/s", "peak memory"], lines), "", *sources]


def ceilings(entry):
    """G/s and GB/s of the machine: the larger of the run's own measurement and the one right after it."""
    own, after = entry["figures"]["ceiling"], entry["machine"]
    mode = entry["name"].rsplit("-", 1)[1]
    return (max(own["gflops"], after["ceilings"].get(mode) or 0), max(own["gbytes_per_second"], after["gbytes_per_second"] or 0))


def breakdown(kind):
    """A table of the parts of the newest run of each name of this kind, side by side."""
    names = sorted({p["name"] for p in entries(kind)}, key=lambda n: ("int8" not in n, n))
    found = [result_files.newest(kind, name) for name in names]
    if not found:
        return ["Not measured yet."]
    shares = [{p["part"]: p["share"] for p in e["figures"]["breakdown"]["parts"]} for e in found]
    tops = [ceilings(e) for e in found]
    modes = [name.rsplit("-", 1)[1] for name in names]
    rows = [[PARTS[part], *(f"{100 * s.get(part, 0):.1f} %" for s in shares)] for part in PARTS if any(part in s for s in shares)]
    rows.append(["sum", *(f"{100 * sum(s.values()):.1f} %" for s in shares)])
    rows.append(["tokens a second", *(rate(e["figures"]["tokens_per_second"]) for e in found)])
    rows.append(["share of the ceiling, whole", *(f"{100 * e['figures']['ceiling_share'] * e['figures']['ceiling']['gflops'] / top:.0f} % of {top:.0f} G/s" for e, (top, _) in zip(found, tops))])
    lines = table(["share of the time", *(f"`--compute {m}`" for m in modes)], rows)
    lines += ["", "Frozen matmuls by matrix:", ""]
    keys = list(dict.fromkeys((p["out"], p["in"], p["direction"]) for e in found for p in e["figures"]["breakdown"]["products"]))
    by_key = [{(p["out"], p["in"], p["direction"]): p for p in e["figures"]["breakdown"]["products"]} for e in found]
    cell = lambda p, top: f"{p['gflops']:.0f} G/s ({100 * p['gflops'] / top[0]:.0f} %)" if p else "-"
    lines += table(["matrix [out, in]", "direction", *(f"`--compute {m}`, of the ceiling" for m in modes)],
                   [[f"{out} × {inside}", direction, *(cell(b.get((out, inside, direction)), top) for b, top in zip(by_key, tops))] for out, inside, direction in keys])
    lines += ["", "Effective bandwidth of the ops that move memory: each input and output counted once, divided by the op's time.", ""]
    moving = ("LayerNorm", "LayerNormBackward", "ScaleShift", "Add", "Fill")
    rows = []
    for verb in moving:
        cells = []
        for e, (_, read) in zip(found, tops):
            v = [v for v in e["figures"]["breakdown"]["verbs"] if v["verb"] == verb]
            seconds, size = sum(x["seconds"] for x in v), sum(x["bytes"] for x in v)
            cells.append(f"{size / seconds / 1e9:.1f} GB/s ({100 * size / seconds / 1e9 / read:.0f} % of a read's {read:.1f})" if seconds > 1e-3 else "-")
        if any(c != "-" for c in cells):
            rows.append([verb, *cells])
    lines += table(["op", *(f"`--compute {m}`" for m in modes)], rows) if rows else []
    return lines + ["", *(line for m, e in zip(modes, found) for line in item(f"{m}: {e['setting']}.", source(e) + "."))]


def entries(kind):
    names = {p.name for p in result_files.RESULTS.glob("*.json")}
    found = [result_files.newest(kind, name) for name in {result_files.read(result_files.RESULTS / n)["name"] for n in names}]
    return [entry for entry in found if entry]


def scaling_entry():
    return result_files.newest("scaling")


def scaling_table():
    entry = scaling_entry()
    if entry is None:
        return ["Not measured yet."]
    rows = []
    for f in scaling.fit_all(entry["figures"]["points"]):
        time, memory = f["time"], f["memory"]
        rows.append([f["axis"], f"{f['what']}, {f['compute']}", f"{f['growth']:.0f} ×", f"{f['cost_ratio']:.2f}",
                     f"{100 * time['intercept_share']:.1f} %", f"{100 * time['leading_share']:.1f} %" if len(time["coefficients"]) > 2 else "-",
                     f"{time['r2']:.4f}", f"{100 * time['departure']:.0f} %",
                     scaling.memory_formula(f["axis"], memory["coefficients"]),
                     f"{memory['r2']:.4f}", f"{100 * memory['departure']:.0f} %"])
    header = ["axis", "", "size grows", "cost ratio", "fixed", "square", "r²", "departs", "peak memory", "r²", "departs"]
    return table(header, rows) + ["", *sentences(*described(entry))]


def times(figures):
    return f"{figures['p50_ms']:,.0f}, {figures['p99_ms']:,.0f} ms"


def server_table(kind, header, row):
    """A row for each server in the files of a kind: what `row` makes of its name, its figures and its loads by their factor."""
    found = sorted(entries(kind), key=lambda entry: entry["name"])
    if not found:
        return ["Not measured yet."]
    several = len({entry["machine"]["cpu"] for entry in found}) > 1
    rows = [row(f"{name} on {entry['machine']['cpu']}" if several else name, f, {at["factor"]: at for at in f["loads"]})
            for entry in found for name, f in entry["figures"].items()]
    return table(header, rows) + ["", *(line for e in found for line in item(*described(e)))]


def serving_sizes():
    """What a machine serves, by base and length of texts."""
    def row(name, f, loads):
        return [name, f"{f['tokens_per_text']:.0f}", rate(statistics.median(f["texts_per_second"])),
                *(times(where) if where else "-" for where in (f.get("one_text"), loads.get(0.5), loads.get(1.0))), gigabytes(f["peak_bytes"])]

    header = ["", "tokens a text", "texts/s", "one text, idle: p50, p99", "half load", "full load", "peak memory"]
    return server_table("serve-sizes", header, row)


def serving_loads():
    """What servers do that get the same load."""
    def row(name, f, loads):
        return [name, *("; ".join(what(at) for at in loads.values()) for what in (
            lambda at: f"{at['planned_per_second']:,.1f}", lambda at: f"{at['goodput_per_second']:,.1f}",
            lambda at: f"{100 * at['refused'] / at['requests']:.0f} %", times)), gigabytes(f["peak_bytes"]), f"{f['others_cores']:.2f}"]

    header = ["", "requests/s", "answered within 10 s, a second", "refused at once", "p50, p99 of the answers", "peak memory", "cores used by others"]
    return server_table("serve-load", header, row)


def serving():
    """What the server does over HTTP: a row for each base and mode."""
    def row(name, f, loads):
        half, double = loads.get(0.5), loads.get(2.0)
        return [name, rate(statistics.median(f["texts_per_second"])), f"{100 * f['share_of_embed']:.0f} %" if "share_of_embed" in f else "-",
                times(f["one_text"]) if "one_text" in f else "-", times(half) if half else "-",
                f"{100 * double['share_of_capacity']:.0f} %, {100 * double['busy']:.0f} %" if double else "-",
                f"{times(double)} (sent {double['late_p99_ms']:,.0f} ms late)" if double else "-", gigabytes(f["peak_bytes"]),
                ", ".join(f"{peer} {ratio:.1f}" for peer, ratio in f["times"].items()) or "-", f"{f['others_cores']:.2f}"]

    header = ["", "texts/s", "of `bench embed`", "one text, idle: p50, p99", "half load: p50, p99", "twice the capacity: answered, computing", "p50, p99",
              "peak memory", "times the texts/s of", "cores used by others"]
    return server_table("serve", header, row)


BLOCKS = {
    "peers-train": lambda: peers("peers-train"),
    "peers-embed": lambda: peers("peers-embed"),
    "peers-embed-fastest": lambda: peers("peers-embed-fastest"),
    "peers-summary": peers_summary,
    "breakdown-train": lambda: breakdown("breakdown-train"),
    "breakdown-embed": lambda: breakdown("breakdown-embed"),
    "scaling": scaling_table,
    "serve": serving,
    "serve-sizes": serving_sizes,
    "serve-load": serving_loads,
}


def page(text, where):
    def replace(match):
        if match[2] not in BLOCKS:
            sys.exit(f"{where}: no table is named '{match[2]}'; expected one of {', '.join(BLOCKS)}")
        return match[1] + "\n".join(BLOCKS[match[2]]()) + "\n" + match[3]
    if text.count("made by tools/make_performance_docs.py -->") != len(BLOCK.findall(text)):
        sys.exit(f"{where}: a table has no '<!-- end of table -->'")
    return BLOCK.sub(replace, text)


def figure():
    entry = scaling_entry()
    points = entry["figures"]["points"]
    return scaling_figure.draw(scaling.series(points), scaling.fit_all(points), scaling.size_of)


def self_test():
    """Checks that fits find known values, since otherwise every table would be in doubt."""
    xs = [1, 2, 4, 8, 16]
    found = fits.fit(xs, [3 + 5 * x + 0.25 * x * x for x in xs], 2)
    assert max(abs(a - b) for a, b in zip(found["coefficients"], (3, 5, 0.25))) < 1e-9 and found["r2"] > 1 - 1e-12
    assert fits.fit(xs, [x ** 2 for x in xs], 1)["departure"] > 0.1, "a line through squares must show its departure"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    self_test()
    wanted = {path: page(path.read_text(encoding="utf-8"), path.name) for path in PAGES}
    if scaling_entry() is not None:
        wanted[FIGURE] = figure()
    different = 0
    for path, text in wanted.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present == text:
            continue
        different += 1
        if options.check:
            name = str(path.relative_to(ROOT))
            sys.stdout.writelines(difflib.unified_diff(present.splitlines(True), text.splitlines(True), name, "bench/results"))
            print(f"{name} differs from bench/results: run tools/make_performance_docs.py")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if options.check and different else 0


if __name__ == "__main__":
    sys.exit(main())
