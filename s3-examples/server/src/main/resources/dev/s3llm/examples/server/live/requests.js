// Tags: a letter and a colour for each running request, released at its end.

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

// Figures, the batch, the waiting requests and the events.

let picture = null;
let hot = null; // id of the request under the pointer

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
    say(byId('lead'), 'No request runs or waits.');
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
  tile('Within predicted 90 %', c.count ? percent(c.within / c.count) : '–', c.count ? `of the last ${c.count} answers${c.drifting ? '; drifting' : ''}` : p.ended ? 'no answer has ended by itself' : 'no answer yet');
  tile('Answers', number(p.ended), `${count(p.preemptions, 'preemption', 'preemptions')}, ${number(p.failed)} failed`);
}

function health(p) {
  const node = byId('health');
  say(node, p.healthy ? 'Healthy' : `Unhealthy: ${p.reason}`);
  node.className = `pill ${p.healthy ? 'good' : 'bad'}`;
  const age = p.millis - p.inspectedMillis;
  const stale = byId('stale');
  const silent = p.inspectedMillis === 0 || age > 3000;
  if (silent) {
    const since = p.inspectedMillis === 0 ? 'yet' : `since ${clock(p.inspectedMillis)}`;
    say(stale, `The engine's loop has not answered ${since}; the batch, the memory and the queue are shown in their last known state.`);
  }
  stale.hidden = !silent;
}

/** Rows in the order of the list, each kept as long as its request is in the list. */
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
    say(byId('batch-more'), p.runningCount === 0 ? 'No request runs.' : more > 0 ? `and ${number(more)} more` : '');
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
    say(byId('waiting-more'), p.waitingCount === 0 ? 'No request waits.' : more > 0 ? `and ${number(more)} more` : '');
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
