// A line chart that shows values for the pointer and for the keyboard.

/**
 * chart: {title, x: [..], xName, xFormat, series: [{name, color, y: [..], area, dash}], format,
 *         log, target, max, height, points, strip: {y: [..], color}, rest}
 * rest: the index whose values are shown while none is selected; optional
 */
function lineChart(parent, chart) {
  const card = element('div', {class: 'card'}, element('h3', {}, chart.title));
  const host = element('div', {});
  const readout = element('p', {class: 'readout', 'aria-live': 'polite'});
  card.append(host, readout);
  parent.append(card);
  let selected = -1;
  // Earlier lines are wider, so that lines with the same values stay visible.
  const lineWidth = k => 1.8 + Math.min(5, 0.8 * (chart.series.length - 1 - k));
  const values = chart.series.flatMap(s => s.y).concat(chart.target || []).filter(y => y !== null && isFinite(y) && (!chart.log || y > 0));
  let low = chart.log ? Math.min(...values) / 1.1 : 0;
  let high = chart.max || Math.max(...values, chart.log ? 0 : 1e-9) * (chart.log ? 1.1 : 1.06);
  if (!values.length) { low = chart.log ? 0.1 : 0; high = 1; }
  const xs = chart.x;

  function show(chosen) {
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
      show(index);
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

/** Draws a mark whose form differs for each policy, as the colours do. */
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
