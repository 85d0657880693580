// The event stream itself: who holds it, how it is relayed, how it comes back.
const LOCK = "live-stream";
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30000;

// How long before the moment that it bears a page may have been read, and how long what changed is
// remembered for tabs that join.
const READ_MS = 1000;
const MEMORY_MS = 60000;

// Calls changed("on" | "off" | "out") and arrived({topic, id, n}) in every tab. `made` is when the
// page was made, by the server's clock in milliseconds: what changed since then arrives too.
export function connect(url, made, now, { changed, arrived }) {
  const channel = new BroadcastChannel(`${LOCK}:${url}`);
  const seen = new Map();
  let state = "connecting";
  let leader = false;

  const remember = ({ topic }) => seen.set(topic, now());
  const welcome = (from) => {
    channel.postMessage({ kind: "state", state });
    const read = from - READ_MS;
    const topics = now() - read > MEMORY_MS ? ["refresh"] : [...seen.keys()];
    for (const topic of topics) {
      if (topic === "refresh" || seen.get(topic) >= read) {
        channel.postMessage({ kind: "message", message: { topic } });
      }
    }
  };

  const apply = (note) => {
    if (note.kind === "state") changed(note.state);
    else if (note.kind === "message") arrived(note.message);
    else if (note.kind === "hello" && leader) welcome(note.made);
  };
  const tell = (note) => {
    if (note.kind === "state") state = note.state;
    else remember(note.message);
    apply(note);
    channel.postMessage(note);
  };
  channel.onmessage = (event) => apply(event.data);

  if (!navigator.locks) {
    // Plain HTTP on a private network: each tab for itself.
    hold(url, made, tell);
    return;
  }
  channel.postMessage({ kind: "hello", made });
  navigator.locks.request(`${LOCK}:${url}`, () => {
    leader = true;
    return hold(url, made, tell);
  });
}

// Keep the stream open for as long as this page lives. The promise ends with the page, and the
// lock then goes to the next tab.
function hold(url, made, tell) {
  return new Promise((release) => {
    let source;
    let wait = FIRST_WAIT_MS;

    const open = () => {
      source = new EventSource(`${url}?since=${made}`);
      source.onopen = () => {
        wait = FIRST_WAIT_MS;
        tell({ kind: "state", state: "on" });
      };
      source.onmessage = (event) => tell({ kind: "message", message: JSON.parse(event.data) });
      source.onerror = () => failed();
    };

    const failed = async () => {
      tell({ kind: "state", state: "off" });
      // While it is CONNECTING the browser tries again by itself; CLOSED means an HTTP answer
      // that was not a stream, and only a request of our own can tell which.
      if (source.readyState !== EventSource.CLOSED) return;
      if (await signedOut(url)) {
        tell({ kind: "state", state: "out" });
        return;
      }
      setTimeout(open, wait * (1 + Math.random() / 4));
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    };

    addEventListener("pagehide", () => {
      source?.close();
      release();
    });
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
    open();
  });
}

async function signedOut(url) {
  const stop = new AbortController();
  try {
    const options = { headers: { Accept: "text/event-stream" }, signal: stop.signal };
    const answer = await fetch(url, { ...options, redirect: "manual" });
    return answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect";
  } catch {
    // The server does not answer at all: that is a break, not a sign-out.
    return false;
  } finally {
    stop.abort();
  }
}
