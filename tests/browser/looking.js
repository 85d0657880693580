// What an audit looks at in a page (tests/browser/audit.py). Axe works for seconds of processor
// time on a long list, and finds in its fortieth row what it found in the first.
window.looking = (() => {
  // Things that a page shows any number of, and how many of one make are looked at.
  const REPEATED = "tbody > tr, section.op, .docs-nav li";
  const ENOUGH = 1;

  // Attributes whose values change what is seen or said; of all others it matters that they are
  // there, and not empty.
  const TELLING = new Set(["class", "role", "type", "hidden", "scope", "style", "tabindex"]);

  // More elements than these are not looked at one by one.
  const MANY = 100;

  // Elements whose contrasts were looked at during this sweep, in each theme.
  let looked = {};
  let shown = [];

  const isTelling = (name, value) =>
    TELLING.has(name) || (name.startsWith("aria-") && ["true", "false", "page"].includes(value));

  const hasWords = (element) =>
    [...element.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());

  const makeOf = (element) => {
    const attributes = [...element.attributes].map(({ name, value }) =>
      isTelling(name, value) ? `${name}=${value}` : `${name}${value.trim() ? "" : "="}`,
    );
    return `${element.localName}[${attributes.sort()}]${hasWords(element)}`;
  };

  const partsOf = (element, above = "") => {
    const own = `${above}>${makeOf(element)}`;
    return [own, ...[...element.children].flatMap((child) => partsOf(child, own))];
  };

  // Those of whose parts each has been seen often enough in the ones before.
  const alike = () => {
    const times = new Map();
    const found = new Set();
    for (const element of document.querySelectorAll(REPEATED)) {
      if (found.has(element.parentElement?.closest(REPEATED))) {
        found.add(element);
        continue;
      }
      const parts = new Set(partsOf(element));
      if ([...parts].every((part) => times.get(part) >= ENOUGH)) found.add(element);
      else for (const part of parts) times.set(part, (times.get(part) ?? 0) + 1);
    }
    return [...found].filter((element) => !found.has(element.parentElement?.closest(REPEATED)));
  };

  const run = async (rules, include) => {
    if (!include.length) return [];
    // Without fetching style sheets again beforehand: the rules that read them are of orientation
    // and of films, and not among these or without anything to look at.
    const options = { ...rules, resultTypes: ["violations"], preload: false };
    const { violations } = await axe.run({ include, exclude: alike() }, options);
    return violations.map(({ id, help, nodes }) => [
      `${id}: ${help}`,
      ...nodes.slice(0, 3).map(({ html }) => `    ${html.slice(0, 240)}`),
    ].join("\n"));
  };

  return {
    begin: () => {
      looked = { light: new WeakSet(), dark: new WeakSet() };
    },

    // Leave in the page only what is looked at: axe goes through all that is there.
    thinOut: () => {
      for (const element of alike()) element.remove();
    },

    at: (rules) => run(rules, [document]),

    // How many elements show themselves that have not been looked at in this theme.
    fresh: (theme) => {
      shown = [...document.querySelectorAll("*")]
        .filter((one) => hasWords(one) || one.matches("input, select, textarea"))
        .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        .filter((one) => !looked[theme].has(one));
      for (const one of shown) looked[theme].add(one);
      return shown.length;
    },

    // Those that were counted last.
    atFresh: (rules) => run(rules, shown.length > MANY ? [document] : shown),
  };
})();
