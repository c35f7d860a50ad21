// The map of the memory.

const map = (() => {
  const canvas = byId('map');
  const host = byId('map-host');
  const context = canvas.getContext('2d');
  let selected = -1;
  let grid = {columns: 1, cell: 1, gap: 1};

  const OTHER = -2; // owned by a request beyond the list
  const SHARED = -3; // owned by several requests together

  const cells = () => picture && picture.map ? picture.map.cells : [];
  const owner = cell => cell >= 0 && cells()[cell] >= 0 ? picture.running[cells()[cell]] : null;

  function layout(n, width) {
    const height = Math.min(400, Math.max(180, width * 0.72));
    let columns = 1;
    while (columns < n && Math.ceil(n / columns) * width / columns > height) columns++;
    for (let more = 0; more < 4; more++) { // prefers a full last row
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
      context.fillStyle = index === SHARED ? text : index === OTHER ? other : slot < 0 ? free : palette[slot % COLORS];
      context.beginPath();
      context.roundRect(x, y, grid.cell, grid.cell, Math.min(4, grid.cell / 4));
      context.fill();
      if (slot >= 0 && grid.cell >= 17) {
        context.fillStyle = on;
        context.fillText(letters(slot), x + grid.cell / 2, y + grid.cell / 2 + 0.5);
      } else if (slot >= COLORS && grid.cell >= 5) { // the same colour with another mark
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
      say(node, 'Point at a block, or focus the map and use the arrow keys, to see its request.');
      return;
    }
    const size = picture.map.blocksPerCell;
    const name = size === 1 ? `Block ${selected}` : `Blocks ${selected * size} to ${Math.min(picture.capacityBlocks, (selected + 1) * size) - 1}`;
    say(node, request
      ? `${name}: ${letters(slotOf(request.id))}, ${request.id}${request.tenant ? ` of ${request.tenant}` : ''}; ${request.output} tokens of ${request.p50} to ${request.p90}, ${request.held} of ${request.reserved} blocks.`
      : `${name}: ${{[OTHER]: 'held by a request that is not listed', [SHARED]: 'a beginning that several requests share'}[cells()[selected]] || 'free'}.`);
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
    const each = size === 1 ? `each of ${p.blockTokens} tokens` : `each square for ${size}, of ${p.blockTokens} tokens each, in the colour of the request that holds most`;
    say(byId('map-note'), `${number(p.capacityBlocks)} KV blocks, ${each}; the letter names the request.`);
    if (document.activeElement === canvas) return; // with focus a screen reader would read its name again
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
      if (selected < 0) read(); // with a selection a screen reader would read it again
      if (byId('map-details').open) table(p.running);
    },
  };
})();
