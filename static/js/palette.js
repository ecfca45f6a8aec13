/* One field for everything: `/` opens it, results come while typing, pages of the sidebar are found by name without asking. */

import { $, $$, anyDialogOpen, isTyping, openDialog } from "./dom.js";

const palette = () => $("#palette");
const field = () => $("#palette-input");
const options = () => $$("#palette-pages:not([hidden]) a, #palette-results a");
let chosen = -1;
let going = null; // set for a moment after `g`

function open(text = "") {
  const dialog = palette();
  if (!dialog || anyDialogOpen()) return false;
  openDialog(dialog);
  field().value = text;
  field().select();
  filterPages();
  return true;
}

function filterPages() {
  const place = $("#palette-pages");
  const text = field().value.trim().toLocaleLowerCase();
  place.replaceChildren();
  for (const link of text ? $$("#sidebar .nav a") : []) {
    const name = $("span", link)?.textContent.trim() ?? "";
    if (!name.toLocaleLowerCase().includes(text)) continue;
    const copy = document.createElement("a");
    copy.href = link.href;
    const icon = $("svg", link)?.cloneNode(true);
    copy.append(...(icon ? [icon] : []), name);
    place.append(copy);
  }
  place.hidden = place.childElementCount === 0;
  choose(0);
}

function choose(at) {
  const all = options();
  chosen = all.length ? (at + all.length) % all.length : -1;
  all.forEach((link, index) => link.setAttribute("aria-selected", String(index === chosen)));
  all[chosen]?.scrollIntoView({ block: "nearest" });
}

function onPaletteKey(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && options()[chosen]) {
    event.preventDefault();
    options()[chosen].click();
  }
}

function onKey(event) {
  if (event.defaultPrevented || event.altKey || anyDialogOpen()) return;
  if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !isTyping(event.target))) {
    if (open()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || isTyping(event.target)) return;
  if (going) {
    clearTimeout(going);
    going = null;
    const link = $$("[data-go]").find((node) => node.dataset.go === event.key);
    if (link) {
      event.preventDefault();
      event.stopImmediatePropagation();
      link.click();
    }
  } else if (event.key === "g") going = setTimeout(() => { going = null; }, 1200);
}

export function start() {
  document.addEventListener("keydown", onKey);
  const dialog = palette();
  if (!dialog) return;
  dialog.addEventListener("keydown", onPaletteKey);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  field().addEventListener("input", filterPages);
  document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "palette-results") choose(0); });
  const outside = $("[data-open-palette]");
  outside?.addEventListener("focus", () => { const text = outside.value; outside.blur(); open(text); });
}
