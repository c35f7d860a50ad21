// Load on a server of this machine: S3_URL=http://127.0.0.1:8080 S3_QUEUE=256 node load.js
// Bounded phases: a few clients, ten times as many as the queue holds, and both again while others
// disconnect. Exits with 1 if a status is not 200 or 429, if no request is served, or if a request or
// memory is left at the end.
import assert from 'node:assert/strict';
import net from 'node:net';
import autocannon from 'autocannon';
import { gauge, idle } from './metrics.js';

const url = process.env.S3_URL ?? 'http://127.0.0.1:8080';
const queue = Number(process.env.S3_QUEUE ?? 256);
const steady = Number(process.env.S3_STEADY ?? 100);
const { hostname, port } = new URL(url);
assert.match(hostname, /^(127\.\d+\.\d+\.\d+|localhost)$/, 'only this machine is put under load');

const body = JSON.stringify({
  model: 's3-small', stream: true, temperature: 0, max_tokens: Number(process.env.S3_TOKENS ?? 20),
  messages: [{ role: 'user', content: 'What is a monad?' }] });

await phase('steady', 16, steady);
await phase('10 x queue', 10 * queue, 12 * queue);
await Promise.all([phase('steady, others vanish', 16, steady), vanishing(queue)]);
await Promise.all([phase('10 x queue, others vanish', 10 * queue, 12 * queue), vanishing(queue)]);
await idle(url);
const health = await fetch(`${url}/actuator/health/readiness`);
assert.equal(health.status, 200);
console.log(`nothing left behind; ${await gauge(url, 's3_requests_cancelled_total')} cancelled, ` +
  `${await gauge(url, 's3_requests_failed_total')} failed`);

async function phase(name, connections, amount) {
  const times = new Map();
  const result = await autocannon({
    url: `${url}/v1/chat/completions`, method: 'POST', body, connections, amount,
    headers: { 'content-type': 'application/json' }, timeout: 120,
    setupClient: (client) =>
      client.on('response', (status, bytes, ms) =>
        times.set(status, times.get(status) ?? []).get(status).push(ms)) });
  console.log(`${name}: ${connections} connections, ${amount} requests, ` +
    `${result.duration} s, ${result.errors} errors, ${result.timeouts} timeouts`);
  for (const [status, all] of times) console.log(`  ${status}: ${all.length}, ${percentiles(all)}`);
  assert.deepEqual([...times.keys()].filter((status) => status !== 200 && status !== 429), []);
  assert.ok(times.get(200)?.length > 0, 'nothing was served');
  assert.equal(result.timeouts, 0);
  assert.equal(result.errors, 0);
}

function percentiles(all) {
  all.sort((a, b) => a - b);
  const at = (p) => all[Math.min(all.length - 1, Math.floor(p * all.length))].toFixed(0);
  return `ms p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)}`;
}

/** Clients that send a request and disconnect at a random time within half a second. */
async function vanishing(count) {
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: ${hostname}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  for (let i = 0; i < count; i++) {
    const socket = net.connect(Number(port), hostname);
    socket.on('error', () => {}); // also where the server has closed it first
    socket.write(head + body);
    setTimeout(() => socket.resetAndDestroy(), Math.random() * 500);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}
