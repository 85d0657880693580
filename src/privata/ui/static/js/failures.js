// htmx does not swap answers of 4xx and 5xx (see htmx-config); a person is told instead. A form
// that shows its errors in place says so itself, with hx-status:422 or the like.
import { toast } from "./toast.js";

const SENTENCES = {
  401: "You are signed out",
  403: "You may not do this",
  409: "Somebody else changed this meanwhile; load the page again",
  429: "Too many requests; wait a moment",
};

document.addEventListener("htmx:response:error", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  const status = response.status;
  if (sourceElement.hasAttribute(`hx-status:${status}`)) return;
  toast(SENTENCES[status] || `That did not work: the server answered ${status}`, "bad");
});

document.addEventListener("htmx:error", () => toast("The server could not be reached", "bad"));
