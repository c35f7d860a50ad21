// Screenshots of the live page under load: S3_URL=http://127.0.0.1:8080 node screenshots.js FOLDER
// Start the server with --s3llm.kv-memory=12MB first, so that memory is scarce.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { browser, load, pause, url } from './page.js';

const folder = process.argv[2] ?? '.';
const seconds = Number(process.env.S3_SECONDS ?? 100);
mkdirSync(folder, { recursive: true });
const stop = load(40);
const chrome = await browser();
try {
  await pause(seconds * 1000); // the charts show the last minutes
  for (const [name, width, height] of [['wide', 1280, 900], ['narrow', 390, 844]]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await chrome.newPage({ viewport: { width, height }, colorScheme });
      await page.goto(`${url}/live`);
      await page.locator('#batch-rows tr').first().waitFor();
      await pause(2500);
      await page.screenshot({ path: join(folder, `live-${name}-${colorScheme}.png`), fullPage: true });
      await page.close();
    }
  }
} finally {
  await chrome.close();
  await stop();
}
