// Shared by the browser test and the screenshots of the live page.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

export const url = process.env.S3_URL ?? 'http://127.0.0.1:8080';
assert.match(new URL(url).hostname, /^(127\.\d+\.\d+\.\d+|localhost)$/, 'only this machine');

const prompts = [
  'Create a Java method that takes a string as input and returns the reversed text.',
  'Write a letter as Albert Einstein about the prospect of time travel.',
  'It is payday but Jebb has to pay 10% for the tax. If his pay is $650, how much does he take home?',
  'Name three colours.',
  'Implement a C function that calculates the factorial of an integer using recursion.',
  'You are a plant hobbyist. Share three tips about caring for a fiddle leaf fig.',
  'There are 11 boys and 13 girls in a class. What percentage of the class are girls?',
  'Write a Haskell function that takes a list of integers and filters out odd numbers.',
  'You are a wise, centuries-old tree in an enchanted forest. Share your wisdom.',
  'What is a monad?',
  'Write a shell script that lists all files in the current directory, sorted by size.',
  'Explain the advantages of using alternating current over direct current.',
];

/** Starts the installed browser, without downloads and without connections of its own. */
export function browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
}

/** Keeps this number of clients sending requests until it is stopped; refused clients try again. */
export function load(clients, users = ['web', 'docs', 'batch']) {
  const underWay = new Set();
  let stopped = false;
  let asked = 0;
  const ask = async () => {
    while (!stopped) {
      const number = asked++;
      const body = JSON.stringify({
        model: 's3-small', temperature: 0.7, seed: number, user: users[number % users.length],
        messages: [{ role: 'user', content: prompts[(number * 5) % prompts.length] }] });
      const abort = new AbortController();
      underWay.add(abort);
      try {
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST', body, headers: { 'content-type': 'application/json' },
          signal: abort.signal });
        await response.text();
        if (response.status !== 200) await pause(500);
      } catch (error) {
        if (!stopped) await pause(500);
      }
      underWay.delete(abort);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, ask));
  return async () => {
    stopped = true;
    underWay.forEach((abort) => abort.abort());
    await all;
  };
}

export const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
