#!/usr/bin/env python3
"""Opens reports in headless Chromium and checks the pages that a reader would see.

    tools/test_pages.py KIND=REPORT... [--pictures DIR]    prints a line for each problem; exit status 1 if there is one

KIND says what the page must contain: run (of `lacos train`), evaluation, comparison or evaluations.
"""

import argparse
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

# Sections and charts by kind. "wide" means that the curve spans at least half of its plot.
PAGES = {
    "run": (["result", "curves", "settings", "data", "machine"],
            {name: "wide" for name in ["loss", "dev", "accuracy", "learning_rate", "gradient_norm", "throughput", "memory"]}),
    "evaluation": (["averages", "task-sts", "languages", "overlap", "scatter", "worst", "system"],
                   {"scatter-0": "wide", "scatter-1": "wide"}),
    "comparison": (["differences", "system-a", "system-b"], {}),
    "evaluations": (["systems", "costs", "averages", "sets", "languages", "differences", "system-0", "system-1"],
                    {"parameters-0": "named", "memory-0": "named", "time-0": "named"}),
}
WIDTHS = {"desktop": 1280, "tablet": 768, "phone": 390, "small phone": 360}

# Finds texts that overlap or lie outside their chart, by chart.
COLLISIONS = """() => [...document.querySelectorAll('figure.chart')].flatMap(figure => {
  const outer = figure.getBoundingClientRect();
  const kinds = ['.xt', '.yt', '.name em'];
  return kinds.flatMap(kind => {
    const same = [...figure.querySelectorAll(kind)].map(e => [e.textContent, e.getBoundingClientRect()]);
    const problems = same.filter(([, r]) => r.left < outer.left - 0.5 || r.right > outer.right + 0.5)
      .map(([t]) => `${figure.id}: the label '${t}' leaves its chart`);
    same.forEach(([t, a], i) => same.slice(i + 1).forEach(([u, b]) => {
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        problems.push(`${figure.id}: the labels '${t}' and '${u}' overlap`);
    }));
    return problems;
  });
})"""


def check_chart(page, name: str, kind: str) -> list[str]:
    if page.locator(f"figure#{name}").count() != 1:
        return [f"there is no chart {name}"]
    size = page.evaluate("""name => { const b = document.querySelector(`figure#${name} svg path.curve`)?.getBoundingClientRect();
                                      return b ? [b.width, b.height] : null }""", name)
    plot = page.locator(f"figure#{name} svg").bounding_box()
    problems = []
    if size is None or plot["height"] < 100 or (kind == "wide" and size[0] < 0.5 * plot["width"]):
        problems.append(f"chart {name}: curve {size} in {plot}")
    if kind == "named" and (page.locator(f"figure#{name} .name").count() < 2 or page.locator(f"figure#{name} path.bars").count() < 1):
        problems.append(f"chart {name}: no names or no error bars")
    return problems


def check(page, kind: str, url: str) -> list[str]:
    problems, requests = [], []
    page.on("console", lambda message: problems.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    outside = [request for request in requests if request != url and not request.startswith("data:")]
    if len(requests) < 1 or outside:
        problems.append(f"requests: {requests}")
    width = page.evaluate("document.documentElement.scrollWidth")
    window = page.evaluate("window.innerWidth")
    if width > window:
        problems.append(f"the page is {width} wide in a window of {window}")
    sections, charts = PAGES[kind]
    for name in sections:
        found = page.locator(f"section#{name}")
        box = found.bounding_box() if found.count() == 1 else None
        if box is None or box["height"] < 30 or box["width"] < 200:
            problems.append(f"section {name} is {box}")
    for name, wanted in charts.items():
        problems += check_chart(page, name, wanted)
    if kind == "run":
        rows = page.locator("section#result tbody th").all_inner_texts()
        if rows != ["first", "best", "last"]:
            problems.append(f"the table of dev scores has the rows {rows}")
        if "<b>&" not in page.locator("h1").inner_text():
            problems.append(f"the title is {page.locator('h1').inner_text()!r}")
    elif "<b>&" not in page.locator(".lead").inner_text():
        problems.append(f"the line below the title is {page.locator('.lead').inner_text()!r}")
    return problems + page.evaluate(COLLISIONS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", metavar="KIND=REPORT")
    parser.add_argument("--pictures", help="folder for a picture of each view")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("test_pages.py: no chromium; run tools/install_deps.sh --pages", file=sys.stderr)
        return 1
    problems, views = [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for report in options.reports:
            kind, path = report.split("=", 1)
            backgrounds = {}
            for scheme in ("light", "dark"):
                for name, width in WIDTHS.items():
                    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    page = context.new_page()
                    found = check(page, kind, pathlib.Path(path).resolve().as_uri())
                    problems += [f"{kind}, {name}, {scheme}: {problem}" for problem in found]
                    backgrounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
                    views += 1
                    if options.pictures:
                        pathlib.Path(options.pictures).mkdir(parents=True, exist_ok=True)
                        page.screenshot(path=f"{options.pictures}/{kind}-{name.replace(' ', '-')}-{scheme}.png", full_page=True)
                    context.close()
            if backgrounds["light"] == backgrounds["dark"]:
                problems.append(f"{kind}: light and dark have the same background {backgrounds['light']}")
        browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(options.reports)} pages in {views} views: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
