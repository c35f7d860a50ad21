// The data of the page, and helpers for axes, tables and redrawing. dom.js has those for elements and numbers.

const data = JSON.parse(document.getElementById('data').textContent);
const runs = data.points[data.points.length - 1].runs;
const ordered = new Set(runs.map(run => run.order)).size > 1;
const label = run => ordered ? `${run.policy}, ${run.order}` : run.policy;
const policies = runs.map(label);
const color = i => `var(--c${i % 8})`;

function seconds(x) {
  if (x === null || x === undefined || !isFinite(x)) return '–';
  if (x === 0) return '0 s';
  if (x < 0.001) return number(x * 1e6) + ' µs';
  if (x < 1) return number(x * 1e3) + ' ms';
  return number(x) + ' s';
}

const percent = x => number(x * 100) + ' %';
const swatch = background => element('span', {class: 'swatch', style: `background:${background}`, 'aria-hidden': 'true'});

function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
  const out = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step) out.push(+t.toPrecision(12));
  return out;
}

function logTicks(low, high) {
  const out = [];
  const decades = Math.log10(high / low);
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    (decades > 3 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5]).forEach(m => out.push(m * 10 ** e));
  }
  return out.filter(t => t >= low * 0.999 && t <= high * 1.001);
}

// Charts are drawn for the width of their container, and again when it changes.
const redraws = [];
function drawn(host, draw) {
  redraws.push(() => draw(Math.max(240, host.clientWidth)));
}
function redrawAll() { redraws.forEach(redraw => redraw()); }
let pending = 0;
let lastWidth = 0;
addEventListener('resize', () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  clearTimeout(pending);
  pending = setTimeout(redrawAll, 120);
});

function dataTable(head, rows) {
  const side = i => head[i] === 'Policy' || head[i] === 'Mostly for' ? {class: 'left'} : {};
  const table = element('table', {});
  table.append(element('thead', {}, element('tr', {}, ...head.map((name, i) => element('th', {scope: 'col', ...side(i)}, name)))));
  table.append(element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map((cell, i) => element('td', side(i), String(cell)))))));
  return table;
}
