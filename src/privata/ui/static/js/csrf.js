// Django's CSRF token on every htmx request that may change something.
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail.ctx.request;
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  const target = new URL(request.action, document.baseURI);
  // Never hand the token to another origin.
  if (token && target.origin === location.origin && !SAFE.has(request.method.toUpperCase())) {
    request.headers["X-CSRFToken"] = token;
  }
});
