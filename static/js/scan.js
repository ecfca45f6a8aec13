/* Warehouse screens: a hand scanner types fast and ends with Enter. No key is lost, focus comes back, right and wrong are heard. */

import { $, $$, anyDialogOpen, isTyping } from "./dom.js";

const TONES = { right: [[880, 0, 0.09]], wrong: [[196, 0, 0.22], [165, 0.24, 0.3]], done: [[660, 0, 0.1], [880, 0.12, 0.1], [1175, 0.24, 0.18]] };
let audio = null;
let waiting = []; // codes scanned while one is still being sent
let busy = false;

function beep(kind) {
  const tones = TONES[kind];
  const Context = window.AudioContext ?? window.webkitAudioContext;
  // A browser lets a page make a sound only after the person has touched it; until then colour and words tell.
  if (!tones || !Context || navigator.userActivation?.hasBeenActive === false) return;
  audio ??= new Context();
  if (audio.state === "suspended") audio.resume();
  for (const [frequency, at, seconds] of tones) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.type = kind === "wrong" ? "square" : "sine";
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.15, audio.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + seconds);
  }
  if (kind === "wrong") navigator.vibrate?.([120, 60, 120]);
}

const field = () => $("[data-scan]");

function focusField() {
  const scan = field();
  if (scan && !anyDialogOpen() && !isTyping(document.activeElement)) scan.focus({ preventScroll: true });
}

function sound(root) {
  for (const node of [root, ...$$("[data-beep]", root)]) {
    const kind = node.dataset?.beep;
    if (!kind) continue;
    delete node.dataset.beep;
    beep(kind);
  }
}

/* data-scan-key="Enter": what a key does that no scanner sends by itself, while the scan field is empty and nothing is on its way. */
function pressed(event, scan) {
  if (!scan || event.target !== scan || scan.value !== "" || busy || event.repeat || anyDialogOpen()) return false;
  const target = $$("[data-scan-key]").find((node) => node.dataset.scanKey === event.key);
  if (!target) return false;
  event.preventDefault();
  target.click();
  return true;
}

/* Keys typed while focus is elsewhere belong to the scan field, except single-key actions of the page. */
function onKey(event) {
  const scan = field();
  if (pressed(event, scan)) return;
  if (!scan || event.ctrlKey || event.metaKey || event.altKey || anyDialogOpen() || isTyping(event.target)) return;
  if (event.key.length !== 1 || event.key === "?" || $$("[data-key]").some((node) => node.dataset.key === event.key)) return;
  event.preventDefault();
  scan.value += event.key;
  scan.focus({ preventScroll: true });
}

/* A second scan before the first is answered waits its turn instead of replacing it. */
function onSubmit(event) {
  const scan = field();
  if (!scan || event.target !== scan.form || !scan.form.hasAttribute("hx-post")) return;
  const code = scan.value.trim();
  if (!code || busy) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (code) waiting.push(code);
    scan.value = "";
  }
}

function next() {
  busy = false;
  const code = waiting.shift();
  const scan = field();
  if (code && scan) {
    scan.value = code;
    scan.form.requestSubmit();
  }
  focusField();
}

export function start() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("click", () => setTimeout(focusField));
  const ours = (event) => field()?.form === event.target;
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!ours(event)) return;
    busy = true;
    queueMicrotask(() => { const scan = field(); if (scan) scan.value = ""; });
  });
  document.body.addEventListener("htmx:afterSettle", (event) => { sound(event.target.parentElement ?? document.body); next(); });
  document.body.addEventListener("htmx:sendError", (event) => {
    if (!ours(event)) return;
    beep("wrong");
    const code = new FormData(event.target).get("code") || event.detail.requestConfig?.parameters?.code;
    busy = false;
    const scan = field();
    if (scan && code) scan.value = code; // kept: nothing that was scanned is lost
  });
  document.body.addEventListener("htmx:responseError", () => { beep("wrong"); next(); });
  sound(document.body);
  focusField();
}
