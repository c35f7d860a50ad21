// Agents with two tools against the server at S3_URL, whose model plays the answers of an agent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, stepCountIs, streamText, tool as aiTool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';

const baseURL = `${process.env.S3_URL ?? 'http://127.0.0.1:8080'}/v1`;
const model = 's3-small';
const question = 'How warm is it in Rome, in Fahrenheit?';
const final = 'It is 69.8 degrees in Rome.';
const client = new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 });

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const celsius = {
  type: 'object', properties: { celsius: { type: 'number' } }, required: ['celsius'] };
const functions = {
  weather: ({ city: name }) => (assert.equal(name, 'Rome'), '21 C'),
  convert: ({ celsius: degrees }) => (assert.equal(degrees, 21), '69.8 F') };

test("openai's runner calls both tools", async () => {
  for (const stream of [false, true]) {
    const called = [];
    const runner = client.chat.completions.runTools({
      model, stream, messages: [{ role: 'user', content: question }],
      tools: Object.entries({ weather: city, convert: celsius }).map(([name, parameters]) => ({
        type: 'function',
        function: { name, parameters, parse: JSON.parse, description: name,
          function: (given) => (called.push(name), functions[name](given)) } })) });
    assert.equal(await runner.finalContent(), final);
    assert.deepEqual(called, ['weather', 'convert']);
  }
});

test("openai's responses call both tools", async () => {
  const input = [{ role: 'user', content: question }];
  const tools = Object.entries({ weather: city, convert: celsius })
    .map(([name, parameters]) => ({ type: 'function', name, parameters, strict: false }));
  for (let turn = 0; turn < 2; turn++) {
    const response = await client.responses.create({ model, input, tools });
    const call = response.output.find((item) => item.type === 'function_call');
    const output = functions[call.name](JSON.parse(call.arguments));
    input.push(call, { type: 'function_call_output', call_id: call.call_id, output });
  }
  const stream = client.responses.stream({ model, input, tools });
  assert.equal((await stream.finalResponse()).output_text, final);
});

const ai = createOpenAICompatible({ name: 's3', baseURL });
const aiTools = {
  weather: aiTool({ description: 'weather', inputSchema: z.object({ city: z.string() }),
    execute: async (given) => functions.weather(given) }),
  convert: aiTool({ description: 'convert', inputSchema: z.object({ celsius: z.number() }),
    execute: async (given) => functions.convert(given) }) };

test("Vercel's ai calls both tools", async () => {
  const asked = { model: ai(model), prompt: question, tools: aiTools, stopWhen: stepCountIs(5) };
  const whole = await generateText(asked);
  assert.equal(whole.text, final);
  assert.equal(whole.steps.length, 3);
  assert.equal(await streamText(asked).text, final);
});

test('LangChain.js calls both tools', async () => {
  const tools = [
    langchainTool((given) => functions.weather(given),
      { name: 'weather', description: 'weather', schema: z.object({ city: z.string() }) }),
    langchainTool((given) => functions.convert(given),
      { name: 'convert', description: 'convert', schema: z.object({ celsius: z.number() }) })];
  const chat = new ChatOpenAI({ model, apiKey: 'any', configuration: { baseURL } }).bindTools(tools);
  const messages = [new HumanMessage(question)];
  for (let turn = 0; turn < 3; turn++) {
    const answer = await chat.invoke(messages);
    assert.ok(answer instanceof AIMessage);
    messages.push(answer);
    if (!answer.tool_calls?.length) break;
    for (const call of answer.tool_calls) {
      const result = await tools.find(({ name }) => name === call.name).invoke(call.args);
      messages.push(new ToolMessage({ content: result, tool_call_id: call.id }));
    }
  }
  assert.equal(messages.at(-1).content, final);
});
