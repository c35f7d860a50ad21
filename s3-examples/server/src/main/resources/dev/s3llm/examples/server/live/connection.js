// The connection.

let paused = false;
let key = null;
let attempt = 0;
let current = null; // the connection's AbortController
let timer = 0;

function link(text, kind) {
  const node = byId('link');
  say(node, text);
  node.className = `pill ${kind}`;
}

function stop() {
  clearTimeout(timer);
  if (current) current.abort();
  current = null;
}

function retry(why) {
  stop();
  if (paused || document.hidden) return;
  const seconds = Math.min(10, 2 ** attempt++);
  link(`${why}; trying again`, 'bad');
  timer = setTimeout(connect, seconds * 1000);
}

async function connect() {
  stop();
  if (paused || document.hidden) return;
  const own = new AbortController();
  current = own;
  const alive = () => { clearTimeout(timer); timer = setTimeout(() => retry('The server is silent'), SILENCE_MS); };
  alive();
  try {
    const response = await fetch('live/stream', {
      headers: key ? {authorization: `Bearer ${key}`} : {}, cache: 'no-store', signal: own.signal});
    if (response.status === 401) { stop(); askKey(); return; }
    if (response.status === 503) { retry('Too many viewers'); return; }
    if (!response.ok) { retry(`The server answers ${response.status}`); return; }
    byId('key-form').hidden = true;
    await follow(response.body.pipeThrough(new TextDecoderStream()).getReader(), alive, own);
    if (current === own) retry('The connection has ended');
  } catch (error) {
    if (current === own) retry('The connection is lost');
  }
}

/** Reads server-sent events, each with one picture. */
async function follow(reader, alive, own) {
  let text = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done || current !== own) return;
    alive();
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    const latest = events[events.length - 1]; // a slow viewer draws the last one only
    if (!latest) continue;
    const data = latest.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5)).join('\n');
    if (!data) continue;
    attempt = 0;
    link('Live', 'good');
    show(JSON.parse(data));
  }
}

function askKey() {
  link('An API key is needed', 'bad');
  say(byId('key-note'), key ? 'That key does not open this page.' : 'It is kept in this tab only, until the page is loaded again.');
  byId('key-form').hidden = false;
  byId('key').focus();
}

byId('key-form').addEventListener('submit', event => {
  event.preventDefault();
  key = byId('key').value.trim();
  byId('key').value = '';
  link('Connecting', '');
  connect();
});

byId('pause').addEventListener('click', () => {
  paused = !paused;
  say(byId('pause'), paused ? 'Go on' : 'Pause');
  if (paused) {
    stop();
    link(`Paused at ${clock(Date.now())}`, '');
  } else {
    attempt = 0;
    link('Connecting', '');
    connect();
  }
});

// A hidden page closes its connection.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stop();
  else if (!paused && !current) connect();
});

connect();
