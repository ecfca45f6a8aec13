/* Lists: the row under the cursor, selection with ranges, the count in the bulk bar, focus kept while results arrive. */

import { $, $$, announce, anyDialogOpen, isTyping } from "./dom.js";

let anchor = null; // the box that the next Shift-selection starts from
let typed = null; // what stood in the search field when an answer came

const list = () => $("[data-list]");
const rows = () => $$("[data-list] tbody tr");
const boxes = () => $$("[data-list] tbody .pick input");
const current = () => $("[data-list] tr[data-cursor]");

function moveTo(row) {
  if (!row) return;
  const before = current();
  if (before) delete before.dataset.cursor;
  row.dataset.cursor = "";
  row.scrollIntoView({ block: "nearest" });
  $("a[href]", row)?.focus({ preventScroll: true });
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  moveTo(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]);
}

function pick(box, checked, range) {
  const all = boxes();
  const from = all.indexOf(anchor);
  const to = all.indexOf(box);
  if (range && from >= 0) for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = checked;
  else box.checked = checked;
  anchor = box;
  recount();
}

function pickPage(checked) {
  for (const box of boxes()) box.checked = checked;
  recount();
}

function recount() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  const page = $("[data-pick-page]");
  const whole = $("[data-pick-all]");
  if (page) {
    page.checked = chosen > 0 && chosen === all.length;
    page.indeterminate = chosen > 0 && chosen < all.length;
  }
  if (whole && chosen < all.length) whole.checked = false;
  const count = $("[data-pick-count]");
  if (!count) return;
  const words = count.dataset;
  count.textContent = whole?.checked ? words.all : chosen === 1 ? words.one : words.many.replace("{n}", chosen);
}

function onClick(event) {
  const label = event.target.closest("[data-list] tbody .pick label");
  if (!label) return;
  const box = $("input", label);
  if (event.shiftKey) {
    event.preventDefault();
    getSelection()?.removeAllRanges();
    pick(box, event.target === box ? box.checked : !box.checked, true);
    // A prevented click restores the box after this handler; set the state once more when that is over.
    const checked = anchor?.checked ?? true;
    setTimeout(() => { box.checked = checked; recount(); });
  }
}

function onChange(event) {
  if (event.target.matches("[data-list] tbody .pick input")) {
    anchor = event.target;
    recount();
  } else if (event.target.matches("[data-pick-page]")) pickPage(event.target.checked);
  else if (event.target.matches("[data-pick-all]")) recount();
}

function onKey(event) {
  if (!list() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || anyDialogOpen()) return;
  if (isTyping(event.target)) return;
  const row = current();
  const box = row && $(".pick input", row);
  const does = {
    j: () => step(1),
    k: () => step(-1),
    x: () => box && pick(box, !box.checked, false),
    X: () => box && pick(box, true, true),
    a: () => pickPage(!boxes().every((each) => each.checked)),
    "[": () => $("[data-list] a[rel=prev]")?.click(),
    "]": () => $("[data-list] a[rel=next]")?.click(),
    Enter: () => {
      if (event.target.closest("a, button, input, summary") && !row?.contains(event.target)) return false;
      const href = row?.dataset.href;
      if (!href) return false;
      location.assign(href);
    },
  }[event.key];
  if (does && does() !== false) event.preventDefault();
}

/* Addresses are shared: what a list's form leaves empty is left out, and the chosen columns are one word. */
function onConfigRequest(event) {
  const { verb, elt, formData } = event.detail;
  if (verb !== "get" || !formData || !elt.closest?.("[data-list]")) return;
  for (const name of new Set(formData.keys())) {
    const values = formData.getAll(name).filter((value) => value !== "");
    formData.delete(name);
    if (name === "cols") formData.set(name, values.join(","));
    else for (const value of values) formData.append(name, value);
  }
}

function onBeforeSwap(event) {
  const field = $("#list-q");
  typed = field && document.activeElement === field ? field.value : null;
  if (event.detail.target?.id === "list") anchor = null;
}

function onAfterSwap() {
  const field = $("#list-q");
  if (field && typed !== null && field.value !== typed) field.value = typed;
  typed = null;
  const region = list();
  if (region) announce(region.dataset.announce);
  recount();
}

export function start() {
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("keydown", onKey);
  document.body.addEventListener("htmx:configRequest", onConfigRequest);
  document.body.addEventListener("htmx:beforeSwap", onBeforeSwap);
  document.body.addEventListener("htmx:afterSettle", onAfterSwap);
  recount();
}
