// Charts with a read-out for pointer and keyboard.

const PAD = {left: 46, right: 8, top: 8, bottom: 24};

function card(title, label, legend, height) {
  const host = element('div', {});
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('height', height);
  svg.setAttribute('role', 'img');
  svg.setAttribute('tabindex', '0');
  svg.setAttribute('aria-label', label);
  host.append(svg);
  const readout = element('p', {class: 'readout soft', 'aria-live': 'polite'});
  const list = element('ul', {class: 'legend'});
  legend.forEach(([draw, name]) => {
    const icon = document.createElementNS(SVG, 'svg');
    icon.setAttribute('viewBox', '0 0 26 12');
    icon.setAttribute('aria-hidden', 'true');
    draw(icon);
    list.append(element('li', {}, icon, name));
  });
  byId('charts').append(element('div', {class: 'card'}, element('h3', {}, title), list, host, readout));
  return {svg, host, readout, height};
}

const lineIcon = name => icon => shape(icon, 'path', {class: `line ${name}`, d: 'M0 6H26'});

/**
 * Selects an item of the chart by pointer and arrow keys; -1 is none. The chart returns the current
 * index of the selected item, since its list moves.
 */
function choosing(svg, size, place, nearest, choose) {
  svg.addEventListener('pointermove', event => choose(nearest(event)));
  svg.addEventListener('pointerdown', event => choose(nearest(event)));
  svg.addEventListener('pointerleave', () => choose(-1));
  svg.addEventListener('blur', () => choose(-1));
  svg.addEventListener('keydown', event => {
    const n = size();
    const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -n, End: n}[event.key];
    if (!step || !n) return;
    event.preventDefault();
    const at = place();
    choose(Math.max(0, Math.min(n - 1, at < 0 ? (step > 0 && event.key !== 'End' ? 0 : n - 1) : at + step)));
  });
}

function axes(svg, width, height, high, labels) {
  const py = y => height - PAD.bottom - Math.min(1, y / high) * (height - PAD.top - PAD.bottom);
  ticks(high, 4).forEach(t => {
    shape(svg, 'line', {class: 'grid', x1: PAD.left, x2: width - PAD.right, y1: py(t), y2: py(t)});
    shape(svg, 'text', {x: PAD.left - 6, y: py(t) + 4, 'text-anchor': 'end'}, number(t));
  });
  shape(svg, 'line', {class: 'axis', x1: PAD.left, x2: width - PAD.right, y1: py(0), y2: py(0)});
  labels.forEach(([x, text, anchor]) => shape(svg, 'text', {x, y: height - 5, 'text-anchor': anchor || 'middle'}, text));
  return py;
}

/** series: [{name, y: sample => number, classes, area}]; limit: sample => number, or nothing. */
function timeChart(title, series, limit) {
  const SECONDS = 180;
  const legend = series.map(s => [lineIcon(s.classes), s.name]).concat(limit ? [[lineIcon('limit'), limit.name]] : []);
  const parts = card(title, `${title} over the last ${SECONDS / 60} minutes. Arrow keys read values.`, legend, 190);
  const {svg, host, readout, height} = parts;
  let samples = [];
  let chosen = 0; // time of the selected sample, which stays the same while samples are added
  let scale = () => 0;

  function read() {
    const sample = samples.find(s => s.millis === chosen);
    readout.className = sample ? 'readout' : 'readout soft';
    const last = sample || samples[samples.length - 1];
    say(readout, last ? `${sample ? clock(last.millis) : 'Now'}: ${series.map(s => `${s.name} ${number(s.y(last))}`).join(', ')}` : 'Nothing yet');
  }

  function draw() {
    const width = Math.max(220, host.clientWidth);
    svg.replaceChildren();
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const now = picture ? picture.millis : 0;
    const high = Math.max(1, limit ? limit.y(picture) : 0, ...samples.flatMap(s => series.map(one => one.y(s)))) * 1.06;
    scale = ms => width - PAD.right - (now - ms) / 1000 / SECONDS * (width - PAD.left - PAD.right);
    const py = axes(svg, width, height, high, [[PAD.left, '3 min ago', 'start'], [scale(now - 90000), '90 s'], [width - PAD.right, 'now', 'end']]);
    const shown = samples.filter(s => scale(s.millis) >= PAD.left);
    if (limit) shape(svg, 'path', {class: 'limit', d: `M${PAD.left} ${py(limit.y(picture))}H${width - PAD.right}`});
    if (shown.length) {
      series.forEach(s => {
        const path = shown.map((sample, i) => `${i ? 'L' : 'M'}${scale(sample.millis).toFixed(1)} ${py(s.y(sample)).toFixed(1)}`).join('');
        if (s.area) shape(svg, 'path', {class: `area ${s.area}`, d: `${path}L${scale(shown[shown.length - 1].millis)} ${py(0)}L${scale(shown[0].millis)} ${py(0)}Z`});
        shape(svg, 'path', {class: `line ${s.classes}`, d: path});
      });
    }
    if (samples.some(s => s.millis === chosen)) shape(svg, 'line', {class: 'cross', x1: scale(chosen), x2: scale(chosen), y1: PAD.top, y2: py(0)});
  }

  choosing(svg, () => samples.length, () => samples.findIndex(s => s.millis === chosen), event => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    let best = -1;
    samples.forEach((s, i) => { if (best < 0 || Math.abs(scale(s.millis) - x) < Math.abs(scale(samples[best].millis) - x)) best = i; });
    return best;
  }, index => {
    chosen = index < 0 || !samples[index] ? 0 : samples[index].millis;
    read();
    if (picture) draw();
  });

  return {draw, show(p) {
    samples = p.series;
    draw();
    // The text follows by itself only without focus: with focus a screen reader would read it again.
    if (document.activeElement !== svg && !chosen) { readout.setAttribute('aria-live', 'off'); read(); } else readout.setAttribute('aria-live', 'polite');
  }};
}

