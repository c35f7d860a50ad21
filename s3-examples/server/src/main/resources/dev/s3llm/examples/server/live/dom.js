// Helpers that do not depend on a page.

const SVG = 'http://www.w3.org/2000/svg'; // a namespace: nothing is loaded from there
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

/** Three significant digits, with separators. */
function number(x) {
  if (x === null || x === undefined || !isFinite(x)) return '–';
  if (Math.abs(x) >= 1000) return Math.round(x).toLocaleString('en');
  return String(+x.toPrecision(3));
}
