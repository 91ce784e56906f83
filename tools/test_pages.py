#!/usr/bin/env python3
"""Opens reports in headless Chromium and checks what a reader would see, at five widths, light and dark, and in print.

    tools/test_pages.py KIND=REPORT... [--pictures DIR] [--faults]

KIND says what the page must contain (see PAGES). Prints a line for each problem; exit status 1 if there is one.
With --faults, faults are put into the pages one after the other (see FAULTS), and each must be found.
"""

import argparse
import pathlib
import re
import shutil
import sys

from playwright.sync_api import sync_playwright

# Sections and charts by kind. "wide" means that the curve spans at least half of its plot, "named" that points have names.
PAGES = {
    "run": (["result", "curves", "settings", "data", "machine"],
            {name: "wide" for name in ["loss", "dev", "accuracy", "learning_rate", "gradient_norm", "throughput", "memory"]}),
    "evaluation": (["averages", "task-sts", "languages", "overlap", "scatter", "worst", "system"],
                   {"scatter-0": "wide", "scatter-1": "wide"}),
    "files": (["task-sts", "scatter", "worst", "system"], {"scatter-0": "wide", "scatter-1": "wide"}),
    "comparison": (["differences", "systems"], {}),
    "evaluations": (["systems", "costs", "averages", "sets", "languages", "differences", "details"],
                    {"parameters-0": "named", "memory-0": "named", "time-0": "named"}),
    "sweep": (["study-section-0", "pareto", "cells", "settings", "machine"],
              {"study-0": "named", "differences-0": "named", "pareto-2": "plain"}),
}
WIDTHS = [360, 500, 768, 1100, 1280]
PAPER = 718  # px of a page of A4 between its margins

# Every check is a function of the page that returns its problems. They share these helpers.
HELPERS = r"""
const all = (query, root = document) => [...root.querySelectorAll(query)];
const shown = element => element.checkVisibility() && element.getClientRects().length > 0;
const start = element => (element.textContent || '').trim().slice(0, 40);
// The lines that a part of a text node stands on.
const lines = (node, from, to) => {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  return [...range.getClientRects()].filter(r => r.width > 0.5)
    .filter((r, i, rects) => rects.slice(0, i).every(o => Math.abs(o.top - r.top) > 0.6 * r.height)).length;
};
// Headings of columns that only screen readers get.
const heard = node => (node.parentElement.closest('thead')?.getBoundingClientRect().width ?? 2) <= 1;
const texts = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), nodes = [];
  for (let node; (node = walker.nextNode());)
    if (node.data.trim() && !node.parentElement.closest('title, .more') && shown(node.parentElement) && !heard(node)) nodes.push(node);
  return nodes;
};
"""

