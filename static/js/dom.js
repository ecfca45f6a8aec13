/* Small shared pieces: what is being typed in, one dialog at a time, messages to people. */

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export const isTyping = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));

export const anyDialogOpen = () => $("dialog[open]") !== null;

export function openDialog(dialog) {
  if (dialog && !dialog.open && !anyDialogOpen()) dialog.showModal();
}

export function announce(text) {
  const place = $("#announce");
  if (place) place.textContent = text;
}

export function toast(text, tone = "info") {
  const template = $("#toast-template");
  const place = $("#toasts");
  if (!template || !place) return;
  const node = template.content.firstElementChild.cloneNode(true);
  node.dataset.toast = tone;
  $("[data-toast-text]", node).textContent = text;
  place.append(node);
  expire(node);
}

/* What went wrong stays until it is read; what went well leaves by itself. */
export function expire(node) {
  if (["error", "warning", "bad", "warn"].includes(node.dataset.toast)) return;
  setTimeout(() => node.matches(":hover, :focus-within") ? expire(node) : node.remove(), 6000);
}
