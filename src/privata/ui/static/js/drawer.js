// One persistent <dialog>; htmx swaps only its content, since swapping an open dialog would close
// it. The row's link is a real one (?open=ID), Back closes the drawer, J and K walk the list.
const drawer = document.getElementById("drawer");

// Chromium drops the focus after going back in history, so it is set again a little later.
const REFOCUS_MS = 40;

let pushed = false;
let leaving = false;
let last = null;

const sheet = () => drawer.querySelector("article[data-id]");

function addressWith(id) {
  const address = new URL(location.href);
  if (id) address.searchParams.set("open", id);
  else address.searchParams.delete("open");
  return address;
}

function mark(id) {
  for (const link of document.querySelectorAll("tbody a[data-id]")) {
    link.closest("tr").toggleAttribute("data-open", link.dataset.id === id);
  }
}

function refocus() {
  setTimeout(() => {
    if (drawer.open || !last) return;
    document.querySelector(`a[data-id="${CSS.escape(last)}"]`)?.focus({ preventScroll: true });
  }, REFOCUS_MS);
}

// New content: open the dialog if it is closed, and put its id into the address.
function arrived() {
  const article = sheet();
  if (!article) return;
  const id = article.dataset.id;
  if (drawer.open) {
    history.replaceState(history.state, "", addressWith(id));
  } else {
    pushed = !new URLSearchParams(location.search).has("open");
    if (pushed) history.pushState({ drawer: true }, "", addressWith(id));
    drawer.showModal();
  }
  (article.querySelector("[autofocus]") || drawer).focus({ preventScroll: true });
  article.querySelector(".body").scrollTop = 0;
  mark(id);
}

function go(url) {
  if (url) globalThis.htmx.ajax("GET", url, { target: "#drawer", swap: "innerHTML" });
}

function closed() {
  last = sheet()?.dataset.id || last;
  mark(null);
  drawer.replaceChildren();
  if (!leaving) {
    // A link that was opened with ?open= has no page of ours to go back to.
    if (pushed) history.back();
    else history.replaceState(null, "", addressWith(null));
  }
  leaving = false;
  refocus();
}

if (drawer) {
  new MutationObserver(arrived).observe(drawer, { childList: true });
  arrived();
  drawer.addEventListener("close", closed);
  drawer.addEventListener("click", (event) => {
    // A dialog inside the drawer closes itself.
    if (event.target.closest("dialog") !== drawer) return;
    if (event.target === drawer || event.target.closest("[data-close]")) drawer.close();
    go(event.target.closest("[data-go]")?.dataset.go);
  });
  drawer.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.target.matches("input, textarea, select")) return;
    if (event.target.closest("dialog") !== drawer) return;
    const step = { j: "next", k: "prev" }[event.key];
    const url = step && sheet()?.dataset[step];
    if (!url) return;
    event.preventDefault();
    go(url);
  });
  addEventListener("popstate", () => {
    if (drawer.open) {
      leaving = true;
      drawer.close();
    } else refocus();
  });
  // htmx would fetch the whole page again on Back, though only the drawer closed.
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (document.querySelector("tbody a[data-id]")) event.preventDefault();
  });
}
