// htmx does not swap answers of 4xx and 5xx (see htmx-config); a person is told instead. A form
// that shows its errors in place says so itself, with hx-status:422 or the like.
import { toast } from "./toast.js";

const SENTENCES = {
  401: "You are signed out",
  403: "You do not have permission to do this",
  409: "Someone else changed this. Reload the page and try again",
  429: "Too many requests. Wait a moment, then try again",
};

document.addEventListener("htmx:response:error", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  const status = response.status;
  if (sourceElement.hasAttribute(`hx-status:${status}`)) return;
  toast(SENTENCES[status] || `Something went wrong: the server returned ${status}`, "bad");
});

document.addEventListener("htmx:error", () => toast("Could not reach the server", "bad"));