function scatter() {
  const circle = icon => shape(icon, 'circle', {class: 'within', cx: 13, cy: 6, r: 5});
  const diamond = icon => shape(icon, 'path', {class: 'beyond', d: 'M13 0L19 6L13 12L7 6Z'});
  const parts = card('Predicted and actual length', 'Predicted and actual length of the latest answers. Arrow keys read them one by one.',
    [[circle, 'within its 90 %'], [diamond, 'longer'], [lineIcon('limit'), 'as predicted']], 190);
  const {svg, host, readout, height} = parts;
  let points = [];
  let chosen = -1;
  let place = () => [0, 0];

  function read() {
    readout.className = chosen < 0 ? 'readout soft' : 'readout';
    const p = points[chosen];
    say(readout, p ? `Predicted ${p[0]}, by 90 % at most ${p[1]}; it was ${p[2]}.` : 'Across: the predicted median. Up: the answer\u2019s length. Both in tokens.');
  }

  function draw() {
    const width = Math.max(220, host.clientWidth);
    svg.replaceChildren();
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const high = roundUp(Math.max(10, ...points.flatMap(p => [p[0], p[2]])));
    const px = x => PAD.left + x / high * (width - PAD.left - PAD.right);
    const py = axes(svg, width, height, high, ticks(high, 4).map(t => [px(t), number(t), t === 0 ? 'start' : px(t) > width - 30 ? 'end' : 'middle']));
    place = p => [px(p[0]), py(p[2])];
    shape(svg, 'path', {class: 'limit', d: `M${px(0)} ${py(0)}L${px(high)} ${py(high)}`});
    points.forEach(p => {
      const [x, y] = place(p);
      if (p[2] <= p[1]) shape(svg, 'circle', {class: 'within', cx: x, cy: y, r: 3.6});
      else shape(svg, 'path', {class: 'beyond', d: `M${x} ${y - 5}l5 5l-5 5l-5 -5Z`});
    });
    if (points[chosen]) {
      const [x, y] = place(points[chosen]);
      shape(svg, 'circle', {class: 'picked', cx: x, cy: y, r: 8});
    }
  }

  choosing(svg, () => points.length, () => chosen, event => {
    const box = svg.getBoundingClientRect();
    const distance = p => { const [x, y] = place(p); return Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top); };
    let best = -1;
    points.forEach((p, i) => { if (best < 0 || distance(p) < distance(points[best])) best = i; });
    return best;
  }, index => { chosen = index; read(); if (picture) draw(); });

  let key = '';
  read();
  return {draw, show(p) {
    const next = JSON.stringify(p.predictions.points);
    if (next === key || document.activeElement === svg) return; // with focus the list stays the same
    key = next;
    points = p.predictions.points;
    draw();
  }};
}

const charts = [
  timeChart('Tokens a second', [{name: 'tokens a second', y: s => s.tokensPerSecond, classes: 's0', area: 'f0'}]),
  timeChart('Requests', [{name: 'running', y: s => s.running, classes: 's0'}, {name: 'waiting', y: s => s.waiting, classes: 's1 dash'}]),
  timeChart('KV blocks', [{name: 'held', y: s => s.held, classes: 's2', area: 'f2'}, {name: 'set aside', y: s => s.reserved, classes: 's1 dash'}], {name: 'all there are', y: p => p.capacityBlocks}),
  scatter(),
];

let pending = 0;
function redraw() {
  if (!picture) return;
  map.draw();
  charts.forEach(chart => chart.draw());
}
addEventListener('resize', () => { clearTimeout(pending); pending = setTimeout(redraw, 120); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
