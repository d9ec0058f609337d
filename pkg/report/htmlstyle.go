package report

// htmlStyle is the style of a page. The colours have at least the contrast of WCAG 2.2, level AA
// (4.5:1) on both grounds. It holds neither < nor &, so that it is the same in HTML and in XML.
const htmlStyle = `
:root {
  --ground: #fcfbf9; --box: #f3f1ec; --line: #e2ded6; --text: #22201c; --soft: #625d54;
  --critical: #a61b1b; --warning: #855100; --info: #1d5c88; --unknown: #6f3f92; --pass: #2c6a39;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #171614; --box: #23211e; --line: #37342f; --text: #eae7e1; --soft: #aaa499;
    --critical: #ff8f86; --warning: #f0b75a; --info: #86c5f2; --unknown: #d0a8ef; --pass: #8fd09b;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 3rem 1.25rem 4rem; max-width: 46rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
code, pre, dt, .got, .wanted {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 0.875em;
}
h1, h2, h3, p, ul, dl, pre { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; margin-bottom: 0.6rem; }
header p, footer p { color: var(--soft); font-size: 0.9375rem; }
footer { margin-top: 2rem; }

.counts { display: flex; flex-wrap: wrap; gap: 0.5rem 1.75rem; margin: 2rem 0; }
.counts li { color: var(--soft); font-size: 0.9375rem; }
.counts b { display: block; font-size: 1.9rem; line-height: 1.15; font-weight: 600; font-variant-numeric: tabular-nums; color: var(--tone, var(--text)); }
.counts .none b, .counts .skipped b, .counts .not-assessable b, .counts .waived b { color: var(--soft); }
.critical { --tone: var(--critical); }
.warning { --tone: var(--warning); }
.info { --tone: var(--info); }
.unknown { --tone: var(--unknown); }
.pass { --tone: var(--pass); }

.next { margin: 0 0 2rem; }
.next h2 { margin: 0; border: 0; padding: 0; font-size: 0.9375rem; letter-spacing: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; color: var(--soft); font-size: 0.9375rem; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 0.2em; }
a:hover { text-decoration-color: currentColor; }

h2 { margin: 3rem 0 0; padding-bottom: 0.5rem; border-bottom: 1px solid var(--line); font-size: 1.125rem; font-weight: 650; }
article { padding: 1.4rem 0 1.3rem; border-bottom: 1px solid var(--line); }
article, .each li { content-visibility: auto; contain-intrinsic-size: auto 9rem; }
section article:last-child { border-bottom: 0; }
h3 { font-size: 1rem; font-weight: 600; line-height: 1.5; margin-bottom: 0.3rem; }
h3 code { margin-right: 0.4em; font-weight: 600; }
.outcome { color: var(--tone); margin-right: 0.6em; }
.outcome span { display: inline-block; min-width: 0.9em; }
.subject { font-weight: 600; margin-right: 0.35em; }
.fix { margin-top: 0.65rem; }
pre {
  margin-top: 0.5rem; padding: 0.6rem 0.8rem; background: var(--box); border-radius: 0.375rem;
  white-space: pre-wrap; line-height: 1.5;
}
pre code { user-select: all; -webkit-user-select: all; font-size: 1em; }
/* A word of a command breaks at no hyphen, which a reader could take for two words. */
pre span, h3 code, .rest code { display: inline-block; max-width: 100%; }
.none-failed { font-size: 1.125rem; margin-bottom: 2rem; }
.each li + li { margin-top: 1.1rem; }
.each { margin-top: 0.2rem; }

details { margin-top: 0.65rem; }
summary { cursor: pointer; color: var(--soft); font-size: 0.9375rem; width: fit-content; }
summary:hover { color: var(--text); }
:focus-visible { outline: 2px solid var(--info); outline-offset: 3px; border-radius: 2px; }
dl { margin-top: 0.6rem; padding-left: 0.9rem; border-left: 2px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0 0 0.5rem; }
dd:last-child { margin-bottom: 0; }
.want { color: var(--soft); font-size: 0.9375rem; }
.about { margin-top: 0.8rem; font-size: 0.9375rem; }
.about p + p { margin-top: 0.35rem; }
.waiver { color: var(--soft); font-size: 0.9375rem; }

.more { margin-top: 1.1rem; }
.more .each { margin-top: 1.1rem; }
.rest { margin-top: 0; border-bottom: 1px solid var(--line); }
.rest > summary { width: auto; padding: 0.8rem 0; color: var(--text); font-size: 1rem; }
.rest > summary h2 { display: inline; margin: 0; padding: 0; border: 0; font-size: 1rem; font-weight: 600; }
.rest .n { color: var(--soft); font-weight: 400; margin-left: 0.35em; }
.rest > ul { padding-bottom: 1rem; }
.rest > ul > li { padding: 0.5rem 0; font-size: 0.9375rem; content-visibility: auto; contain-intrinsic-size: auto 4rem; }
.rest > ul > li details { margin-top: 0.2rem; }
section + .rest { margin-top: 3rem; border-top: 1px solid var(--line); }

@media (max-width: 30rem) {
  body { padding: 1.75rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  .counts { gap: 0.5rem 1.25rem; margin: 1.5rem 0; }
  .counts b { font-size: 1.5rem; }
  h2 { margin-top: 2.25rem; }
}
@media print {
  :root {
    --ground: #fff; --box: #fff; --line: #bbb; --text: #000; --soft: #444;
    --critical: #000; --warning: #000; --info: #000; --unknown: #000; --pass: #000;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  pre { border: 1px solid #bbb; }
  article, .each li, .rest > ul > li { content-visibility: visible; }
  .each li, pre, dt { break-inside: avoid; }
  h2, h3, dt, summary { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; opacity: 1; }
  summary { list-style: none; }
}
`
