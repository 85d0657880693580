// <password-field>: the eye shows and hides what was typed.
class PasswordField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const button = this.querySelector("button");
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.setAttribute("aria-pressed", String(show));
      input.focus();
    });
  }
}

// <code-field>: one input for a six-digit code. A pasted "123 456" works; six digits submit.
class CodeField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    input.addEventListener("input", () => {
      input.value = input.value.replace(/\D/g, "").slice(0, 6);
      if (input.value.length === 6 && input.form) input.form.requestSubmit();
    });
  }
}

customElements.define("password-field", PasswordField);
customElements.define("code-field", CodeField);

// The server re-shows a refused form with a summary; focus goes there, where the links are.
document.querySelector(".errors[data-focus]")?.focus();
