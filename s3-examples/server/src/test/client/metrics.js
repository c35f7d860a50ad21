import assert from 'node:assert/strict';

/** Returns a metric of the server that has no labels. */
export async function gauge(url, name) {
  const text = await (await fetch(`${url}/actuator/prometheus`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  assert.ok(line, `${name} is no metric of the server`);
  return Number(line.split(' ')[1]);
}

/** Waits until the engine holds no request and no memory; fails if it keeps some. */
export async function idle(url) {
  const names = [
    's3_requests_predicting', 's3_requests_waiting', 's3_requests_running',
    's3_kv_reserved', 's3_kv_allocated', 's3_kv_swapped'];
  let left;
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    left = [];
    for (const name of names) if ((await gauge(url, name)) !== 0) left.push(name);
    if (left.length === 0) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  assert.fail(`left behind: ${left}`);
}
