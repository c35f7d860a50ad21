// The timeline of single requests.

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
  // Preselects the policy with the most preemptions, and the window with the longest waits.
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