CHECKS = {
    # Words of scripts that have spaces stay whole. Longer ones are paths or hashes, which have places to break.
    "words": r"""() => texts().flatMap(node => [...node.data.matchAll(/[\p{L}\p{N}\p{M}]{2,24}/gu)]
        .filter(m => !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(m[0]))
        .filter(m => lines(node, m.index, m.index + m[0].length) > 1)
        .map(m => `the word '${m[0]}' is broken`))""",
    "numbers": r"""() => [
        ...texts().flatMap(node => [...node.data.matchAll(/[-+]?\d[\d.,]*\d/g)]
          .filter(m => m[0].length <= 24 && !node.parentElement.closest('.facts'))
          .filter(m => lines(node, m.index, m.index + m[0].length) > 1)
          .map(m => `the number '${m[0]}' is broken`)),
        ...texts().filter(node => node.parentElement.closest('td.n') && lines(node, 0, node.length) > 1)
          .map(node => `the number cell '${node.data}' wraps`)]""",
    "ticks": r"""() => all('figure.chart').filter(f => f.querySelector('svg')).flatMap(figure => ['.xt', '.yt'].flatMap(kind => {
        const labels = all(kind, figure).filter(shown).map(e => e.textContent.trim()).filter(Boolean);
        return labels.length < 2 || new Set(labels).size < labels.length
          ? [`${figure.id}: the axis ${kind} has the ticks [${labels}]`] : [];
      }))""",
    "units": r"""() => all('figure.chart').flatMap(figure => {
        const titles = all('.xtitle, .ytitle', figure).map(e => e.textContent).join(' ');
        const labels = all('.xt', figure).map(e => e.textContent);
        const unit = /memory|base and adapter$|resident|bytes/.test(titles) ? /[kMGT]?B$/ : /\btime\b/.test(titles) ? /m?s$/ : null;
        const axis = /resident/.test(titles) ? all('.yt', figure).map(e => e.textContent) : labels;
        return unit && axis.some(t => t !== '0' && !unit.test(t)) ? [`${figure.id}: ticks without units: ${axis}`] : [];
      })""",
    # Labels of one kind that overlap or leave their chart.
    "labels": r"""() => all('figure.chart').flatMap(figure => {
        const outer = figure.getBoundingClientRect();
        return ['.xt', '.yt', '.name em'].flatMap(kind => {
          const same = all(kind, figure).map(e => [e.textContent, e.getBoundingClientRect()]);
          const problems = same.filter(([, r]) => r.left < outer.left - 0.5 || r.right > outer.right + 0.5)
            .map(([t]) => `${figure.id}: the label '${t}' leaves its chart`);
          same.forEach(([t, a], i) => same.slice(i + 1).forEach(([u, b]) => {
            if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
              problems.push(`${figure.id}: the labels '${t}' and '${u}' overlap`);
          }));
          return problems;
        });
      })""",
    "titles": r"""() => all('figure.chart').filter(f => f.querySelector('svg')).flatMap(figure => {
        const titled = e => /\d/.test(e.querySelector('title')?.textContent || '');
        const dots = all('.dots path', figure), strips = all('.hover rect', figure);
        const problems = [];
        if (!dots.every(titled) || !strips.every(titled)) problems.push(`${figure.id}: a point has no value on hover`);
        if (dots.length + strips.length === 0) problems.push(`${figure.id}: no values on hover`);
        if (figure.querySelector('path.line') && strips.length === 0) problems.push(`${figure.id}: a line has no values on hover`);
        return problems;
      })""",
    "names": r"""() => [
        ...all('h1, h2, h3, dt, .lead, thead th, .group th, tbody th.name-cell').filter(shown).filter(e => !e.closest('.facts'))
          .filter(e => /(^|\s)\/?[^\s\/]+\/[^\s]*\/|^\//.test(e.textContent)).map(e => `a whole path as a name: ${start(e)}`),
        ...all('.short').filter(e => !e.title || e.title === e.textContent).map(e => `no longer form on hover: ${start(e)}`)]""",
    "legends": r"""() => all('figure.chart').flatMap(figure => all('.legend i', figure).flatMap(mark => {
        const colour = [...mark.classList].find(c => /^c\d$/.test(c));
        if (!colour || mark.classList.contains('faint')) return [];
        const line = Boolean(figure.querySelector(`path.line.${colour}:not(.faint)`)), dots = Boolean(figure.querySelector(`.dots.${colour}:not(.lone)`));
        const has = pseudo => getComputedStyle(mark, pseudo).content !== 'none';
        return line === has('::before') && dots === has('::after') ? []
          : [`${figure.id}: the legend of '${start(mark.parentElement)}' shows another mark than the plot`];
      }))""",
    "groups": r"""() => all('table').flatMap(table => all('tbody', table).flatMap(body => {
        const names = all('th[scope=row]', body).map(e => e.textContent);
        return names.filter((name, i) => i > 0 && name === names[i - 1]).map(name => `the name '${name}' in more than one row`);
      }))""",
    "overflow": r"""() => {
        const wide = document.documentElement.scrollWidth, problems = [];
        if (wide > innerWidth) problems.push(`the page is ${wide} wide in a window of ${innerWidth}`);
        texts().forEach(node => {
          if (node.parentElement.closest('.scroll, .plot')) return;
          const range = document.createRange();
          range.selectNodeContents(node);
          if ([...range.getClientRects()].some(r => r.right > innerWidth + 0.5 || r.left < -0.5))
            problems.push(`the text '${node.data.slice(0, 40)}' leaves the page`);
        });
        return problems;
      }""",
    # What scrolls says so, and nothing else does; tables of up to nine columns do not scroll on wide pages.
    "scrolling": r"""() => all('*').filter(shown).flatMap(box => {
        const scrolls = box.scrollWidth > box.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(box).overflowX);
        const hint = box.classList.contains('scroll') ? box.querySelector('.more') : null;
        const hinted = hint !== null && hint.getBoundingClientRect().height > 12;
        const columns = all('thead th', box).length;
        if (!scrolls) return hinted ? [`a hint although nothing scrolls: ${start(box)}`] : [];
        const problems = [];
        if (!hinted || hint.getBoundingClientRect().left > innerWidth) problems.push(`no hint that this scrolls: ${start(box)}`);
        if (!/gradient/.test(getComputedStyle(box).backgroundImage)) problems.push(`no shadow where this scrolls: ${start(box)}`);
        if (!/[Ss]crolls/.test(box.getAttribute('aria-label') || '')) problems.push(`no label that this scrolls: ${start(box)}`);
        if (innerWidth >= 1100 && columns <= 9) problems.push(`a table of ${columns} columns scrolls: ${start(box)}`);
        return problems;
      })""",
    "shares": r"""() => innerWidth < 700 ? [] : all('table.stack').filter(shown).flatMap(table => {
        const widths = all('thead th.t', table).map(e => e.getBoundingClientRect().width);
        return Math.max(...widths) > 1.5 * Math.min(...widths) ? [`texts do not share the width: ${widths.map(Math.round)} in ${start(table)}`] : [];
      })""",
    "space": r"""() => {
        const blocks = all('h1, h2, p, .scroll, .charts, .figures, summary').filter(shown).filter(e => !e.closest('.scroll') || e.matches('.scroll'))
          .map(e => [start(e), e.getBoundingClientRect()]).filter(([, r]) => r.height > 0);
        const problems = blocks.filter(([, r], i) => i > 0 && r.top - Math.max(...blocks.slice(0, i).map(([, b]) => b.bottom)) > 90)
          .map(([t]) => `empty space above '${t}'`);
        all('.charts').forEach(charts => {
          const rows = all('.chart', charts).map(e => e.getBoundingClientRect()), outer = charts.getBoundingClientRect();
          if (rows.length && rows[rows.length - 1].right < outer.right - 2) problems.push('empty space beside the last chart');
        });
        return problems;
      }""",
    "contrast": r"""() => {
        const parse = text => {
          const numbers = (text.match(/-?[\d.]+(e-?\d+)?/g) || []).map(Number), scale = text.startsWith('color(') ? 255 : 1;
          return [...numbers.slice(0, 3).map(v => v * scale), numbers.length > 3 ? numbers[3] : 1];
        };
        const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
        const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = element => {
          if (!element) return [255, 255, 255];
          const colour = parse(getComputedStyle(element).backgroundColor);
          return colour[3] === 1 ? colour : over(colour, behind(element.parentElement));
        };
        const found = new Map();
        texts().forEach(node => {
          const element = node.parentElement, background = behind(element);
          const [a, b] = [light(over(parse(getComputedStyle(element).color), background)), light(background)];
          const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (contrast < 4.5) found.set(`${element.className}|${element.parentElement.className}`, `contrast ${contrast.toFixed(2)}: '${node.data.slice(0, 30)}'`);
        });
        return [...found.values()];
      }""",
}

