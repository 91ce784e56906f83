#!/usr/bin/env python3
"""Opens report.html of a run in headless Chromium and checks what a reader would see.

    tools/test_pages.py REPORT [--pictures DIR]    exit status 1 and a line for each problem
"""

import argparse
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

SECTIONS = ["result", "curves", "settings", "data", "machine"]
CHARTS = ["loss", "dev", "accuracy", "learning_rate", "gradient_norm", "throughput", "memory"]
WIDTHS = {"desktop": 1280, "tablet": 768, "phone": 390, "small phone": 360}

# Texts that stand over each other or beyond their chart, by chart.
COLLISIONS = """() => [...document.querySelectorAll('figure.chart')].flatMap(figure => {
  const outer = figure.getBoundingClientRect();
  const spans = [...figure.querySelectorAll('.xt, .yt')].map(e => [e.textContent, e.className, e.getBoundingClientRect()]);
  const problems = spans.filter(([, , r]) => r.left < outer.left - 0.5 || r.right > outer.right + 0.5)
    .map(([t]) => `${figure.id}: the label '${t}' leaves its chart`);
  for (const kind of ['xt', 'yt']) {
    const same = spans.filter(([, c]) => c === kind).map(([t, , r]) => [t, r]);
    same.forEach(([t, a], i) => same.slice(i + 1).forEach(([u, b]) => {
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        problems.push(`${figure.id}: the labels '${t}' and '${u}' overlap`);
    }));
  }
  return problems;
})"""


def check(page, url: str, where: str) -> list[str]:
    problems, requests = [], []
    page.on("console", lambda message: problems.append(f"{where}: console: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"{where}: error: {error}"))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    outside = [request for request in requests if request != url and not request.startswith("data:")]
    if len(requests) < 1 or outside:
        problems.append(f"{where}: requests: {requests}")
    width = page.evaluate("document.documentElement.scrollWidth")
    window = page.evaluate("window.innerWidth")
    if width > window:
        problems.append(f"{where}: the page is {width} wide in a window of {window}")
    for name in SECTIONS:
        box = page.locator(f"section#{name}").bounding_box()
        if box is None or box["height"] < 30 or box["width"] < 200:
            problems.append(f"{where}: section {name} is {box}")
    for name in CHARTS:
        if page.locator(f"figure#{name}").count() != 1:
            problems.append(f"{where}: there is no chart {name}")
            continue
        size = page.evaluate("""name => { const b = document.querySelector(`figure#${name} svg path.curve`)?.getBoundingClientRect();
                                          return b ? [b.width, b.height] : null }""", name)
        plot = page.locator(f"figure#{name} svg").bounding_box()
        if size is None or size[0] < 0.5 * plot["width"] or plot["height"] < 100:
            problems.append(f"{where}: chart {name}: curve {size} in {plot}")
    rows = page.locator("section#result tbody th").all_inner_texts()
    if rows != ["first", "best", "last"]:
        problems.append(f"{where}: the table of dev scores has the rows {rows}")
    if "<b>&" not in page.locator("h1").inner_text():
        problems.append(f"{where}: the title is {page.locator('h1').inner_text()!r}")
    return problems + [f"{where}: {problem}" for problem in page.evaluate(COLLISIONS)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--pictures", help="folder for a picture of each view")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("test_pages.py: no chromium; run tools/install_deps.sh --pages", file=sys.stderr)
        return 1
    problems, backgrounds = [], {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for name, width in WIDTHS.items():
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page = context.new_page()
                problems += check(page, options.report.resolve().as_uri(), f"{name}, {scheme}")
                backgrounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
                if options.pictures:
                    pathlib.Path(options.pictures).mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=f"{options.pictures}/{name.replace(' ', '-')}-{scheme}.png", full_page=True)
                context.close()
        browser.close()
    if backgrounds["light"] == backgrounds["dark"]:
        problems.append(f"light and dark have the same background {backgrounds['light']}")
    for problem in problems:
        print(problem)
    print(f"report.html in {2 * len(WIDTHS)} views: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
