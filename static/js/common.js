/* Behaviour of every staff page: theme, menus, dialogs, toasts, forms sent once, keys on links. Bound to data-* hooks only. */

import { $, $$, anyDialogOpen, expire, isTyping, openDialog, toast } from "./dom.js";

const THEMES = ["auto", "light", "dark"];

function switchTheme() {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  root.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

function onClick(event) {
  const target = event.target.closest("[data-theme-switch], [data-dismiss], [data-open-dialog], [data-close-dialog], [data-copy]");
  closeMenus(event.target);
  if (!target) return;
  if ("themeSwitch" in target.dataset) switchTheme();
  else if ("dismiss" in target.dataset) target.closest(".toast, .notice")?.remove();
  else if (target.dataset.openDialog) openDialog(document.getElementById(target.dataset.openDialog));
  else if ("closeDialog" in target.dataset) target.closest("dialog")?.close();
  else if (target.dataset.copy) navigator.clipboard?.writeText(target.dataset.copy);
}

function closeMenus(except) {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
}

/* A form marked data-once is sent once; coming back by the Back button frees it again. */
function onSubmit(event) {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  if (form.classList.contains("is-busy")) event.preventDefault();
  else form.classList.add("is-busy");
}

function free() {
  for (const form of $$("form.is-busy")) form.classList.remove("is-busy");
}

/* Any link or button can carry its own key: data-key="p". */
function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "Escape") return closeMenus(null);
  if (anyDialogOpen()) return;
  if (event.key === "?") {
    event.preventDefault();
    listKeys();
    return openDialog($("#keys"));
  }
  const target = $$("[data-key]").find((node) => node.dataset.key === event.key && node.getAttribute("aria-disabled") !== "true");
  if (target) {
    event.preventDefault();
    target.click();
  }
}

function listKeys() {
  const list = $("[data-keys-list]");
  if (!list) return;
  for (const node of $$("[data-keys-added]", list)) node.remove();
  for (const node of $$("[data-keys-for=list]", list)) node.hidden = $("[data-list]") === null;
  const add = (keys, text) => {
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    term.dataset.keysAdded = words.dataset.keysAdded = "";
    for (const key of keys) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap, " ");
    }
    words.textContent = text;
    list.append(term, words);
  };
  for (const node of $$("[data-key]")) add([node.dataset.key], node.getAttribute("aria-label") ?? node.textContent.trim());
  for (const node of $$("[data-go]")) add(["g", node.dataset.go], $("span", node)?.textContent ?? node.textContent.trim());
}

function onSettled(root) {
  for (const dialog of $$("dialog[data-auto-open]", root)) {
    openDialog(dialog);
    dialog.addEventListener("close", () => dialog.remove());
  }
  for (const node of $$(".toast", root)) expire(node);
}

/* A dialog that asked before an action closes when the answer goes to the page behind it. */
function closeAnswered(event) {
  const dialog = event.detail.requestConfig?.elt?.closest?.("dialog[data-auto-open]");
  if (dialog && !dialog.contains(event.detail.target)) dialog.close();
}

/* A refusal brings its own sentence (HX-Trigger: toast); what has none gets the page's. */
function onRequestFailed(event) {
  free();
  const xhr = event.detail.xhr;
  if (xhr?.getResponseHeader?.("HX-Trigger")) return;
  toast(xhr?.status ? document.body.dataset.textFailed : document.body.dataset.textOffline, "bad");
}

export function start() {
  document.documentElement.classList.add("js");
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("keydown", onKey);
  window.addEventListener("pageshow", free);
  document.body.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
  document.body.addEventListener("htmx:afterSettle", (event) => { free(); onSettled(event.target.parentElement ?? document.body); });
  document.body.addEventListener("htmx:beforeSwap", closeAnswered);
  document.body.addEventListener("htmx:sendError", onRequestFailed);
  document.body.addEventListener("htmx:responseError", onRequestFailed);
  onSettled(document.body);
}
