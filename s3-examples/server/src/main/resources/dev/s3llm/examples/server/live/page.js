'use strict';
// Draws what the server tells of its engine, about twice a second. No library, no other host. What
// comes from requests (ids, tenants, reasons) is only ever set as text.
(() => {
  const SVG = 'http://www.w3.org/2000/svg'; // a namespace: nothing is loaded from there
  const COLORS = 12;
  const SILENCE_MS = 6000;
  const byId = id => document.getElementById(id);

  // ---- small helpers -------------------------------------------------------------------------

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

  // ---- tags: a letter and a colour for each request that runs, free again when it ends ----------

  const slots = new Map();

  function tagAll(running) {
    const ids = new Set(running.map(r => r.id));
    slots.forEach((slot, id) => { if (!ids.has(id)) slots.delete(id); });
    const taken = new Set(slots.values());
    let next = 0;
    running.forEach(r => {
      if (slots.has(r.id)) return;
      while (taken.has(next)) next++;
      taken.add(next);
      slots.set(r.id, next);
    });
  }

  const slotOf = id => slots.has(id) ? slots.get(id) : -1;
  function letters(slot) {
    return (slot >= 26 ? String.fromCharCode(64 + Math.floor(slot / 26)) : '') + String.fromCharCode(65 + slot % 26);
  }

  function setTag(node, slot) {
    say(node, letters(slot));
    node.className = `tag t${slot % COLORS}`;
  }

  // ---- what is shown -----------------------------------------------------------------------------

  let picture = null;
  let hot = null; // the id that is pointed at

  function show(next) {
    picture = next;
    tagAll(next.running);
    lead(next);
    figures(next);
    health(next);
    batch.show(next);
    waiting.show(next);
    happened(next);
    map.show(next);
    charts.forEach(chart => chart.show(next));
  }

  function lead(p) {
    if (!p.runningCount && !p.waitingCount && !p.predictingCount) {
      say(byId('lead'), 'Nothing runs and nobody waits.');
      return;
    }
    const first = p.waiting[0];
    const because = first ? ` The first in line waits: ${first.reason}.` : '';
    say(byId('lead'), `${count(p.runningCount, 'request runs', 'requests run')} and ${p.waitingCount || 'none'} ${p.waitingCount === 1 ? 'waits' : 'wait'}.${because}`);
  }

  const tiles = new Map();

  function tile(name, value, more) {
    if (!tiles.has(name)) {
      const nodes = [element('dd', {class: 'value'}), element('dd', {class: 'more-of-it'})];
      byId('figures').append(element('div', {}, element('dt', {}, name), ...nodes));
      tiles.set(name, nodes);
    }
    const nodes = tiles.get(name);
    say(nodes[0], value);
    say(nodes[1], more);
  }

  function figures(p) {
    const recent = p.series.slice(-5).map(s => s.tokensPerSecond);
    const rate = recent.reduce((sum, x) => sum + x, 0) / (recent.length || 1);
    const seconds = x => x === null ? '–' : duration(x * 1000);
    tile('Tokens a second', number(Math.round(rate)), 'over 5 seconds');
    tile('Time to first token', seconds(p.firstTokens.p50), p.firstTokens.count ? `half; 99 %: ${seconds(p.firstTokens.p99)}` : 'no answer yet');
    tile('Running', number(p.runningCount), `${number(p.waitingCount + p.predictingCount)} waiting`);
    tile('KV memory held', percent(p.heldBlocks / (p.capacityBlocks || 1)), `${percent(p.reservedBlocks / (p.capacityBlocks || 1))} set aside`);
    const c = p.predictions;
    tile('Within predicted 90 %', c.count ? percent(c.within / c.count) : '–', c.count ? `of the last ${c.count} answers${c.drifting ? '; drifting' : ''}` : 'no answer yet');
    tile('Answers', number(p.ended), `${count(p.preemptions, 'preemption', 'preemptions')}, ${number(p.failed)} failed`);
  }

  function health(p) {
    const node = byId('health');
    say(node, p.healthy ? 'Healthy' : `Not well: ${p.reason}`);
    node.className = `pill ${p.healthy ? 'good' : 'bad'}`;
    const age = p.millis - p.inspectedMillis;
    const stale = byId('stale');
    const silent = p.inspectedMillis === 0 || age > 3000;
    if (silent) {
      const since = p.inspectedMillis === 0 ? 'yet' : `since ${clock(p.inspectedMillis)}`;
      say(stale, `The engine's loop has not answered ${since}; the batch, the memory and the queue are shown as they were.`);
    }
    stale.hidden = !silent;
  }

  /** Rows that are kept while their request is there, in the order of the list. */
  function rows(host, make, fill) {
    const known = new Map();
    return list => {
      const ids = new Set(list.map(one => one.id));
      known.forEach((row, id) => { if (!ids.has(id)) { row.node.remove(); known.delete(id); } });
      list.forEach((one, i) => {
        if (!known.has(one.id)) known.set(one.id, make(one));
        const row = known.get(one.id);
        fill(row, one);
        if (host.children[i] !== row.node) host.insertBefore(row.node, host.children[i] || null);
      });
    };
  }

  function who(one) {
    const tag = element('span', {class: 'tag'});
    const name = element('span', {class: 'who', title: one.id}, one.id.replace(/^(chat)?cmpl-/, ''));
    const tenant = element('span', {class: 'tenant'}, one.tenant);
    return {tag, cell: element('th', {scope: 'row'}, tag, name, tenant)};
  }

  const batch = (() => {
    const MOST = 48;
    const body = byId('batch-rows');
    let scale = 1;
    function make(one) {
      const {tag, cell} = who(one);
      const parts = {tag, waited: element('td', {class: 'wide'}), blocks: element('td', {})};
      ['band', 'soFar', 'over'].forEach(name => { parts[name] = element('i', {}); });
      parts.band.className = 'band';
      parts.over.className = 'over';
      const track = element('div', {class: 'track', 'aria-hidden': 'true'}, parts.band, parts.soFar, parts.over);
      parts.tokens = element('b', {});
      parts.predicted = element('span', {});
      parts.late = element('span', {class: 'late'});
      const numbers = element('div', {class: 'numbers'}, parts.tokens, parts.predicted, parts.late);
      parts.node = element('tr', {}, cell, parts.waited, element('td', {class: 'left answer'}, track, numbers), parts.blocks);
      parts.node.addEventListener('pointerenter', () => map.point(one.id));
      parts.node.addEventListener('pointerleave', () => map.point(null));
      return parts;
    }
    function fill(row, one) {
      const slot = slotOf(one.id);
      const at = tokens => `${Math.min(100, 100 * tokens / scale)}%`;
      setTag(row.tag, slot);
      say(row.waited, duration(one.waited));
      row.band.style.left = at(one.p50);
      row.band.style.width = `max(3px, ${at(one.p90 - one.p50)})`;
      row.soFar.className = `so-far t${slot % COLORS}`;
      row.soFar.style.width = at(Math.min(one.output, one.p90));
      row.over.style.left = at(one.p90);
      row.over.style.width = at(Math.max(0, one.output - one.p90));
      say(row.tokens, String(one.output));
      say(row.predicted, ` of ${one.p50} to ${one.p90}`);
      say(row.late, one.output > one.p90 ? ', longer than expected' : one.preemptions ? `, preempted ${one.preemptions} ×` : '');
      say(row.blocks, `${one.held} of ${one.reserved}`);
      row.node.classList.toggle('hot', one.id === hot);
    }
    const set = rows(body, make, fill);
    return {show(p) {
      const shown = p.running.slice(0, MOST);
      scale = roundUp(Math.max(10, ...shown.map(r => Math.max(r.p90, r.output))));
      set(shown);
      const more = p.runningCount - shown.length;
      say(byId('batch-more'), p.runningCount === 0 ? 'Nothing runs.' : more > 0 ? `and ${number(more)} more` : '');
    }};
  })();

  const waiting = (() => {
    function make(one) {
      const {tag, cell} = who(one);
      tag.remove();
      const parts = {lasting: element('td', {}), expected: element('td', {class: 'wide'}), reason: element('td', {class: 'left reason'})};
      parts.node = element('tr', {}, cell, parts.lasting, parts.expected, parts.reason);
      return parts;
    }
    function fill(row, one) {
      say(row.lasting, duration(one.waiting));
      say(row.expected, `${one.p50} to ${one.p90}`);
      say(row.reason, one.reason + (one.preemptions ? ` (preempted ${one.preemptions} ×, ${one.output} tokens so far)` : ''));
    }
    const set = rows(byId('waiting-rows'), make, fill);
    return {show(p) {
      set(p.waiting);
      const more = p.waitingCount - p.waiting.length;
      say(byId('waiting-more'), p.waitingCount === 0 ? 'Nobody waits.' : more > 0 ? `and ${number(more)} more` : '');
    }};
  })();

  let lastHappened = null;

  function happened(p) {
    const key = JSON.stringify(p.happenings);
    if (key === lastHappened) return;
    lastHappened = key;
    const list = byId('happened');
    list.replaceChildren(...p.happenings.slice().reverse().map(h => {
      const item = element('li', {}, element('time', {}, clock(h.millis)), element('b', {}, h.kind));
      if (h.request) item.append(element('span', {class: 'who', title: h.request}, h.request.replace(/^(chat)?cmpl-/, '')), ' ');
      item.append(element('span', {}, h.text));
      return item;
    }));
    if (!p.happenings.length) list.append(element('li', {}, 'Nothing out of the ordinary.'));
  }

  // ---- the map of the memory -----------------------------------------------------------------------

  const map = (() => {
    const canvas = byId('map');
    const host = byId('map-host');
    const context = canvas.getContext('2d');
    let selected = -1;
    let grid = {columns: 1, cell: 1, gap: 1};

    const OTHER = -2; // held by a request that is not in the list

    const cells = () => picture && picture.map ? picture.map.cells : [];
    const owner = cell => cell >= 0 && cells()[cell] >= 0 ? picture.running[cells()[cell]] : null;

    function layout(n, width) {
      const height = Math.min(400, Math.max(180, width * 0.72));
      let columns = 1;
      while (columns < n && Math.ceil(n / columns) * width / columns > height) columns++;
      for (let more = 0; more < 4; more++) { // a last row that is full looks better
        if (n % (columns + more) === 0) { columns += more; break; }
      }
      const pitch = Math.min(44, width / columns);
      const gap = pitch > 14 ? 3 : pitch > 7 ? 2 : 1;
      return {columns, pitch, gap, cell: pitch - gap, rows: Math.ceil(n / columns)};
    }

    function draw() {
      const all = cells();
      const width = host.clientWidth;
      if (!all.length || !width) return;
      grid = layout(all.length, width);
      const ratio = devicePixelRatio || 1;
      const height = Math.ceil(grid.rows * grid.pitch);
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
      context.scale(ratio, ratio);
      const style = getComputedStyle(document.documentElement);
      const color = name => style.getPropertyValue(name).trim();
      const palette = Array.from({length: COLORS}, (_, i) => color(`--c${i}`));
      const free = color('--free'), other = color('--soft'), on = color('--on'), text = color('--text');
      const chosen = hot && slots.has(hot) ? hot : null;
      context.font = `700 ${Math.min(13, grid.cell * 0.5)}px system-ui, "Liberation Sans", sans-serif`;
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      all.forEach((index, i) => {
        const x = (i % grid.columns) * grid.pitch, y = Math.floor(i / grid.columns) * grid.pitch;
        const request = index >= 0 ? picture.running[index] : null;
        const slot = request ? slotOf(request.id) : -1;
        context.globalAlpha = chosen && (!request || request.id !== chosen) ? 0.25 : 1;
        context.fillStyle = index === OTHER ? other : slot < 0 ? free : palette[slot % COLORS];
        context.beginPath();
        context.roundRect(x, y, grid.cell, grid.cell, Math.min(4, grid.cell / 4));
        context.fill();
        if (slot >= 0 && grid.cell >= 17) {
          context.fillStyle = on;
          context.fillText(letters(slot), x + grid.cell / 2, y + grid.cell / 2 + 0.5);
        } else if (slot >= COLORS && grid.cell >= 5) { // a colour again, but not the same mark
          context.fillStyle = on;
          context.fillRect(x + grid.cell * 0.35, y + grid.cell * 0.35, grid.cell * 0.3, grid.cell * 0.3);
        }
        if (i === selected && document.activeElement === canvas) {
          context.globalAlpha = 1;
          context.strokeStyle = text;
          context.lineWidth = 2;
          context.strokeRect(x, y, grid.cell, grid.cell);
        }
      });
      context.globalAlpha = 1;
    }

    function read() {
      const node = byId('map-readout');
      const request = owner(selected);
      node.className = selected < 0 ? 'readout soft' : 'readout';
      if (selected < 0) {
        say(node, 'Point at a block, or focus the map and use the arrow keys, to see whose it is.');
        return;
      }
      const size = picture.map.blocksPerCell;
      const name = size === 1 ? `Block ${selected}` : `Blocks ${selected * size} to ${Math.min(picture.capacityBlocks, (selected + 1) * size) - 1}`;
      say(node, request
        ? `${name}: ${letters(slotOf(request.id))}, ${request.id}${request.tenant ? ` of ${request.tenant}` : ''}; ${request.output} tokens of ${request.p50} to ${request.p90}, ${request.held} of ${request.reserved} blocks.`
        : `${name}: ${cells()[selected] === OTHER ? 'held by a request that is not listed' : 'free'}.`);
    }

    function select(cell) {
      selected = cell;
      read();
      draw();
    }

    function at(event) {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left) / grid.pitch);
      const cell = Math.floor((event.clientY - box.top) / grid.pitch) * grid.columns + column;
      return column < grid.columns && cell >= 0 && cell < cells().length ? cell : -1;
    }

    function point(id) {
      if (hot === id) return;
      hot = id;
      if (picture) { batch.show(picture); draw(); }
    }

    canvas.addEventListener('pointermove', event => {
      const cell = at(event);
      const request = owner(cell);
      point(request ? request.id : null);
      select(cell);
    });
    canvas.addEventListener('pointerleave', () => { point(null); select(-1); });
    canvas.addEventListener('focus', () => { if (selected < 0 && cells().length) select(0); });
    canvas.addEventListener('blur', () => { point(null); select(-1); });
    canvas.addEventListener('keydown', event => {
      const last = cells().length - 1;
      const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns, Home: -last, End: last}[event.key];
      if (!step || last < 0) return;
      event.preventDefault();
      select(Math.max(0, Math.min(last, selected + step)));
      const request = owner(selected);
      point(request ? request.id : null);
    });

    const table = rows(byId('map-rows'), one => {
      const {tag, cell} = who(one);
      const parts = {tag, held: element('td', {}), reserved: element('td', {}), share: element('td', {})};
      parts.node = element('tr', {}, cell, parts.held, parts.reserved, parts.share);
      return parts;
    }, (row, one) => {
      setTag(row.tag, slotOf(one.id));
      say(row.held, String(one.held));
      say(row.reserved, String(one.reserved));
      say(row.share, percent(one.held / picture.capacityBlocks));
    });

    byId('map-details').addEventListener('toggle', () => { if (picture) show(picture); });

    function note(p) {
      const size = p.map.blocksPerCell;
      const each = size === 1 ? `each of ${p.blockTokens} tokens` : `each square for ${size}, of ${p.blockTokens} tokens each, in the colour of who holds most`;
      say(byId('map-note'), `${number(p.capacityBlocks)} KV blocks, ${each}; the letter says whose.`);
      if (document.activeElement === canvas) return; // its name would be read aloud again and again
      canvas.setAttribute('aria-label', `KV memory: ${p.heldBlocks} of ${p.capacityBlocks} blocks are held by ${count(p.runningCount, 'request', 'requests')}. Arrow keys go from block to block.`);
    }

    return {
      point,
      draw,
      show(p) {
        if (!p.map) return;
        if (selected >= p.map.cells.length) selected = -1;
        note(p);
        draw();
        if (selected < 0) read(); // a block that is read out is not read out again by itself
        if (byId('map-details').open) table(p.running);
      },
    };
  })();

  // ---- charts with a read-out for pointer and keyboard ---------------------------------------------

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
   * Lets pointer and arrow keys choose one of what the chart has; -1 is none. Where the chosen one is
   * now, the chart says, since its list slides.
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
    let chosen = 0; // the time of the sample that is read, which stays the same while others come
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
      // By itself the text follows only while nobody is there to whom it would be read aloud.
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
      if (next === key || document.activeElement === svg) return; // who reads them one by one reads the same list
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

  // ---- the connection --------------------------------------------------------------------------------

  let paused = false;
  let key = null;
  let attempt = 0;
  let current = null; // the connection's AbortController
  let timer = 0;

  function link(text, kind) {
    const node = byId('link');
    say(node, text);
    node.className = `pill ${kind}`;
  }

  function stop() {
    clearTimeout(timer);
    if (current) current.abort();
    current = null;
  }

  function retry(why) {
    stop();
    if (paused || document.hidden) return;
    const seconds = Math.min(10, 2 ** attempt++);
    link(`${why}; trying again`, 'bad');
    timer = setTimeout(connect, seconds * 1000);
  }

  async function connect() {
    stop();
    if (paused || document.hidden) return;
    const own = new AbortController();
    current = own;
    const alive = () => { clearTimeout(timer); timer = setTimeout(() => retry('The server is silent'), SILENCE_MS); };
    alive();
    try {
      const response = await fetch('live/stream', {
        headers: key ? {authorization: `Bearer ${key}`} : {}, cache: 'no-store', signal: own.signal});
      if (response.status === 401) { stop(); askKey(); return; }
      if (response.status === 503) { retry('Too many look at this page'); return; }
      if (!response.ok) { retry(`The server answers ${response.status}`); return; }
      byId('key-form').hidden = true;
      await follow(response.body.pipeThrough(new TextDecoderStream()).getReader(), alive, own);
      if (current === own) retry('The connection has ended');
    } catch (error) {
      if (current === own) retry('The connection is lost');
    }
  }

  /** Reads server-sent events; each picture is one. */
  async function follow(reader, alive, own) {
    let text = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done || current !== own) return;
      alive();
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      const latest = events[events.length - 1]; // whoever is late draws the last one only
      if (!latest) continue;
      const data = latest.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5)).join('\n');
      if (!data) continue;
      attempt = 0;
      link('Live', 'good');
      show(JSON.parse(data));
    }
  }

  function askKey() {
    link('An API key is needed', 'bad');
    say(byId('key-note'), key ? 'That key does not open this page.' : 'It is kept in this tab only, until the page is loaded again.');
    byId('key-form').hidden = false;
    byId('key').focus();
  }

  byId('key-form').addEventListener('submit', event => {
    event.preventDefault();
    key = byId('key').value.trim();
    byId('key').value = '';
    link('Connecting', '');
    connect();
  });

  byId('pause').addEventListener('click', () => {
    paused = !paused;
    say(byId('pause'), paused ? 'Go on' : 'Pause');
    if (paused) {
      stop();
      link(`Paused at ${clock(Date.now())}`, '');
    } else {
      attempt = 0;
      link('Connecting', '');
      connect();
    }
  });

  // A page that nobody sees costs the server nothing.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) stop();
    else if (!paused && !current) connect();
  });

  connect();
})();
