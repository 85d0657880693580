// Passkeys. <passkey-form data-options="/url" data-make> is wrapped around a form with a hidden
// input `credential` and a button [data-passkey]: the browser asks the person, the answer goes into
// the input, and the form is sent. With `data-autofill` the e-mail field offers passkeys by itself.
import { toast } from "./toast.js";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const opened = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

function toOptions({ publicKey }) {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (options.user) options.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) options.excludeCredentials = opened(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = opened(options.allowCredentials);
  return options;
}

function toAnswer(credential) {
  const { response } = credential;
  const shown = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (response[part]) shown[part] = text(response[part]);
  }
  if (response.userHandle) shown.userHandle = text(response.userHandle);
  if (response.getTransports) shown.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: shown,
  });
}

class PasskeyForm extends HTMLElement {
  #waiting = null;

  connectedCallback() {
    if (!window.PublicKeyCredential) return;
    this.dataset.able = "";
    this.querySelector("[data-passkey]")?.addEventListener("click", (event) => {
      event.preventDefault();
      this.#ask();
    });
    if ("autofill" in this.dataset) this.#offer();
  }

  disconnectedCallback() {
    this.#waiting?.abort();
  }

  async #offer() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    this.#ask("conditional");
  }

  async #ask(mediation) {
    this.#waiting?.abort();
    const abort = (this.#waiting = new AbortController());
    try {
      const answer = await fetch(this.dataset.options, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error("signed out");
      const publicKey = toOptions(await answer.json());
      const { signal } = abort;
      const credential =
        "make" in this.dataset
          ? await navigator.credentials.create({ publicKey, signal })
          : await navigator.credentials.get({ publicKey, signal, mediation });
      if (credential) this.#send(credential);
    } catch (error) {
      if (abort.signal.aborted || mediation) return;
      toast(
        error.name === "InvalidStateError"
          ? "This device already has a passkey for your account"
          : "No passkey was used",
        "bad",
      );
    }
  }

  #send(credential) {
    const form = this.querySelector("form");
    form.elements.credential.value = toAnswer(credential);
    form.requestSubmit();
  }
}

customElements.define("passkey-form", PasskeyForm);
