// The page's scripts become one, in one function: what each declares, the others see. They draw what
// the server tells of its engine, about twice a second. No library, no other host. What comes from
// requests (ids, tenants, reasons) is only ever set as text.

const SVG = 'http://www.w3.org/2000/svg'; // a namespace: nothing is loaded from there
const COLORS = 12;
const SILENCE_MS = 6000;
const byId = id => document.getElementById(id);

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  Object.entries(attributes || {}).forEach(([key, value]) => node.setAttribute(key, value));
  node.append(...children);
  return node;
}

function shape(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

/** Sets a text only if it is another one, so that screen readers are left alone. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Three significant digits, with separators. */
function number(x) {
  if (x === null || x === undefined || !isFinite(x)) return '–';
  if (Math.abs(x) >= 1000) return Math.round(x).toLocaleString('en');
  return String(+x.toPrecision(3));
}

function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 950) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  return s < 99.5 ? `${s < 9.95 ? s.toFixed(1) : Math.round(s)} s` : `${Math.round(s / 60)} min`;
}

const percent = share => `${Math.round(100 * share)} %`;
const count = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
const clock = ms => new Date(ms).toTimeString().slice(0, 8);

function ticks(high, most) {
  const raw = high / most || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
  const out = [];
  for (let t = 0; t <= high + step * 1e-9; t += step) out.push(+t.toPrecision(12));
  return out;
}

/** The next of 1, 2, 5, 10, ...: a scale that seldom moves. */
function roundUp(x) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, x)));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map(m => m * power).find(s => s >= x);
}
