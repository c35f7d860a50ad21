// The live page in a real browser, against the server at S3_URL, under load: node --test
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { browser, load, pause, url } from './page.js';

const HOSTILE = '<img src=x onerror="window.broken=1">';
const complaints = [];
const strangers = [];
let chrome;
let stop;

before(async () => {
  stop = load(48, ['web', HOSTILE]);
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  await stop?.();
  assert.deepEqual(strangers, [], 'requests to other hosts');
});

test('the batch appears and its values move', async () => {
  const page = await open();
  const tokens = page.locator('#batch-rows .numbers b');
  const seen = await tokens.allTextContents();
  await until(async () => String(await tokens.allTextContents()) !== String(seen));
  for (const title of ['Tokens a second', 'Running', 'KV memory held']) {
    const value = page.locator('#figures div', { hasText: title }).locator('.value');
    await until(async () => /[1-9]/.test(await value.textContent()));
  }
  await until(async () => (await colours(page)) >= 4); // those of several requests
  await until(async () => (await page.locator('#charts path.line').count()) >= 5);
  await page.locator('#waiting-rows .reason').first().waitFor();
  assert.match(await page.locator('#waiting-rows .reason').first().textContent(), /\w+ \w+/);
  await page.close();
});

test('what clients send is text and nothing else', async () => {
  const page = await open();
  await page.locator('#batch-rows .tenant', { hasText: HOSTILE }).first().waitFor();
  await pause(1500);
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.locator('img').count(), 0);
  await page.close();
});

test('the keyboard reaches everything, in order', async () => {
  const page = await open();
  const order = [];
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press('Tab');
    order.push(await page.evaluate(() => {
      const node = document.activeElement;
      return node.id || node.getAttribute('aria-label') || node.className || node.tagName;
    }));
  }
  assert.deepEqual(order.map((name) => name.replace(/ over the last.*| of the latest.*/, '')), [
    'skip', 'pause', 'map', 'SUMMARY', 'Requests that wait', 'Requests that run',
    'Preemptions and other events', 'Tokens a second', 'Requests', 'KV blocks',
    'Predicted and actual length', ...order.slice(11)]);
  await page.locator('#map').focus();
  const readout = page.locator('#map-readout');
  const first = await readout.textContent();
  assert.match(first, /^Blocks? 0/);
  await page.keyboard.press('ArrowRight');
  assert.match(await readout.textContent(), /^Blocks? 1/);
  await page.keyboard.press('End');
  assert.match(await readout.textContent(), /^Blocks? 127/);
  const chart = page.locator('#charts .card').first();
  await chart.locator('svg[tabindex]').focus();
  await page.keyboard.press('End');
  const value = await chart.locator('.readout').textContent();
  assert.match(value, /^\d\d:\d\d:\d\d: tokens a second/);
  await pause(1500);
  assert.equal(await chart.locator('.readout').textContent(), value, 'it is read out once');
  const outline = await chart.locator('svg[tabindex]').evaluate((n) => getComputedStyle(n).outlineStyle);
  assert.notEqual(outline, 'none', 'focus can be seen');
  await page.close();
});

test('memory of requests that are not listed is not shown as free', async () => {
  const page = await shown((state) => {
    state.map.cells = state.map.cells.map((cell, i) => (i === 0 ? -2 : -1));
  });
  await page.locator('#map').focus();
  const readout = page.locator('#map-readout');
  assert.match(await readout.textContent(), /^Blocks? 0.*: held by a request that is not listed/);
  await page.keyboard.press('ArrowRight');
  assert.match(await readout.textContent(), /^Blocks? 1.*: free/);
  await page.close();
});

test('a chart is read backwards also while it slides', async () => {
  const page = await shown((state, n) => { // five samples more in each picture
    state.millis = 1_700_000_000_000 + 5000 * n;
    state.inspectedMillis = state.millis;
    state.ended = n;
    state.series = Array.from({ length: 180 }, (_, i) => ({
      millis: state.millis - 1000 * (179 - i), tokensPerSecond: 179 + 5 * n - (179 - i),
      running: 1, waiting: 0, held: 1, reserved: 1 }));
  });
  const chart = page.locator('#charts .card').first();
  const read = async () =>
    Number(/tokens a second (\d+)$/.exec(await chart.locator('.readout').textContent())[1]);
  const ended = page.locator('#figures div', { hasText: 'Answers' }).locator('.value').last();
  await chart.locator('svg[tabindex]').focus();
  await page.keyboard.press('End');
  const first = await read();
  const before = await ended.textContent();
  await until(async () => (await ended.textContent()) !== before);
  await page.keyboard.press('ArrowLeft');
  assert.equal(await read(), first - 1);
  await page.keyboard.press('ArrowRight');
  assert.equal(await read(), first);
  await page.close();
});

test('pause stops the page, and go on starts it', async () => {
  const page = await open();
  await page.locator('#pause').focus();
  await page.keyboard.press('Enter');
  await page.locator('#link', { hasText: 'Paused' }).waitFor();
  const seen = await page.locator('main').innerText();
  await pause(2000);
  assert.equal(await page.locator('main').innerText(), seen);
  await page.keyboard.press('Enter');
  await page.locator('#link', { hasText: 'Live' }).waitFor();
  await until(async () => (await page.locator('main').innerText()) !== seen);
  await page.close();
});