# Faults that pages had or might have: what puts each into a page, where, and the check that must find it.
STYLE = "text => document.head.insertAdjacentHTML('beforeend', `<style>${text}</style>`)"
FAULTS = [
    ("words break", "files", 1100, "words", STYLE, ".t{width:1px!important;min-width:0;word-break:break-all}"),
    ("words break in paragraphs", "evaluation", 360, "words", STYLE, "p{word-break:break-all}"),
    ("numbers wrap", "files", 1100, "numbers", STYLE, "td.n{display:block;white-space:normal;word-break:break-all;width:45px}"),
    ("intervals wrap", "evaluation", 1100, "numbers", STYLE, "td.n{display:block;white-space:normal;width:90px}"),
    ("one tick", "evaluations", 1100, "ticks", "() => all('.xt:not(:last-of-type)').forEach(e => e.remove())", None),
    ("no ticks", "sweep", 500, "ticks", "() => all('.yt').forEach(e => e.textContent = '')", None),
    ("equal ticks", "run", 768, "ticks", "() => all('.yt').forEach(e => e.textContent = '7k')", None),
    ("10M for bytes", "evaluations", 1100, "units", "() => all('.xt').forEach(e => e.textContent = e.textContent.replace(/ ?MB/, 'M'))", None),
    ("seconds without a unit", "sweep", 1100, "units", "() => all('.xt').forEach(e => e.textContent = e.textContent.replace(/ m?s$/, ''))", None),
    ("labels collide", "run", 360, "labels", "() => all('.xt').forEach(e => e.textContent = '1,000,000,000')", None),
    ("points without values", "files", 1100, "titles", "() => all('.dots title').forEach(e => e.remove())", None),
    ("lines without values", "run", 1100, "titles", "() => all('.hover').forEach(e => e.remove())", None),
    ("whole paths", "files", 1100, "names", "() => all('.short').forEach(e => e.textContent = e.title)", None),
    ("paths out of reach", "files", 1100, "names", "() => all('.short').forEach(e => e.removeAttribute('title'))", None),
    ("a scatter's legend is a line", "evaluations", 1100, "legends", "() => all('.legend .dot').forEach(e => e.className = 'dash c1')", None),
    ("a name in each row", "files", 1100, "groups", "() => all('#worst tbody th[scope=row]').forEach(e => e.textContent = 'a set')", None),
    ("the page overflows", "comparison", 500, "overflow", STYLE, "main{width:700px}"),
    ("a heading overflows", "run", 360, "overflow", STYLE, "h1{white-space:nowrap;padding-left:300px}main{overflow:hidden}"),
    ("no hint", "evaluations", 360, "scrolling", STYLE, ".more{display:none!important}"),
    ("no shadow", "evaluations", 500, "scrolling", STYLE, ".scroll{background:none}"),
    ("no label", "evaluations", 500, "scrolling", "() => all('.scroll').forEach(e => e.removeAttribute('aria-label'))", None),
    ("a hint without need", "run", 1280, "scrolling", STYLE, ".more{max-height:3em!important;animation:none;padding:5px}"),
    ("something else scrolls", "run", 360, "scrolling", STYLE, "figcaption{overflow:auto;width:60px;white-space:nowrap}"),
    ("the systems table scrolls", "evaluations", 1100, "scrolling", STYLE, "th,td{padding:7px 50px;white-space:nowrap!important}"),
    ("texts are squeezed", "files", 1100, "shares", STYLE, ".stack .t:nth-child(2){width:1px!important;min-width:0}"),
    ("empty space", "run", 1100, "space", STYLE, "section{margin-top:300px}"),
    ("a chart leaves half a row", "run", 1100, "space", STYLE, ".chart{flex-grow:0}"),
    ("pale texts", "evaluation", 1100, "contrast", STYLE, ":root{--soft:#aaa!important}"),
    ("dark colours", "evaluation", 1100, "contrast", STYLE, ".shade{--strength:2!important}"),
]


