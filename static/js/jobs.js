/* Work in progress stays in the corner while one goes from page to page, until it is done and dismissed. */

import { $, $$ } from "./dom.js";

const KEY = "oms.jobs";
const MAX = 5;

const stored = () => {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((path) => typeof path === "string" && path.startsWith("/") && !path.startsWith("//")) : [];
  } catch {
    return [];
  }
};
const store = (paths) => sessionStorage.setItem(KEY, JSON.stringify(paths.slice(-MAX)));

function remember() {
  const paths = stored();
  for (const card of $$("main [data-job]:not([data-finished])")) if (!paths.includes(card.dataset.job)) paths.push(card.dataset.job);
  store(paths);
}

/* Each remembered job asks for its own card; the card then keeps itself up to date. One on the page already is not shown twice. */
function show() {
  const corner = $("#jobs");
  if (!corner || !window.htmx) return;
  for (const path of stored()) {
    if ($$("[data-job]").some((card) => card.dataset.job === path) || location.pathname === path) continue;
    const place = document.createElement("div");
    place.id = `job-place-${path.replace(/\W+/g, "-")}`;
    corner.append(place);
    window.htmx.ajax("GET", path, { target: place, swap: "outerHTML" }).catch(() => place.remove());
  }
}

function forget(path) {
  store(stored().filter((each) => each !== path));
}

export function start() {
  remember();
  show();
  document.body.addEventListener("htmx:afterSettle", remember);
  document.body.addEventListener("htmx:responseError", (event) => {
    if (!event.target.id?.startsWith("job-")) return;
    forget(event.detail.pathInfo.requestPath);
    event.target.remove();
  });
  document.addEventListener("click", (event) => {
    const card = event.target.closest("[data-dismiss-job]")?.closest("[data-job]");
    if (!card) return;
    forget(card.dataset.job);
    card.remove();
  });
}
