// Everything interactive. Custom elements in the light DOM start themselves when they enter the
// page, also when htmx swaps them in, so there is no code that has to run after a swap.
import "./csrf.js";
import "./failures.js";
import "./copy-button.js";
import "./theme-toggle.js";
import "./times.js";
import "./toast.js";
import "./fields.js";
import "./passkeys.js";
import "./tab-set.js";
import "./menu.js";
import "./dialogs.js";
import "./table-select.js";
import "./bar-chart.js";
import "./drawer.js";
import "./palette.js";
import "./shortcuts.js";
import "./live.js";
