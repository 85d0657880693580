// Follows an order with npm's EventSource until it stops connecting; one line of JSON at the end.
import { EventSource } from "eventsource";

const [url, key] = process.argv.slice(2);
const statuses = [];
const seen = [];

const source = new EventSource(url, {
  fetch: async (address, options) => {
    const answer = await fetch(address, {
      ...options,
      headers: { ...options.headers, "X-API-Key": key },
    });
    statuses.push(answer.status);
    return answer;
  },
});
for (const status of ["completed", "expired", "failed", "refunded"]) {
  source.addEventListener(`order.${status}`, (event) => seen.push(event.lastEventId));
}
source.addEventListener("error", () => {
  if (source.readyState !== EventSource.CLOSED && statuses.length < 4) return;
  source.close();
  console.log(JSON.stringify({ statuses, seen }));
});
