// OpenAI's own client against the server at S3_URL: node --test
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { gauge, idle } from './metrics.js';

const url = process.env.S3_URL ?? 'http://127.0.0.1:8080';
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
const model = 's3-small';
const messages = [{ role: 'user', content: 'What is a monad?' }];
const greedy = { model, messages, temperature: 0 };

after(() => idle(url));

test('chat answers', async () => {
  const answer = await client.chat.completions.create(greedy);
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(
    answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.ok(answer.usage.s3.predicted_p50 > 0);
  assert.ok(answer.usage.s3.reserved_tokens > 0);
});

test('completion answers', async () => {
  const answer = await client.completions.create({ model, prompt: 'Once upon', max_tokens: 5 });
  assert.equal(answer.usage.completion_tokens, 5);
  assert.equal(answer.choices[0].finish_reason, 'length');
});

test('models are listed', async () => {
  const names = [];
  for await (const one of client.models.list()) names.push(one.id);
  assert.deepEqual(names, [model]);
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('a stream is the same answer', async () => {
  const whole = await client.chat.completions.create(greedy);
  const { text, last } = await streamed(greedy);
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(last.usage.completion_tokens, whole.usage.completion_tokens);
});

test("the client's helper assembles a stream", async () => {
  const runner = client.chat.completions.stream({ ...greedy, max_tokens: 12 });
  const completion = await runner.finalChatCompletion();
  assert.equal(completion.choices[0].finish_reason, 'length');
  assert.ok(completion.choices[0].message.content.length > 0);
});

test('a stream that is broken off is cancelled in the engine', async () => {
  const before = await gauge(url, 's3_requests_cancelled_total');
  const stream = await client.chat.completions.create({ ...greedy, stream: true });
  for await (const piece of stream) {
    if (piece.choices[0]?.delta?.content) break; // the client aborts its request
  }
  await until(async () => (await gauge(url, 's3_requests_cancelled_total')) > before);
});

test('an aborted request is cancelled in the engine', async () => {
  const before = await gauge(url, 's3_requests_cancelled_total');
  const submitted = await gauge(url, 's3_requests_submitted_total');
  const abort = new AbortController();
  const request = client.chat.completions.create(greedy, { signal: abort.signal });
  const failed = assert.rejects(request, OpenAI.APIUserAbortError);
  await until(async () => (await gauge(url, 's3_requests_submitted_total')) > submitted, 1);
  abort.abort();
  await failed;
  await until(async () => (await gauge(url, 's3_requests_cancelled_total')) > before);
});

test('errors are of the types that the client knows', async () => {
  await assert.rejects(
    client.chat.completions.create({ ...greedy, temperature: 9 }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature');
  await assert.rejects(
    client.chat.completions.create({ ...greedy, n: 300 }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'n');
  await assert.rejects(
    client.chat.completions.create({ ...greedy, max_tokens: 1_000_000 }),
    (error) => error.code === 'context_length_exceeded');
  await assert.rejects(
    client.chat.completions.create({ ...greedy, model: 'other' }), OpenAI.NotFoundError);
});

test('50 streams at once all give the same answer', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => streamed({ ...greedy, max_tokens: 20 })));
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
  assert.ok(answers.every((answer) => answer.last.usage.completion_tokens === 20));
});

test('more than the queue holds is refused, and the client comes back by itself', async () => {
  const queue = Number(process.env.S3_QUEUE ?? 64);
  const few = { ...greedy, max_tokens: 10 };
  const outcomes = await Promise.allSettled(
    Array.from({ length: queue * 3 }, () => client.chat.completions.create(few)));
  const refused = outcomes.filter((one) => one.status === 'rejected').map((one) => one.reason);
  assert.ok(refused.length > 0 && refused.length < outcomes.length);
  for (const error of refused) {
    assert.ok(error instanceof OpenAI.RateLimitError, String(error));
    assert.ok(Number(error.headers.get('retry-after')) >= 1);
  }
  const patient = client.withOptions({ maxRetries: 20 });
  const all = await Promise.all(
    Array.from({ length: queue * 2 }, () => patient.chat.completions.create(few)));
  assert.ok(all.every((answer) => answer.usage.completion_tokens === 10));
});

async function streamed(request) {
  const stream = await client.chat.completions.create({
    ...request, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let last;
  for await (const piece of stream) {
    text += piece.choices[0]?.delta?.content ?? '';
    last = piece;
  }
  return { text, last };
}

async function until(condition, pauseMs = 50) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
  assert.fail('it did not happen within a minute');
}
