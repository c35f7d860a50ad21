// What requests waited for.

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
