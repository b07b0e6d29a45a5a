import { colours, figureStyle } from "./palette.js";

const themed = (theme: 0 | 1): string =>
  `:root{color-scheme:${theme === 0 ? "light" : "dark"};${Object.entries(colours)
    .map(([name, pair]) => `--${name}:${pair[theme]}`)
    .join(";")}}`;

const screen = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer,nav{max-width:980px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 4px}
h3{font-size:.95rem;margin:20px 0 6px}
p{margin:0 0 10px;max-width:70ch;overflow-wrap:anywhere}
a{color:var(--accent)}
a:focus-visible,button:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.soft,figcaption,footer{color:var(--soft)}
nav{position:sticky;top:0;z-index:2;background:var(--paper);border-bottom:1px solid var(--line);max-width:none;margin-top:20px}
nav ul{max-width:940px;margin:0 auto;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:0 18px}
nav a{display:block;padding:9px 0;color:var(--soft);text-decoration:none;font-size:.86rem}
nav a:hover{color:var(--ink);text-decoration:underline}
section{padding:28px 0 4px;scroll-margin-top:38px;border-bottom:1px solid var(--line)}
section:last-child{border:0}
section>*:last-child{margin-bottom:24px}
footer{padding-top:12px;padding-bottom:40px;font-size:.82rem;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden;margin:20px 0}
.tile{background:var(--paper);padding:14px 16px}
.tile dt{color:var(--soft);font-size:.8rem;margin:0}
.tile dd{margin:0}
.tile .value{font-size:1.6rem;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em;white-space:nowrap}
.tile .more{color:var(--soft);font-size:.8rem;line-height:1.35}
.tile.first{background:var(--raised)}
.tile.first .value{color:var(--accent);font-size:2rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:20px 28px;margin:12px 0}
figure{margin:0;min-width:0}
figcaption{font-size:.84rem;line-height:1.4;margin:0 0 6px}
figcaption b{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;margin:12px 0}
.scroll.tall{max-height:min(480px,75vh);overflow-y:auto;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.86rem}
caption{text-align:left;color:var(--soft);padding:0 0 6px}
th,td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:middle}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-weight:500;white-space:nowrap;vertical-align:bottom;border-bottom-color:var(--soft)}
.tall thead th{position:sticky;top:0;background:var(--raised);z-index:1;border-bottom:0;box-shadow:inset 0 -1px var(--line)}
tbody th{font-weight:500;overflow-wrap:break-word;min-width:7em}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
thead button{all:unset;cursor:pointer}
thead button:focus-visible{outline:2px solid var(--accent)}
thead button:hover{color:var(--ink)}
thead button::after{content:"\\2195";opacity:.4;margin-left:.3em;font-size:.8em}
[aria-sort=ascending] button::after{content:"\\2191";opacity:1}
[aria-sort=descending] button::after{content:"\\2193";opacity:1}
.meter{width:90px;height:8px;display:inline-block;vertical-align:middle;border-radius:4px;overflow:hidden}
.meter .ground{fill:var(--line)}.meter .value{fill:var(--accent)}
.facts{display:grid;grid-template-columns:minmax(7em,max-content) minmax(0,1fr);gap:3px 18px;margin:10px 0;font-size:.88rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
code,pre,.code{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);border-radius:8px;padding:12px 14px;margin:10px 0}
details{margin:10px 0}
summary{cursor:pointer;color:var(--accent);width:fit-content}
@media (max-width:560px){main,header,footer{padding-left:16px;padding-right:16px}nav{position:static;padding:0 16px}th,td{padding:5px 7px}.meter{width:54px}.tile{padding:11px 13px}.tile .value{font-size:1.3rem}.tile.first .value{font-size:1.6rem}.tiles{grid-template-columns:repeat(2,1fr)}.tile.first,.tile:last-child:nth-child(even){grid-column:1/-1}.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin-bottom:6px}}
`;

const print = `
@page{margin:14mm}
@media print{
body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main,header,footer,nav{max-width:none;padding-left:0;padding-right:0}
nav{display:none}header{padding-top:0}
.scroll,.scroll.tall{overflow:visible;max-height:none;border:0}
.tall thead th{position:static;background:none}
thead button::after{content:none}
h2,h3,figcaption{break-after:avoid}
figure,.tile,tr,.facts>*{break-inside:avoid}
section{padding-top:16px}
.grid{grid-template-columns:1fr 1fr}
.tile .value,.tile.first .value{font-size:1.2rem}
}`;

/** The style sheet of every page, figures included: light and dark, narrow and printed. */
export const pageStyle = `${themed(0)}@media screen and (prefers-color-scheme:dark){${themed(1)}}${screen}${figureStyle}${print}`;
