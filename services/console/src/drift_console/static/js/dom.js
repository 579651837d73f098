// Building and updating elements. Text is only ever set as text, so nothing that arrives can become markup.

/** Make an element: `h("p", {class: "muted", onclick: f}, "text", child)`; null children are left out. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else setAttribute(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set, or with null or false remove, an attribute; does nothing when it already holds the value. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/** Set text only when it differs: selections and screen readers are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Keep one child of `parent` per item, in order, reusing those whose key is still there. */
export function reconcile(parent, items, key, create, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = old.get(name);
    old.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update?.(child, item);
  }
  for (const child of old.values()) child.remove();
}

/** Run `render(value)` only when the value (JSON) differs from the last one. */
export function whenChanged(render) {
  let last;
  return (value) => {
    const text = JSON.stringify(value);
    if (text === last) return;
    last = text;
    render(value);
  };
}

/** A panel's heading row: a title, and what stands at its right. */
export function heading(id, title, ...aside) {
  return h("div", { class: "head" }, h("h2", { id: `${id}-title` }, title), ...aside);
}

/** A scrolling box that the keyboard can reach. */
export function scroller(label, ...children) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, ...children);
}

/** A plain table from a caption, column names and rows of strings or nodes. */
export function table(caption, columns, rows) {
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows.map((cells) => h("tr", {}, ...cells.map((cell, i) =>
      i === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell))))),
  );
}

/** A folded table of a chart's numbers, filled when opened and kept current while open. */
export function dataTable(label, build) {
  const box = scroller(`Table: ${label}`);
  const node = h("details", { class: "data" }, h("summary", {}, "Data table"), box);
  node.firstChild.setAttribute("aria-label", `Data table: ${label}`);
  node.refresh = () => node.open && box.replaceChildren(build());
  node.addEventListener("toggle", node.refresh);
  return node;
}
