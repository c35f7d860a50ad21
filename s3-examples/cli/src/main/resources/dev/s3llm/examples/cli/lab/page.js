'use strict';
// Draws the page from the JSON beside it. No library, no network.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const runs = data.points[data.points.length - 1].runs;
  const policies = runs.map(run => run.policy);
  const color = i => `var(--c${i % 8})`;
  const SVG = 'http://www.w3.org/2000/svg'; // a namespace: nothing is loaded from there

  // ---- small helpers -------------------------------------------------------------------------

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

  // Charts are drawn to the width they have, and again when it changes.
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

  // ---- a line chart with a read-out for pointer and keyboard -----------------------------------

  /**
   * chart: {title, x: [..], xName, xFormat, series: [{name, color, y: [..], area, dash}], format,
   *         log, target, max, height, points, strip: {y: [..], color}, rest}
   * rest: the index that is read out while none is chosen; none without it
   */
  function lineChart(parent, chart) {
    const card = element('div', {class: 'card'}, element('h3', {}, chart.title));
    const host = element('div', {});
    const readout = element('p', {class: 'readout', 'aria-live': 'polite'});
    card.append(host, readout);
    parent.append(card);
    let selected = -1;
    // Lines that coincide stay visible: the earlier ones are wider.
    const lineWidth = k => 1.8 + Math.min(5, 0.8 * (chart.series.length - 1 - k));
    const values = chart.series.flatMap(s => s.y).concat(chart.target || []).filter(y => y !== null && isFinite(y) && (!chart.log || y > 0));
    let low = chart.log ? Math.min(...values) / 1.1 : 0;
    let high = chart.max || Math.max(...values, chart.log ? 0 : 1e-9) * (chart.log ? 1.1 : 1.06);
    if (!values.length) { low = chart.log ? 0.1 : 0; high = 1; }
    const xs = chart.x;

    function say(chosen) {
      const index = chosen < 0 && chart.rest !== undefined ? chart.rest : chosen;
      readout.replaceChildren();
      if (index < 0) {
        readout.append(element('span', {style: 'color:var(--soft)'}, chart.hint || ''));
        return;
      }
      readout.append(element('span', {}, element('b', {}, `${chart.xName} ${chart.xFormat(xs[index])}`)));
      chart.series.concat(chart.also || []).forEach(s => {
        const dot = s.color ? [swatch(s.color)] : [];
        const item = element('span', {style: 'display:inline-flex;align-items:center;gap:.3em'}, ...dot, `${s.name} ${(s.format || chart.format)(s.y[index])}`);
        readout.append(item);
      });
    }

    drawn(host, width => {
      const left = 54, right = 10, top = 8, strip = chart.strip ? 34 : 0, bottom = 24 + strip;
      const height = (chart.height || 210) + strip;
      const svg = document.createElementNS(SVG, 'svg');
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      svg.setAttribute('height', height);
      svg.setAttribute('role', 'img');
      svg.setAttribute('tabindex', '0');
      svg.setAttribute('aria-label', `${chart.title}. ${chart.series.map(s => s.name).join(', ')}. Arrow keys read values.`);
      const first = xs[0], last = xs[xs.length - 1];
      const px = x => left + (last === first ? 0.5 : (x - first) / (last - first)) * (width - left - right);
      const ratio = y => chart.log ? Math.log(Math.max(y, low) / low) / Math.log(high / low) : (y - low) / (high - low);
      const py = y => height - bottom - Math.min(1, ratio(y)) * (height - top - bottom);
      (chart.log ? logTicks(low, high) : ticks(low, high, 4)).forEach(t => {
        shape(svg, 'line', {class: 'grid', x1: left, x2: width - right, y1: py(t), y2: py(t)});
        shape(svg, 'text', {x: left - 6, y: py(t) + 4, 'text-anchor': 'end'}, chart.format(t));
      });
      const labels = chart.points ? xs.filter((x, i) => i === 0 || px(x) - px(xs[0]) > 30 && i % Math.ceil(xs.length * 44 / width) === 0) : ticks(first, last, width < 420 ? 4 : 6);
      labels.forEach(t => shape(svg, 'text', {x: px(t), y: height - 6, 'text-anchor': 'middle'}, chart.xFormat(t)));
      shape(svg, 'line', {class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom});
      if (chart.target) shape(svg, 'line', {class: 'target', x1: left, x2: width - right, y1: py(chart.target), y2: py(chart.target)});
      chart.series.forEach((s, k) => {
        const known = s.y.map((y, i) => [xs[i], y]).filter(([, y]) => y !== null && isFinite(y));
        if (!known.length) return;
        const path = known.map(([x, y], i) => `${i ? 'L' : 'M'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join('');
        if (s.area) {
          shape(svg, 'path', {d: `${path}L${px(known[known.length - 1][0])} ${py(low)}L${px(known[0][0])} ${py(low)}Z`, style: `fill:${s.color};fill-opacity:.32`});
          return;
        }
        shape(svg, 'path', {d: path, style: `fill:none;stroke:${s.color};stroke-width:${s.width || lineWidth(k)};stroke-linejoin:round${s.dash ? ';stroke-dasharray:' + s.dash : ''}`});
        if (chart.points) known.forEach(([x, y]) => marker(svg, k, px(x), py(y), s.color, 3 + lineWidth(k) / 3));
      });
      if (chart.strip) {
        const most = Math.max(1, ...chart.strip.y);
        const base = height - 22;
        chart.strip.y.forEach((y, i) => {
          if (y) shape(svg, 'line', {x1: px(xs[i]), x2: px(xs[i]), y1: base, y2: base - 3 - 19 * y / most, style: `stroke:${chart.strip.color};stroke-width:1.5`});
        });
      }
      const cross = shape(svg, 'line', {class: 'cross', y1: top, y2: height - bottom, visibility: 'hidden'});
      const select = index => {
        selected = index;
        cross.setAttribute('visibility', index < 0 ? 'hidden' : 'visible');
        if (index >= 0) { cross.setAttribute('x1', px(xs[index])); cross.setAttribute('x2', px(xs[index])); }
        say(index);
      };
      const point = event => {
        const at = event.clientX - svg.getBoundingClientRect().left;
        let best = 0;
        xs.forEach((x, i) => { if (Math.abs(px(x) - at) < Math.abs(px(xs[best]) - at)) best = i; });
        select(best);
      };
      svg.addEventListener('pointermove', point);
      svg.addEventListener('pointerdown', point);
      svg.addEventListener('pointerleave', () => select(-1));
      svg.addEventListener('keydown', event => {
        const far = Math.max(1, Math.round(xs.length / 20));
        const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: far, PageUp: -far, Home: -xs.length, End: xs.length}[event.key];
        if (!step) return;
        event.preventDefault();
        select(Math.max(0, Math.min(xs.length - 1, (selected < 0 && step > 0 ? -1 : selected) + step)));
      });
      host.replaceChildren(svg);
      select(selected);
    });
  }

  /** Policies differ by the form of their marks as well as by colour. */
  function marker(svg, k, x, y, fill, r) {
    const paths = [
      `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
      `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}Z`,
      `M${x} ${y - r - 1}l${r + 1} ${2 * r}h${-2 * r - 2}Z`,
      `M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}Z`,
      `M${x} ${y + r + 1}l${r + 1} ${-2 * r}h${-2 * r - 2}Z`,
      `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}`];
    const form = k % paths.length;
    shape(svg, 'path', {d: paths[form], style: form === 5 ? `stroke:${fill};stroke-width:2.5` : `fill:${fill}`});
  }

  // ---- head ----------------------------------------------------------------------------------

  const hasGoodput = runs[0].slo_met !== undefined;
  const list = names => names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

  /** Policies within half a percent of the best count as equal. */
  function headline() {
    const value = run => hasGoodput ? run.goodput_rps : run.throughput_tok_s;
    const unit = hasGoodput ? 'requests a second within the limits' : 'tokens a second';
    const most = Math.max(...runs.map(value));
    const best = runs.filter(run => value(run) >= 0.995 * most);
    const detailed = data.sweep ? `${data.sweep.label} ${number(data.points[data.points.length - 1].value)}` : '';
    if (detailed) byId('h-summary').textContent = `In short, at ${detailed}`;
    let text = `${list(best.map(run => run.policy))} ${best.length > 1 ? 'serve' : 'serves'} the most: ${number(most)} ${unit}`;
    if (!best.includes(runs[0])) {
      const ratio = most / value(runs[0]);
      text += ratio < 20 ? `, ${number(ratio)} times ${runs[0].policy}` : `; ${runs[0].policy} serves ${number(value(runs[0]))}`;
    }
    if (detailed) {
      const peaks = policies.map((policy, i) => [policy, Math.max(...data.points.map(point => value(point.runs[i])))]).sort((a, b) => b[1] - a[1]);
      text = `The most over all values of ${data.sweep.label}, in ${unit}: ${peaks.map(([policy, peak]) => `${policy} ${number(peak)}`).join(', ')}`;
    }
    byId('headline').textContent = text.charAt(0).toUpperCase() + text.slice(1) + '.';
    const facts = data.facts.slice();
    if (data.targets.ttft !== null) facts.push(['TTFT limit', seconds(data.targets.ttft)]);
    if (data.targets.tpot !== null) facts.push(['TPOT limit', seconds(data.targets.tpot)]);
    facts.forEach(([name, value]) => byId('facts').append(element('div', {}, element('dt', {}, name), element('dd', {}, value))));
    policies.forEach((policy, i) => byId('legend').append(element('li', {}, swatch(color(i)), policy)));
  }

  function summary() {
    bars('Throughput, tokens/s', run => run.throughput_tok_s, number);
    if (hasGoodput) {
      bars('Goodput, requests/s', run => run.goodput_rps, number);
      bars('Requests within the limits', run => run.slo_met / run.requests, percent, 1);
    }
    bars('Time to first token, p99', run => run.ttft_p99_s, seconds);
    bars('Time per output token, p99', run => run.tpot_p99_s, seconds);
    bars('KV memory in use, mean', run => run.kv_use, percent, 1);
    bars('Preemptions', run => run.preemptions, number);
    bars('Tokens computed again', run => run.recomputed_tokens, number);
  }

  function bars(title, value, format, full) {
    const most = full || Math.max(...runs.map(value), 1e-12);
    const rows = element('div', {class: 'bars'});
    runs.forEach((run, i) => {
      const width = Math.max(0, Math.min(100, 100 * value(run) / most));
      rows.append(element('div', {}, run.policy),
        element('div', {class: 'track', 'aria-hidden': 'true'}, element('div', {class: 'fill', style: `width:${width}%;background:${color(i)}`})),
        element('div', {class: 'value'}, format(value(run))));
    });
    byId('summary').append(element('div', {class: 'card'}, element('h3', {}, title), rows));
  }

  // ---- over the sweep ----------------------------------------------------------------------------

  function overSweep() {
    if (!data.sweep || data.points.length < 2) return;
    byId('load').hidden = false;
    const name = {rate: 'Load', 'kv-gb': 'KV memory', epsilon: 'Epsilon'}[data.sweep.label];
    byId('h-load').textContent = data.sweep.label === 'rate' ? 'Over load' : `Over ${name}`;
    const points = data.points.slice().sort((a, b) => a.value - b.value);
    const x = points.map(point => point.value);
    const chart = (title, field, format, more) => lineChart(byId('load-charts'), Object.assign({
      title, x, xName: `${name}, ${data.sweep.unit}`, xFormat: number, format, points: true, rest: x.indexOf(data.points[data.points.length - 1].value),
      series: policies.map((policy, i) => ({name: policy, color: color(i), y: points.map(point => field(point.runs[i]))}))
    }, more));
    if (hasGoodput) {
      chart('Goodput, requests/s', run => run.goodput_rps, number);
      chart('Requests within the limits', run => run.slo_met / run.requests, percent, {max: 1.02});
    }
    chart('Throughput, tokens/s', run => run.throughput_tok_s, number);
    chart('TTFT, median', run => run.ttft_p50_s, seconds, {log: true, target: data.targets.ttft});
    chart('TTFT, 99th percentile', run => run.ttft_p99_s, seconds, {log: true, target: data.targets.ttft});
    chart('TPOT, median', run => run.tpot_p50_s, seconds, {target: data.targets.tpot});
    chart('TPOT, 99th percentile', run => run.tpot_p99_s, seconds, {target: data.targets.tpot});
    chart('Preemptions', run => run.preemptions, number);
  }

  // ---- latency and memory ------------------------------------------------------------------------

  function latencies() {
    const x = data.probabilities.map(p => p * 100);
    [['Time to first token', 'ttft'], ['Time per output token', 'tpot']].forEach(([title, field]) =>
      lineChart(byId('latency-charts'), {
        title, x, xName: 'Share of requests', xFormat: p => number(p) + ' %', format: seconds, log: true, rest: data.probabilities.indexOf(0.99),
        target: data.targets[field],
        series: policies.map((policy, i) => ({name: policy, color: color(i), y: data.details[i][field]}))
      }));
  }

  function memory() {
    data.details.forEach((detail, i) => {
      const s = detail.series;
      const x = s.used.map((_, k) => (k + 0.5) * s.seconds);
      lineChart(byId('memory-charts'), {
        title: policies[i], x, xName: 'At', xFormat: seconds, format: percent, max: 1.02, height: 150,
        series: [{name: 'used', color: color(i), y: s.used, area: true}, {name: 'reserved', color: color(i), y: s.reserved, width: 1.4}],
        also: [{name: 'running', y: s.running, format: number}, {name: 'waiting', y: s.waiting, format: number}, {name: 'preemptions', y: s.preemptions, format: number}],
        strip: {y: s.preemptions, color: 'var(--lost)'},
        hint: `${number(s.capacity)} blocks; ${number(s.preemptions.reduce((a, b) => a + b, 0))} preemptions`
      });
    });
  }

  // ---- waiting -------------------------------------------------------------------------------------

  const allReasons = [...new Set(data.details.flatMap(detail => detail.reasons))];
  const reasonColor = reason => ['var(--wait)', 'var(--c1)', 'var(--c4)', 'var(--c2)', 'var(--c5)', 'var(--c6)', 'var(--c7)'][allReasons.indexOf(reason) % 7];

  function waitingParts(detail) {
    const parts = detail.reasons.map((reason, k) => [reason, detail.waitedFirst[k], reasonColor(reason)]);
    parts.push(['after a preemption', detail.waitedAgain.reduce((a, b) => a + b, 0), 'var(--lost)']);
    return parts;
  }

  function waiting() {
    const totals = data.details.map(detail => waitingParts(detail).reduce((sum, part) => sum + part[1], 0));
    const legend = element('ul', {class: 'legend', 'aria-label': 'Colours of the reasons'});
    allReasons.forEach(reason => legend.append(element('li', {}, swatch(reasonColor(reason)), reason)));
    legend.append(element('li', {}, swatch('var(--lost)'), 'after a preemption'));
    const rows = element('div', {class: 'bars'});
    data.details.forEach((detail, i) => {
      const track = element('div', {class: 'track', 'aria-hidden': 'true'});
      waitingParts(detail).forEach(([reason, total, background]) => track.append(
        element('div', {class: 'fill', title: `${reason}: ${seconds(total / runs[i].requests)}`, style: `width:${100 * total / Math.max(totals[i], 1e-12)}%;background:${background}`})));
      rows.append(element('div', {}, policies[i]), track, element('div', {class: 'value'}, seconds(totals[i] / runs[i].requests)));
    });
    const head = ['Policy', ...allReasons, 'after a preemption'];
    const table = dataTable(head, data.details.map((detail, i) => [policies[i],
      ...allReasons.map(reason => {
        const k = detail.reasons.indexOf(reason);
        return k < 0 ? '–' : seconds(detail.waitedFirst[k] / runs[i].requests);
      }), seconds(waitingParts(detail).pop()[1] / runs[i].requests)]));
    byId('waiting').append(legend, element('div', {class: 'card'}, rows),
      element('details', {}, element('summary', {}, 'As a table'),
        element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Waiting by reason'}, table)));
  }

  function dataTable(head, rows) {
    const side = i => head[i] === 'Policy' || head[i] === 'Mostly for' ? {class: 'left'} : {};
    const table = element('table', {});
    table.append(element('thead', {}, element('tr', {}, ...head.map((name, i) => element('th', {scope: 'col', ...side(i)}, name)))));
    table.append(element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map((cell, i) => element('td', side(i), String(cell)))))));
    return table;
  }

  // ---- the batch -----------------------------------------------------------------------------------

  const phases = {w: ['waiting', 'var(--wait)'], r: ['running', 'var(--run)'], p: ['preempted', 'var(--lost)']};
  const inWindow = (detail, [from, length]) => detail.records.filter(r => r.id >= from && r.id < from + length);
  const waitedSeconds = record => record.waited.reduce((a, b) => a + b, 0);

  function explain(record, detail) {
    const [arrival, prompt, output] = data.requests[record.id];
    let text = `Request ${record.id}: came at ${seconds(arrival / 1000)}, prompt ${number(prompt)} tokens, answer ${number(output)} (predicted ${number(record.predicted)}); first token after ${seconds(record.ttft)}. `;
    const waits = record.waited.map((spent, k) => [spent, detail.reasons[k]]).filter(([spent]) => spent > 0.0005).sort((a, b) => b[0] - a[0]);
    text += waits.length ? `Waited ${seconds(waitedSeconds(record))}: ${waits.map(([spent, reason]) => `${reason === detail.reasons[0] ? 'for ' : ''}${reason} (${seconds(spent)})`).join(', ')}. ` : 'Did not wait. ';
    record.losses.slice(0, 3).forEach(([at, mode, tokens, reason]) => {
      text += `Preempted at ${seconds(at / 1000)} by ${mode}, ${number(tokens)} tokens: ${reason}. `;
    });
    if (record.losses.length > 3) text += `And ${record.losses.length - 3} more preemptions.`;
    return text;
  }

  function mainReason(record, detail) {
    const most = record.waited.reduce((best, spent, k) => spent > record.waited[best] ? k : best, 0);
    return waitedSeconds(record) > 0.0005 ? detail.reasons[most] : '–';
  }

  function batch() {
    const policyBox = byId('batch-policy'), windowBox = byId('batch-window'), host = byId('batch');
    policies.forEach((policy, i) => policyBox.append(element('option', {value: i}, policy)));
    // What is most worth a look: the policy that preempts most, where its requests suffer most.
    const shown = runs.reduce((most, run, i) => run.preemptions > runs[most].preemptions ? i : most, runs.length - 1);
    const trouble = window => inWindow(data.details[shown], window).reduce((sum, record) => sum + waitedSeconds(record) + 1000 * record.losses.length, 0);
    const troubles = data.windows.map(trouble);
    data.windows.forEach((window, i) => {
      const [arrival] = data.requests[window[0]];
      windowBox.append(element('option', {value: i}, `${window[0]} to ${window[0] + window[1] - 1}, from ${seconds(arrival / 1000)}`));
    });
    windowBox.value = troubles.indexOf(Math.max(...troubles));
    policyBox.value = shown;
    Object.values(phases).forEach(([name, fill]) => byId('phases').append(element('li', {}, swatch(fill), name)));
    let selected = 0;

    function draw(width) {
      const detail = data.details[policyBox.value];
      if (!inWindow(detail, data.windows[windowBox.value]).length) {
        host.replaceChildren();
        byId('batch-table').replaceChildren();
        byId('batch-detail').textContent = 'No request of this window could be served.';
        return;
      }
      const window = data.windows[windowBox.value];
      const records = inWindow(detail, window);
      const spans = records.flatMap(record => record.spans);
      const low = Math.min(...spans.map(span => span[1])), high = Math.max(...spans.map(span => span[2]), low + 1);
      const left = 48, right = 8, row = 8, top = 4, height = top + row * window[1] + 24;
      const svg = document.createElementNS(SVG, 'svg');
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      svg.setAttribute('height', height);
      svg.setAttribute('role', 'img');
      svg.setAttribute('tabindex', '0');
      svg.setAttribute('aria-label', `When requests ${window[0]} to ${window[0] + window[1] - 1} waited and ran under ${policies[policyBox.value]}. Up and down keys choose a request, which is described below.`);
      const px = ms => left + (ms - low) / (high - low) * (width - left - right);
      ticks(low / 1000, high / 1000, width < 420 ? 3 : 7).forEach(t => {
        shape(svg, 'line', {class: 'grid', x1: px(t * 1000), x2: px(t * 1000), y1: top, y2: height - 22});
        shape(svg, 'text', {x: px(t * 1000), y: height - 6, 'text-anchor': 'middle'}, number(t) + ' s');
      });
      records.forEach(record => {
        const y = top + row * (record.id - window[0]);
        if ((record.id - window[0]) % 8 === 0) shape(svg, 'text', {x: left - 6, y: y + 8, 'text-anchor': 'end'}, record.id);
        record.spans.forEach(([phase, from, to]) => {
          const thin = phase === 'r' ? 0 : 2;
          shape(svg, 'rect', {x: px(from), y: y + 1 + thin / 2, width: Math.max(0.75, px(to) - px(from)), height: row - 2 - thin, style: `fill:${phases[phase][1]}`});
        });
      });
      const frame = shape(svg, 'rect', {x: left - 2, width: width - left - right + 4, height: row, style: 'fill:none;stroke:var(--focus)', rx: 2});
      const choose = index => {
        selected = Math.max(0, Math.min(records.length - 1, index));
        frame.setAttribute('y', top + row * (records[selected].id - window[0]));
        byId('batch-detail').textContent = explain(records[selected], detail);
      };
      const pointed = event => {
        const box = svg.getBoundingClientRect();
        const id = window[0] + Math.floor(((event.clientY - box.top) * height / box.height - top) / row);
        const index = records.findIndex(record => record.id >= id);
        choose(index < 0 ? records.length - 1 : index);
      };
      svg.addEventListener('pointermove', pointed);
      svg.addEventListener('pointerdown', pointed);
      svg.addEventListener('keydown', event => {
        const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -records.length, End: records.length}[event.key];
        if (!step) return;
        event.preventDefault();
        choose(selected + step);
      });
      host.replaceChildren(svg);
      choose(selected);
      byId('batch-table').replaceChildren(dataTable(
        ['Request', 'Came', 'Prompt', 'Predicted', 'Answer', 'TTFT', 'Waited', 'Mostly for', 'Preempted'],
        records.map(record => {
          const [arrival, prompt, output] = data.requests[record.id];
          return [record.id, seconds(arrival / 1000), number(prompt), number(record.predicted), number(output), seconds(record.ttft), seconds(waitedSeconds(record)), mainReason(record, detail), record.losses.length];
        })));
    }

    const inner = () => draw(Math.max(240, host.clientWidth - 24));
    redraws.push(inner);
    policyBox.addEventListener('change', inner);
    windowBox.addEventListener('change', () => { selected = 0; inner(); });
  }

  // ---- numbers -------------------------------------------------------------------------------------

  function numbers() {
    const head = [...(data.sweep ? [data.sweep.label] : []), 'Policy', 'Tokens/s', ...(hasGoodput ? ['Goodput, req/s', 'Within limits'] : []),
      'Finished', 'Refused', 'TTFT p50', 'TTFT p99', 'TPOT p50', 'TPOT p99', 'KV use', 'Preemptions', 'Recomputed tokens', 'Swapped tokens'];
    const rows = data.points.flatMap(point => point.runs.map(run => [
      ...(data.sweep ? [number(point.value)] : []), run.policy, number(run.throughput_tok_s),
      ...(hasGoodput ? [number(run.goodput_rps), percent(run.slo_met / run.requests)] : []),
      number(run.finished), number(run.rejected), seconds(run.ttft_p50_s), seconds(run.ttft_p99_s),
      seconds(run.tpot_p50_s), seconds(run.tpot_p99_s), percent(run.kv_use), number(run.preemptions), number(run.recomputed_tokens), number(run.swapped_tokens)]));
    byId('numbers').append(dataTable(head, rows));
  }

  headline();
  summary();
  overSweep();
  latencies();
  memory();
  waiting();
  batch();
  numbers();
  lastWidth = innerWidth;
  redrawAll();
})();
