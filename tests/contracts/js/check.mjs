// Verifies the cases on standard input with the official library of npm; exits 1 on a difference.
import { readFileSync } from "node:fs";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

function accepted({ secret, body, headers }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

const cases = JSON.parse(readFileSync(0, "utf8"));
const wrong = cases.filter((one) => accepted(one) !== one.accept).map((one) => one.name);
for (const name of wrong) console.error(`differs: ${name}`);
console.log(`standardwebhooks (npm): ${cases.length - wrong.length} of ${cases.length} cases agree`);
process.exit(wrong.length || !cases.length ? 1 : 0);
