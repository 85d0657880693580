// Shapes of the bar chart, without state.
const NS = "http://www.w3.org/2000/svg";
const WIDEST = 26;
const GAP = 1.5;

export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The step of the axis: from a quarter of the largest value, among 1, 2, 2.5, 5, so that the top
// of the axis is close to the data. Counts have no halves, so small steps are whole.
export function nice(most) {
  const quarter = most / 4;
  const power = 10 ** Math.floor(Math.log10(quarter));
  const factors = power < 10 ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10];
  return factors.map((factor) => factor * power).find((step) => step >= quarter * 0.92);
}

// One bar with a rounded top; what failed sits as a red cap above a small gap.
export function bar(row, { x, step, y, top, fill }) {
  const width = Math.max(3, Math.min(WIDEST, step * 0.62));
  const left = x + (step - width) / 2;
  const group = element("g", { class: fill ? "bar now" : "bar" });
  const main = fill ? { class: "b-main", fill } : { class: "b-main" };
  if (row.bad > 0) {
    const height = y(0) - y(row.main);
    const body = { x: left, y: y(row.main), width, height, ...main };
    // A single failure among many still shows.
    const cap = capped(left, width, y(row.main), y(row.main + Math.max(row.bad, top / 70)));
    const lift = `translate(0 ${-GAP})`;
    group.append(element("rect", body));
    group.append(element("path", { class: "b-bad", d: cap, transform: lift }));
  } else if (row.main > 0) {
    group.append(element("path", { d: capped(left, width, y(0), y(row.main)), ...main }));
  }
  return group;
}

function capped(left, width, bottom, top) {
  const radius = Math.min(3.5, width / 3, bottom - top);
  const right = left + width;
  return [
    `M${left} ${bottom}V${top + radius}`,
    `Q${left} ${top} ${left + radius} ${top}H${right - radius}`,
    `Q${right} ${top} ${right} ${top + radius}V${bottom}Z`,
  ].join("");
}