test('a broken stream is said, and mended', async () => {
  const target = new URL(url);
  const open_ = new Set();
  let refusing = false;
  const proxy = net.createServer((client) => {
    if (refusing) { client.destroy(); return; }
    const server = net.connect(Number(target.port), target.hostname);
    for (const [one, other] of [[client, server], [server, client]]) {
      open_.add(one);
      one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other);
    }
  });
  await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
  const page = await open({ at: `http://127.0.0.1:${proxy.address().port}`, quiet: false });
  refusing = true;
  open_.forEach((socket) => socket.destroy());
  await page.locator('#link', { hasText: 'trying again' }).waitFor();
  refusing = false;
  await page.locator('#link', { hasText: 'Live' }).waitFor();
  await page.close();
  proxy.close();
});

test('a key is asked for where the server wants one', async () => {
  const page = await chrome.newPage();
  await page.route('**/live/stream', (route) =>
    route.request().headers().authorization === 'Bearer right'
      ? route.continue() : route.fulfill({ status: 401 }));
  await page.goto(`${url}/live`);
  await page.getByLabel('API key of this page').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('That key does not open this page.').waitFor();
  await page.getByLabel('API key of this page').fill('right');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('#batch-rows tr').first().waitFor();
  assert.equal(await page.locator('#key-form').isVisible(), false);
  await page.close();
});

test('screen readers find names and tables', async () => {
  const page = await open();
  for (const name of ['The batch, live', 'Who holds the memory', 'The batch', 'What waits, and why',
    'What happened', 'The last minutes']) {
    assert.equal(await page.getByRole('heading', { name, exact: true }).count(), 1, name);
  }
  for (const name of ['Requests that run', 'Requests that wait']) {
    assert.equal(await page.getByRole('table', { name }).count(), 1, name);
    assert.equal(await page.getByRole('region', { name }).count(), 1, name);
  }
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.getByRole('img', { name: /^KV memory: \d+ of 128 blocks are held/ }).waitFor();
  await page.getByText('The memory as a table').click();
  await page.getByRole('table', { name: 'KV blocks by request' }).locator('tbody tr').first().waitFor();
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const nameless = nodes.filter((node) => !node.ignored && node.role?.value !== 'RootWebArea' &&
    node.properties?.some((p) => p.name === 'focusable' && p.value.value) && !node.name?.value);
  assert.deepEqual(nameless.map((node) => node.role.value), []);
  const live = await page.locator('[aria-live=polite], [role=status]').evaluateAll(
    (all) => all.filter((n) => n.closest('table')).length);
  assert.equal(live, 0, 'no table is read aloud as it changes');
  await page.close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`text can be read on ${colorScheme}, from 360 to 1600 pixels`, async () => {
    const page = await open({ colorScheme });
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(background, colorScheme === 'dark' ? 'rgb(17, 21, 28)' : 'rgb(246, 247, 249)');
    for (const width of [360, 390, 768, 1280, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      await pause(400);
      const room = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(room[0] <= room[1], `${width}: ${room}`);
      const pale = await page.evaluate(contrasts);
      assert.deepEqual(pale, [], `${width} px, ${colorScheme}`);
    }
    await page.setViewportSize({ width: 360, height: 800 });
    const cut = await page.locator('#batch .scroll').evaluate((n) => n.scrollWidth - n.clientWidth);
    assert.ok(cut <= 0, `the batch is ${cut} px wider than the screen`);
    await page.close();
  });
}

test('the console stayed empty', () => assert.deepEqual(complaints, []));

/** Opens the page and waits for the batch. quiet: whether messages of the browser are failures. */
async function open({ at = url, colorScheme = 'light', quiet = true } = {}) {
  const page = await chrome.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
  if (quiet) {
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
  }
  page.on('request', (request) => {
    if (!request.url().startsWith(`${at}/`) && !request.url().startsWith('data:')) {
      strangers.push(request.url());
    }
  });
  await page.goto(`${at}/live`);
  await page.locator('#batch-rows tr').first().waitFor();
  return page;
}

/** Opens the page with pictures that change(state, n) derives from a real one. */
async function shown(change) {
  const state = await (await fetch(`${url}/live/state`)).json();
  const page = await chrome.newPage({ viewport: { width: 1280, height: 900 } });
  let n = 0;
  await page.route('**/live/stream', (route) => {
    change(state, n++);
    return route.fulfill({
      contentType: 'text/event-stream', body: `data:${JSON.stringify(state)}\n\n` });
  });
  await page.goto(`${url}/live`);
  await page.locator('#figures .value').first().waitFor();
  return page;
}

/** Returns the number of colours in the map. */
function colours(page) {
  return page.locator('#map').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const counts = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return [...counts.values()].filter((count) => count > 200).length;
  });
}

/** Returns texts whose contrast with their background is below 4.5. Runs in the page. */
function contrasts() {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const node of document.querySelectorAll('main *')) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const colour = node instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(parse(colour)), luminance(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) pale.push(`${node.textContent.slice(0, 20)}: ${ratio.toFixed(2)}`);
  }
  return pale;
}

async function until(condition) {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    if (await condition()) return;
    await pause(200);
  }
  assert.fail('it did not happen within half a minute');
}
