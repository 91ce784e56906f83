// The style of all pages. Nothing in it needs a script or a second file.
#pragma once

namespace lacos {

// The colours also differ in lightness, so that people who do not see colour can tell them apart.
// Texts have a contrast of 4.5 or more, and lines and dots 3 or more, in both schemes
// (tools/test_pages.py measures the texts).
//
// A box that scrolls has shadows at the edges beyond which there is more: backgrounds that move with
// the contents cover them at both ends. Where the browser knows scroll-driven animations, a line of
// text is shown as well; its animation runs only where there is something to scroll.
inline constexpr char kPageStyle[] = R"(
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1d2329;--soft:#59636c;--line:#e3e6e8;--accent:#1f6f8b;--strength:.55;
--shadow:rgba(20,30,40,.28);--c1:#1f6f8b;--c2:#c2571a;--c3:#5b7f2b;--c4:#8a4f9e;--c5:#977514;--event:#b3261e}
@media (prefers-color-scheme:dark){:root{--bg:#14181b;--card:#1b2024;--ink:#e4e8ea;--soft:#9aa5ad;--line:#2d353a;--accent:#6bbfd8;--strength:.38;
--shadow:rgba(150,180,195,.4);--c1:#6bbfd8;--c2:#f0985c;--c3:#a5cd6b;--c4:#cf9be0;--c5:#dcbd5c;--event:#f2857d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:break-word}
main{max-width:1120px;margin:0 auto;padding:28px 20px 56px}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 2px;font-weight:650}
h2{font-size:1.1rem;margin:36px 0 12px;font-weight:650}
h3{font-size:.95rem;margin:0;font-weight:600;min-width:0}
h1,h2,h3,p,th,td,dt,dd,li,summary,figcaption{unicode-bidi:plaintext}
p{margin:0 0 12px;max-width:56rem}
.lead,.note{color:var(--soft)}
.note{font-size:.82rem;margin:8px 0 0}
.short{cursor:help}
.figures{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 0;padding:0}
.figures div{flex:1 1 155px;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px;min-width:0}
.figures dt{color:var(--soft);font-size:.8rem}
.figures dd{margin:0;font-size:1.1rem;font-weight:600;font-variant-numeric:tabular-nums}
.scroll+*,.charts+*{margin-top:14px}
.scroll{overflow-x:auto;width:fit-content;max-width:100%;border:1px solid var(--line);border-radius:8px;
background:linear-gradient(to right,var(--card) 40%,transparent) left/40px 100% no-repeat local,
linear-gradient(to left,var(--card) 40%,transparent) right/40px 100% no-repeat local,
linear-gradient(to right,var(--shadow),transparent) left/14px 100% no-repeat scroll,
linear-gradient(to left,var(--shadow),transparent) right/14px 100% no-repeat scroll,var(--card)}
.scroll.wide{width:auto}
.scroll:focus-visible{outline:2px solid var(--accent)}
.more{display:none;position:sticky;left:0;width:max-content;max-width:100%;margin:0;padding:0 14px;max-height:0;overflow:hidden;font-size:.8rem;color:var(--soft)}
@supports (animation-timeline:scroll(nearest inline)){
.more{display:block;animation-name:more;animation-timing-function:linear;animation-fill-mode:both;animation-timeline:scroll(nearest inline)}
@keyframes more{from,to{max-height:3em;padding:5px 14px 6px}}}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.wide table{width:100%}
th,td{padding:7px 14px;border-top:1px solid var(--line);vertical-align:top;text-align:start}
.n,.w,.name-cell{white-space:nowrap}
.n{text-align:right;unicode-bidi:isolate}
.long{white-space:normal;min-width:15em}
.t{min-width:12em}
.texts1 .t{width:100%}.texts2 .t{width:50%}.texts3 .t{width:33.3%}.texts4 .t{width:25%}
.facts th{white-space:normal;width:26%}
.facts .t{min-width:8em}
thead th,thead .n,thead .w,thead .name-cell{color:var(--soft);font-weight:500;font-size:.9em;white-space:normal;vertical-align:bottom}
thead .long{min-width:9em}
thead span{display:inline-block;max-width:14em}
thead .short{display:inline}
thead tr:first-child>*,table>tbody:first-child>tr:first-child>*{border-top:0}
tbody th{font-weight:500}
.facts tbody th{color:var(--soft);font-weight:400}
.group th{font-weight:600;font-size:.9em;color:var(--soft);padding-top:12px;padding-bottom:3px;white-space:normal}
.group+tr>*{border-top:0}
.in>th:first-child{padding-inline-start:28px}
td small{display:block;font-size:.85em;color:var(--soft);font-weight:400}
.shade{background:color-mix(in srgb,var(--accent) calc(var(--s)*var(--strength)),transparent)}
tr.strong>*{font-weight:700}
@media (max-width:640px){
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack,.stack tbody,.stack tr,.stack th,.stack td{display:block;width:auto!important;min-width:0;text-align:start}
.stack tr{padding:8px 14px;border-top:1px solid var(--line)}
.stack>tbody:first-of-type>tr:first-child,.stack .group+tr{border-top:0}
.stack th,.stack td,.stack .in>th:first-child{border:0;padding:2px 0;white-space:normal}
.stack td::before{content:attr(data-label) ": ";color:var(--soft);font-size:.9em}
.stack .n,.stack .w{display:inline-block;white-space:nowrap;margin-inline-end:16px}
.facts th,.facts td{padding:7px 10px}
}
.charts{display:flex;flex-wrap:wrap;gap:16px}
.chart{flex:1 1 330px;margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 24px 12px 14px;min-width:0}
.chart .note{max-width:none}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;margin:0 0 6px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;margin:0;padding:0;font-size:.8rem;color:var(--soft)}
.legend i{display:inline-block;position:relative;width:14px;height:8px;vertical-align:baseline;margin-right:5px}
.legend .dash::before,.legend .event::before{content:"";position:absolute;left:0;right:0;top:4px;border-top:2px solid}
.legend .dot::after{content:"";position:absolute;left:4px;top:2px;width:6px;height:6px;border-radius:50%;background:currentColor}
.legend .event{color:var(--event)}
.legend .event::before{border-top-style:dashed}
.ytitle,.xtitle,.xt,.yt{font-size:.75rem;color:var(--soft)}
.ytitle{margin:0 0 8px}
.xtitle{text-align:right;margin-top:22px}
.plot{position:relative;height:210px}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.yt{position:absolute;right:100%;transform:translateY(50%);padding-right:8px;white-space:nowrap;line-height:1}
.xt{position:absolute;top:100%;transform:translateX(-50%);padding-top:6px;white-space:nowrap;line-height:1}
path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.grid{stroke:var(--line);stroke-width:1}
.line{stroke-width:1.75}
.dots{stroke-width:6}
.dots path:hover{stroke-width:11}
.hover rect{fill:var(--ink);opacity:0}
.hover rect:hover{opacity:.07}
.bars{stroke-width:1.25;opacity:.7}
path.event{stroke:var(--event);stroke-width:1;stroke-dasharray:3 3}
.c1{stroke:var(--c1);color:var(--c1)}.c2{stroke:var(--c2);color:var(--c2)}.c3{stroke:var(--c3);color:var(--c3)}
.c4{stroke:var(--c4);color:var(--c4)}.c5{stroke:var(--c5);color:var(--c5)}
.faint{opacity:.35}.line.faint{stroke-width:1.25}
.band{stroke:none;fill:currentColor;opacity:.16}
.mark{position:absolute;font-size:.75rem;line-height:1;white-space:nowrap;pointer-events:none}
.mark b{position:absolute;left:-5.5px;top:-5.5px;width:11px;height:11px;border:2px solid var(--ink);border-radius:50%}
.mark em{position:absolute;left:9px;bottom:6px;font-style:normal;font-weight:600;text-shadow:0 0 3px var(--card),0 0 3px var(--card)}
.mark.to-left em{left:auto;right:10px}
.mark.below em{bottom:auto;top:9px}
.name{position:absolute;font-size:.75rem;line-height:13px;white-space:nowrap}
.name em{position:absolute;font-style:normal;font-weight:600;text-shadow:0 0 3px var(--card),0 0 3px var(--card)}
summary{cursor:pointer;color:var(--accent)}
@media print{
:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--accent:#1f6f8b;--strength:.55;
--c1:#1f6f8b;--c2:#c2571a;--c3:#5b7f2b;--c4:#8a4f9e;--c5:#977514;--event:#b3261e}
body{font-size:10.5px;print-color-adjust:exact}
main{max-width:none;padding:0}
h2,h3,figcaption{break-after:avoid}
tr,.chart,.figures div{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible;background:none}
.more{display:none}
th,td{padding:3px 5px}
.long,.t{min-width:8em}
.chart{flex-basis:45%}
.plot{height:170px}
}
)";

}  // namespace lacos
