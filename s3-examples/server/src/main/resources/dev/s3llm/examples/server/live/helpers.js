// The scripts of the page are joined in one function, so each uses what the others declare. They draw
// the state that the server sends about twice a second. No library, no other host. Texts from requests
// (ids, tenants, reasons) are only ever set as text.

const COLORS = 12;
const SILENCE_MS = 6000;

/** Sets a text only if it changes, so that screen readers do not read it again. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
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

/** The next of 1, 2, 5, 10, ...: a scale that seldom changes. */
function roundUp(x) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, x)));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map(m => m * power).find(s => s >= x);
}
