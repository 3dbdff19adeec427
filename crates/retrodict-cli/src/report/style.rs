//! What the page looks like: one colour for each method, everywhere.

pub use crate::terminal::text::number;

/// Colours that colour-blind readers can tell apart (Okabe & Ito; Tol), in the order of use.
const PALETTE: [&str; 10] = [
    "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#44aa99",
    "#999933", "#777777",
];

/// The colour of the method with this index.
pub fn colour(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}

/// Text that may hold anything, made safe to stand in the page.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The style sheet.
pub const SHEET: &str = r#"
:root { --ink: #1c2430; --soft: #5c6775; --line: #e2e6eb; --paper: #ffffff; --panel: #f7f8fa;
  --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 34px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h1, h2, h3, p, figcaption { overflow-wrap: anywhere; }
h2 { font-size: 23px; margin: 56px 0 4px; padding-top: 24px; border-top: 1px solid var(--line); }
h3 { font-size: 17px; margin: 32px 0 4px; }
p { margin: 4px 0 12px; max-width: 76ch; }
.scroll + p { margin-top: 14px; }
.lead { font-size: 19px; }
.soft, figcaption, .note { color: var(--soft); font-size: 14px; }
.note { border-left: 3px solid #e69f00; padding-left: 10px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; background: var(--panel); }
tr:last-child td { border-bottom: 0; }
td.left, th.left { text-align: left; }
th { white-space: normal; vertical-align: bottom; }
td.left { white-space: normal; overflow-wrap: break-word; min-width: 6em; }
td.ended { white-space: nowrap; text-align: left; }
td.values { white-space: normal; min-width: 12em; }
td .under { color: var(--soft); font-size: 13px; }
tr.own td { color: var(--soft); }
tr.own td.left:first-child { padding-left: 28px; }
ul.meanings { list-style: none; margin: 14px 0 0; padding: 0; font-size: 14px; color: var(--soft); }
ul.meanings b { color: var(--ink); font-weight: 600; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; margin: 12px 0; }
.chip { border: 1px solid var(--line); background: var(--paper); color: var(--ink); font: inherit;
  font-size: 14px; padding: 4px 12px; border-radius: 99px; cursor: pointer; }
.chip[aria-pressed=false] { opacity: 0.4; text-decoration: line-through; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
.plot { width: 100%; height: 340px; min-width: 0; }
.plot.tall { height: 460px; }
.plot.wide { grid-column: 1 / -1; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 20px 16px; }
figure { margin: 0; min-width: 0; }
figure img { width: 100%; display: block; border-radius: 4px; background: var(--panel);
  image-rendering: pixelated; }
figure img + img { margin-top: 6px; }
figcaption { margin-top: 6px; }
figcaption b { color: var(--ink); font-weight: 600; display: block; }
table.ranking td.left { min-width: 9.5em; }
table.film td { padding: 4px; }
table.film td.left { padding: 4px 12px; }
table.film img { width: 100%; min-width: 88px; display: block; border-radius: 4px; image-rendering: pixelated; }
.bars { display: flex; flex-wrap: wrap; gap: 24px; margin: 12px 0 16px; }
.bar { flex: 1 1 240px; max-width: 380px; font-size: 13px; color: var(--soft); }
.bar i { display: block; height: 12px; border-radius: 3px; }
.bar div { display: flex; justify-content: space-between; }
details { margin-top: 48px; border-top: 1px solid var(--line); padding-top: 16px; }
summary { cursor: pointer; color: var(--soft); }
pre { overflow-x: auto; background: var(--panel); padding: 16px; border-radius: 8px; font-size: 13px; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
@media (max-width: 760px) {
  main { padding: 24px 16px 60px; }
  h1 { font-size: 26px; }
  .pair { grid-template-columns: minmax(0, 1fr); }
  .fields { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px 10px; }
  table { font-size: 13px; }
  th, td { padding: 7px 5px; }
  td.left { min-width: 7.5em; }
  .swatch { margin-right: 5px; }
  table.ranking th:first-child, table.ranking td:first-child { display: none; }
  .plot { height: 280px; }
  .plot.tall { height: 340px; }
}
"#;

/// Unpacks plotly.js, draws the figures, and lets the chips show and hide a method in all of them.
pub const SCRIPT: &str = r#"
const config = { responsive: true, displaylogo: false, displayModeBar: false };
// Powers of ten where an axis spans some; else a few round numbers, written out.
const power = (v) => {
  if (v >= 1e-3 && v < 1e4) return String(Number(v.toPrecision(2)));
  const [digit, exponent] = v.toExponential(0).split('e');
  return (digit === '1' ? '' : digit + '·') + '10<sup>' + String(Number(exponent)).replace('-', '−') + '</sup>';
};
const ticks = (figure, letter) => {
  const axis = figure.layout[letter + 'axis'];
  if (!axis || axis.type !== 'log') return;
  let low = Infinity, high = -Infinity;
  for (const trace of figure.data) {
    for (const value of trace[letter] || []) {
      if (value > 0) { low = Math.min(low, value); high = Math.max(high, value); }
    }
  }
  if (!(low <= high)) return;
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const margin = Math.max(0.06 * (to - from), 0.05);
  const [first, last] = [Math.ceil(from - margin), Math.floor(to + margin)];
  const marks = [];
  if (last - first >= 2) {
    const step = Math.ceil((last - first) / 7);
    for (let e = first; e <= last; e += step) marks.push(Math.pow(10, e));
  } else {
    const digits = to - from > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
    for (let e = first - 1; e <= last + 1; e++) {
      for (const digit of digits) {
        const place = e + Math.log10(digit);
        if (place >= from - margin && place <= to + margin) marks.push(Number((digit * Math.pow(10, e)).toPrecision(3)));
      }
    }
  }
  if (marks.length < 2) return;
  axis.tickvals = marks;
  axis.ticktext = marks.map(power);
};
async function unpack() {
  const text = document.getElementById('plotly').textContent;
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const script = document.createElement('script');
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}
async function draw() {
  if (!figures.length) return;
  await unpack();
  for (const figure of figures) {
    for (const letter of ['x', 'y']) ticks(figure, letter);
    Plotly.newPlot(figure.id, figure.data, figure.layout, config);
  }
}
draw().catch((error) => {
  const note = document.createElement('p');
  note.className = 'note';
  note.textContent = 'The plots could not be drawn (' + error.message + '). They need a browser of 2023 or ' +
    'later: Chrome 80, Edge 80, Firefox 113, Safari 16.4. The numbers are in the files beside this page.';
  document.querySelector('main').prepend(note);
});
for (const chip of document.querySelectorAll('.chip')) {
  chip.addEventListener('click', () => {
    const show = chip.getAttribute('aria-pressed') === 'false';
    chip.setAttribute('aria-pressed', String(show));
    const section = chip.closest('section');
    for (const plot of section.querySelectorAll('.plot')) {
      const hit = (plot.data ?? []).flatMap((t, i) => t.meta === chip.dataset.method ? [i] : []);
      if (hit.length) Plotly.restyle(plot, { visible: show }, hit);
    }
  });
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(1234.56), "1235");
        assert_eq!(number(0.04567), "0.04567");
        assert_eq!(number(3.2e-9), "3.200e-9");
    }
}
