/* The composer of drafts: barcodes are taken one after the other, however fast they come, and focus stays where the hands are. */

import { $, $$, isTyping } from "./dom.js";

const waiting = [];
let sending = ""; // the code that is on its way

const form = () => $("[data-composer]");
const field = () => $("[data-composer-code]");

/* Enter in the field for codes: its text goes to the end of the queue, and the field is free for the next scan. */
function onKey(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return walk(event);
  if (event.key !== "Enter" || event.target !== field() || event.isComposing) return;
  event.preventDefault();
  const code = field().value.trim();
  if (!code) return;
  waiting.push(code);
  field().value = "";
  next();
}

function next() {
  if (sending || !waiting.length || !form()) return;
  sending = waiting.shift();
  $("[data-composer-scanned]").value = sending;
  $("[data-composer-add]").click();
}

/* Arrows go from the field to the choices below it, and through them. */
function walk(event) {
  const choices = $$("[data-choice]", form());
  const at = choices.indexOf(document.activeElement);
  if (!choices.length || (at < 0 && !["code", "who"].includes(event.target.id))) return;
  event.preventDefault();
  const to = event.key === "ArrowDown" ? at + 1 : at - 1;
  (choices[to] ?? field()).focus();
}

function onAsked(event) {
  if (event.target === form()) $("[data-composer-scanned]").value = "";
}

function onAnswered(event) {
  if (event.target !== form()) return;
  sending = "";
  if (!isTyping(document.activeElement) && !document.activeElement?.closest?.("a, button, summary")) field()?.focus({ preventScroll: true });
  next();
}

/* No answer came: the code stands in the field again, so that nothing that was scanned is lost. */
function onLost(event) {
  if (event.target === form() && sending && field() && !field().value) field().value = sending;
}

document.addEventListener("keydown", onKey);
document.body.addEventListener("htmx:beforeSend", onAsked);
document.body.addEventListener("htmx:sendError", onLost);
document.body.addEventListener("htmx:afterRequest", onAnswered);
