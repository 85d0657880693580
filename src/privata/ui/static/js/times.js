// Times that move by themselves. The server's clock counts, not the visitor's: <html data-now>
// holds the server's time in milliseconds when the page was made.
const DAY = 86400;
const HOUR = 3600;
const served = Number(document.documentElement.dataset.now);
const skew = served ? served - Date.now() : 0;
const serverNow = () => Date.now() + skew;

// One shared tick of a second for every element.
const ticking = new Set();
setInterval(() => ticking.forEach((element) => element.show()), 1000);

class Ticking extends HTMLElement {
  static observedAttributes = ["at"];

  connectedCallback() {
    this.#begin();
  }

  // A refetched region is morphed: the element stays and its moment changes.
  attributeChangedCallback() {
    if (this.isConnected) this.#begin();
  }

  #begin() {
    this.moment = Date.parse(this.getAttribute("at"));
    if (Number.isNaN(this.moment)) return;
    ticking.add(this);
    this.show();
  }

  disconnectedCallback() {
    ticking.delete(this);
  }

  // Writing only what differs keeps selections and screen readers undisturbed.
  write(text) {
    if (text !== this.textContent) this.textContent = text;
  }
}

// <count-down at="2026-11-21T18:10:00Z">: minutes precision above an hour, so it does not jitter.
class CountDown extends Ticking {
  show() {
    const left = Math.max(0, Math.round((this.moment - serverNow()) / 1000));
    this.write(this.#text(left));
    if (left === 0) {
      ticking.delete(this);
      this.dispatchEvent(new CustomEvent("countdown:done", { bubbles: true }));
    }
  }

  #text(seconds) {
    const pad = (value) => String(value).padStart(2, "0");
    if (seconds >= DAY) {
      return `${Math.floor(seconds / DAY)}d ${Math.floor((seconds % DAY) / HOUR)}h`;
    }
    if (seconds >= HOUR) {
      return `${Math.floor(seconds / HOUR)}h ${pad(Math.floor((seconds % HOUR) / 60))}m`;
    }
    return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  }
}

// <time-ago at="...">: the same words as the server's `ago` filter.
class TimeAgo extends Ticking {
  show() {
    const past = (serverNow() - this.moment) / 1000;
    if (Math.abs(past) < 1) {
      this.write("just now");
      return;
    }
    const text = this.#coarse(Math.abs(past));
    this.write(past > 0 ? `${text} ago` : `in ${text}`);
  }

  #coarse(seconds) {
    for (const [length, letter] of [[DAY, "d"], [HOUR, "h"], [60, "m"]]) {
      if (seconds >= length) return `${Math.floor(seconds / length)}${letter}`;
    }
    return `${Math.floor(seconds)}s`;
  }
}

customElements.define("count-down", CountDown);
customElements.define("time-ago", TimeAgo);

export { serverNow };