def run_check(page, name: str) -> list[str]:
    return page.evaluate("(() => {" + HELPERS + "return (" + CHECKS[name] + ")()})()")


def resize(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    # Scroll-driven animations follow a frame later.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def check_chart(page, name: str, kind: str) -> list[str]:
    if page.locator(f"figure#{name}").count() != 1:
        return [f"there is no chart {name}"]
    if page.locator(f"figure#{name} svg").count() != 1:
        return [f"chart {name} is empty"]
    curve = page.evaluate("""name => { const b = document.querySelector(`figure#${name} svg .curve`)?.getBoundingClientRect();
                                       return b ? [b.width, b.height] : null }""", name)
    plot = page.locator(f"figure#{name} svg").bounding_box()
    problems = []
    if curve is None or plot["height"] < 100 or plot["width"] < 200 or (kind == "wide" and curve[0] < 0.5 * plot["width"]):
        problems.append(f"chart {name}: curve {curve} in {plot}")
    if kind == "named" and (page.locator(f"figure#{name} .name").count() < 2 or page.locator(f"figure#{name} path.bars").count() < 1):
        problems.append(f"chart {name}: no names or no error bars")
    return problems


def check_contents(page, kind: str) -> list[str]:
    problems = []
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
    if kind in ("run", "comparison", "evaluations"):
        title = page.locator("header").inner_text()
        if "<b>&" not in title:
            problems.append(f"the title is {title!r}")
    if kind == "files":
        worst = page.locator("section#worst").inner_text()
        for text in ("<script>alert(1)</script>", "これは長い文です", "هذه جملة", "\ufffdcod.exe"):
            if text not in worst:
                problems.append(f"'Pairs to read' lacks {text!r}")
    return problems


def check_print(page) -> list[str]:
    page.emulate_media(media="print")
    resize(page, PAPER)
    problems = [f"in print: {problem}" for name in ("words", "numbers", "overflow", "contrast") for problem in run_check(page, name)]
    problems += page.evaluate("""() => [...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().width > innerWidth + 1
        && t.querySelectorAll('thead th').length <= 9)
        .map(t => `in print: a table is ${Math.round(t.getBoundingClientRect().width)} px wide: ${t.textContent.slice(0, 40)}`)""")
    page.emulate_media(media="screen")
    return problems


def open_page(browser, url: str, scheme: str):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    seen = {"messages": [], "requests": []}
    page.on("console", lambda message: seen["messages"].append(f"console: {message.text}"))
    page.on("pageerror", lambda error: seen["messages"].append(f"error: {error}"))
    page.on("dialog", lambda dialog: (seen["messages"].append("a script ran"), dialog.dismiss()))
    page.on("request", lambda request: seen["requests"].append(request.url))
    page.goto(url)
    return context, page, seen


def check_views(browser, kind: str, url: str, pictures: pathlib.Path | None) -> tuple[list[str], int]:
    problems, backgrounds, views = [], {}, 0
    for scheme in ("light", "dark"):
        context, page, seen = open_page(browser, url, scheme)
        for width in WIDTHS:
            resize(page, width)
            # Colours do not depend on the width, and the layout does not depend on the colours.
            names = [n for n in CHECKS if n != "contrast"] if scheme == "light" else []
            names += ["contrast"] if width == 1100 else []
            found = [problem for name in names for problem in run_check(page, name)]
            found += check_contents(page, kind) if scheme == "light" else []
            problems += [f"{kind}, {width} px, {scheme}: {problem}" for problem in found]
            views += 1
            if pictures:
                page.screenshot(path=str(pictures / f"{kind}-{width}-{scheme}.png"), full_page=True)
        # Folded parts are opened once, at a phone's and a desktop's width.
        if scheme == "light" and page.locator("details").count():
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            for width in (360, 1280):
                resize(page, width)
                found = [p for name in ("words", "numbers", "overflow", "scrolling") for p in run_check(page, name)]
                problems += [f"{kind}, {width} px, unfolded: {problem}" for problem in found]
        backgrounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        problems += [f"{kind}, {scheme}: {problem}" for problem in check_print(page) + seen["messages"]]
        outside = [request for request in seen["requests"] if request != url and not request.startswith("data:")]
        if not seen["requests"] or outside:
            problems.append(f"{kind}: requests: {seen['requests']}")
        context.close()
    if backgrounds["light"] == backgrounds["dark"]:
        problems.append(f"{kind}: light and dark have the same background {backgrounds['light']}")
    return problems, views


def check_faults(browser, urls: dict[str, str]) -> list[str]:
    problems = []
    for title, kind, width, check, change, argument in FAULTS:
        if kind not in urls:
            continue
        context, page, _ = open_page(browser, urls[kind], "light")
        resize(page, width)
        if before := run_check(page, check):
            problems.append(f"fault '{title}': the check '{check}' fails without it: {before[0]}")
        page.evaluate("argument => {" + HELPERS + "(" + change + ")(argument)}", argument)
        if not run_check(page, check):
            problems.append(f"fault '{title}': the check '{check}' does not find it")
        context.close()
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", metavar="KIND=REPORT")
    parser.add_argument("--pictures", help="folder for a picture of each view")
    parser.add_argument("--faults", action="store_true", help="also put faults into the pages, which the checks must find")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("test_pages.py: no chromium; run tools/install_deps.sh --pages", file=sys.stderr)
        return 1
    pictures = pathlib.Path(options.pictures) if options.pictures else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    urls = {}
    for report in options.reports:
        kind, path = report.split("=", 1)
        urls[kind] = pathlib.Path(path).resolve().as_uri()
    problems, views = [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind, url in urls.items():
            found, seen = check_views(browser, kind, url, pictures)
            problems += found
            views += seen
        if options.faults:
            problems += check_faults(browser, urls)
        browser.close()
    for problem in problems:
        print(re.sub(r"[\x00-\x1f]", " ", problem))
    faults = f", {len(FAULTS)} faults put in" if options.faults else ""
    print(f"{len(urls)} pages in {views} views{faults}: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
