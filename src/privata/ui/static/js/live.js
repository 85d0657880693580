// Live updates. One tab of the browser holds the event stream and relays to the others, since
// browsers allow only six connections to a server over HTTP/1.1. A message {topic, id, n} becomes
// the DOM event live:<topic> on <body>; regions refetch themselves with hx-trigger. After a break
// every region that listens to live:refresh does so once, so a missed message costs nothing. What
// changed between the making of a page and the opening of its stream is told when it opens.
import { connect } from "./live-stream.js";
import { serverNow } from "./times.js";

const body = document.body;
const url = body.dataset.liveUrl;
const pill = document.querySelector(".live");
const stale = document.getElementById("stale");
const WORDS = {
  connecting: "Connecting",
  on: "Live",
  off: "Reconnecting",
  paused: "Paused by you",
  out: "Signed out",
};

let state = "connecting";
let paused = false;
let updated = serverNow();
const missed = new Set();

function show() {
  const shown = paused ? "paused" : state;
  pill.dataset.state = shown;
  pill.querySelector("[data-word]").textContent = WORDS[shown];
  pill.setAttribute("aria-pressed", String(paused));
  const broken = !paused && (state === "off" || state === "out");
  stale.hidden = !broken;
  if (broken) {
    const at = new Date(updated).toISOString().slice(11, 19);
    const sentence = `Live updates unavailable. Last updated at ${at} UTC.`;
    stale.querySelector("[data-word]").textContent = sentence;
    stale.querySelector("[data-signin]").hidden = state !== "out";
  }
}

const dispatch = (topic, detail) =>
  body.dispatchEvent(new CustomEvent(`live:${topic}`, { bubbles: true, detail }));

function changed(next) {
  const returned = next === "on" && state === "off";
  if (next === "on" || state === "on") updated = serverNow();
  state = next;
  show();
  if (returned && paused) missed.add("refresh");
  else if (returned) dispatch("refresh", {});
}

function arrived(message) {
  updated = serverNow();
  if (paused) missed.add(message.topic);
  else dispatch(message.topic, message);
}

function toggle() {
  if (state === "out") {
    location.reload();
    return;
  }
  paused = !paused;
  show();
  if (paused) return;
  for (const topic of missed) dispatch(topic, {});
  missed.clear();
}

// <live-gauge topic="streams" most="200">: the one kind of figure that travels in the message.
class LiveGauge extends HTMLElement {
  connectedCallback() {
    this.listen = (event) => this.#show(Number(event.detail.n));
    body.addEventListener(`live:${this.getAttribute("topic")}`, this.listen);
  }

  disconnectedCallback() {
    body.removeEventListener(`live:${this.getAttribute("topic")}`, this.listen);
  }

  #show(value) {
    if (Number.isNaN(value)) return;
    const most = Number(this.getAttribute("most"));
    const share = most ? Math.min(1, value / most) : 0;
    const arc = this.querySelector("path:last-of-type");
    const meter = this.querySelector('[role="meter"]');
    arc.setAttribute("class", share ? "fill" : "none");
    arc.setAttribute("stroke-dasharray", `${share * Math.PI * 64} 999`);
    meter.setAttribute("aria-valuenow", value);
    meter.querySelector("b").textContent = value.toLocaleString("en");
    this.querySelector(".gauge").dataset.tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "";
  }
}

customElements.define("live-gauge", LiveGauge);

if (url && pill) {
  pill.addEventListener("click", toggle);
  connect(url, Number(document.documentElement.dataset.now), serverNow, { changed, arrived });
}
