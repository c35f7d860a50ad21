// Many clients at once on a server of this machine, and a look at /health meanwhile:
//   S3_URL=http://127.0.0.1:8080 S3_CLIENTS=1000 node burst.js
// Reports how long /health (S3_PATH: another path) took on a connection of its own, and the Retry-After of the refusals beside
// the time after which the queue was really empty. Needs no package.
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';

const url = process.env.S3_URL ?? 'http://127.0.0.1:8080';
const path = process.env.S3_PATH ?? '/health';
const clients = Number(process.env.S3_CLIENTS ?? 1000);
const body = JSON.stringify({
  temperature: 0, max_tokens: Number(process.env.S3_TOKENS ?? 100),
  messages: [{ role: 'user', content: 'What is a monad?' }] });

if (!isMainThread) {
  await watch();
  process.exit(0);
}
const watcher = new Worker(new URL(import.meta.url)); // the clients' thread is busy itself
await new Promise((ready) => watcher.once('message', ready));
const begin = performance.now();
const answers = await Promise.all(
  Array.from({ length: clients }, async () => {
    const answer = await send('POST', '/v1/chat/completions', body);
    return { ...answer, at: performance.now() - begin };
  }));
const times = await new Promise((done) => {
  watcher.once('message', done);
  watcher.postMessage('stop');
});
await watcher.terminate();

const served = answers.filter(({ status }) => status === 200);
const refused = answers.filter(({ status }) => status === 429);
console.log(`${clients} clients at once: ${served.length} answered, ${refused.length} refused, ` +
  `${clients - served.length - refused.length} others`);
console.log(`${path}: ${times.length} times, ${percentiles(times)}`);
console.log(`last answer after ${seconds(Math.max(...served.map(({ at }) => at)))}`);
if (refused.length > 0) {
  const empty = Math.max(...served.map(({ at }) => at));
  const ratios = refused.map(({ at, after }) => (1000 * after) / Math.max(1000, empty - at));
  console.log(`Retry-After ${Math.min(...refused.map(({ after }) => after))} to ` +
    `${Math.max(...refused.map(({ after }) => after))} s; relative to the time until the queue ` +
    `was empty: ${ratio(ratios, 0.05)} / ${ratio(ratios, 0.5)} / ${ratio(ratios, 0.95)} (p5, p50, p95)`);
}

/** Asks for the server's health until it is stopped, and sends the times. */
async function watch() {
  const all = [];
  let running = true;
  parentPort.once('message', () => (running = false));
  while (running) {
    const start = performance.now();
    const { status } = await send('GET', path);
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    all.push(performance.now() - start);
    if (all.length === 1) parentPort.postMessage('ready');
    await new Promise((wake) => setTimeout(wake, 50));
  }
  parentPort.postMessage(all);
}

function send(method, where, text) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + where,
      { method, agent: false, headers: text ? { 'content-type': 'application/json' } : {} },
      (response) => {
        response.resume();
        response.on('end', () => resolve(
          { status: response.statusCode, after: Number(response.headers['retry-after'] ?? 0) }));
      });
    request.on('error', reject);
    request.end(text);
  });
}

function percentiles(all) {
  all.sort((a, b) => a - b);
  const at = (p) => seconds(all[Math.min(all.length - 1, Math.floor(p * all.length))]);
  return `p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)}`;
}

function ratio(all, p) {
  all.sort((a, b) => a - b);
  return all[Math.min(all.length - 1, Math.floor(p * all.length))].toFixed(2);
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}
