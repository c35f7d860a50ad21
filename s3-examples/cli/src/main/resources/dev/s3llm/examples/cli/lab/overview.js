// The headline, the summary, the charts over a sweep, latencies, memory, and the table of all numbers.

const hasGoodput = runs[0].slo_met !== undefined;
const list = names => names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

/** Writes the headline and the facts. Policies within half a percent of the best count as equal. */
function headline() {
  const value = run => hasGoodput ? run.goodput_rps : run.throughput_tok_s;
  const unit = hasGoodput ? 'requests a second within the limits' : 'tokens a second';
  const most = Math.max(...runs.map(value));
  const best = runs.filter(run => value(run) >= 0.995 * most);
  const detailed = data.sweep ? `${data.sweep.label} ${number(data.points[data.points.length - 1].value)}` : '';
  if (detailed) byId('h-summary').textContent = `In short, at ${detailed}`;
  let text = `${list(best.map(label))} ${best.length > 1 ? 'serve' : 'serves'} the most: ${number(most)} ${unit}`;
  if (!best.includes(runs[0])) {
    const ratio = most / value(runs[0]);
    text += ratio < 20 ? `, ${number(ratio)} times ${label(runs[0])}` : `; ${label(runs[0])} serves ${number(value(runs[0]))}`;
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
  bars('Total latency, mean', run => run.total_mean_s, seconds);
  bars('Total latency, p99', run => run.total_p99_s, seconds);
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
    rows.append(element('div', {}, label(run)),
      element('div', {class: 'track', 'aria-hidden': 'true'}, element('div', {class: 'fill', style: `width:${width}%;background:${color(i)}`})),
      element('div', {class: 'value'}, format(value(run))));
  });
  byId('summary').append(element('div', {class: 'card'}, element('h3', {}, title), rows));
}

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
  chart('Total latency, mean', run => run.total_mean_s, seconds, {log: true});
  chart('Total latency, 99th percentile', run => run.total_p99_s, seconds, {log: true});
  chart('TPOT, median', run => run.tpot_p50_s, seconds, {target: data.targets.tpot});
  chart('TPOT, 99th percentile', run => run.tpot_p99_s, seconds, {target: data.targets.tpot});
  chart('Preemptions', run => run.preemptions, number);
}

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

function numbers() {
  const head = [...(data.sweep ? [data.sweep.label] : []), 'Policy', 'Order', 'Tokens/s', ...(hasGoodput ? ['Goodput, req/s', 'Within limits'] : []),
    'Finished', 'Refused', 'TTFT mean', 'TTFT p50', 'TTFT p99', 'Queue mean', 'Total mean', 'Total p50', 'Total p99', 'Slowdown mean', 'TPOT p50', 'TPOT p99', 'KV use', 'Preemptions', 'Recomputed tokens', 'Swapped tokens'];
  const rows = data.points.flatMap(point => point.runs.map(run => [
    ...(data.sweep ? [number(point.value)] : []), run.policy, run.order, number(run.throughput_tok_s),
    ...(hasGoodput ? [number(run.goodput_rps), percent(run.slo_met / run.requests)] : []),
    number(run.finished), number(run.rejected), seconds(run.ttft_mean_s), seconds(run.ttft_p50_s), seconds(run.ttft_p99_s),
    seconds(run.queue_mean_s), seconds(run.total_mean_s), seconds(run.total_p50_s), seconds(run.total_p99_s), number(run.slowdown_mean),
    seconds(run.tpot_p50_s), seconds(run.tpot_p99_s), percent(run.kv_use), number(run.preemptions), number(run.recomputed_tokens), number(run.swapped_tokens)]));
  byId('numbers').append(dataTable(head, rows));
}
