// A request that is not done yet: its place in the queue and its progress, asked for again and again.
import { call } from "./api.js";
import { startForms } from "./forms.js";

const EACH_MS = 400;

export function startProgress(place) {
  let state = place.dataset.state;
  const look = async () => {
    try {
      const fragment = await call("GET", place.dataset.progress);
      const holder = document.createElement("template");
      holder.innerHTML = fragment;
      const next = holder.content.firstElementChild;
      if (next.dataset.over === "yes" || ("drawn" in next.dataset && !document.querySelector("[data-map]"))) {
        window.location.reload();
        return;
      }
      const said = place.querySelector("[data-said]");
      const bar = place.querySelector("progress");
      const newBar = next.querySelector("progress");
      // The form to cancel stays as it is, so that the keyboard's place in it is kept.
      if (said.textContent !== next.querySelector("[data-said]").textContent) {
        said.replaceChildren(...next.querySelector("[data-said]").childNodes);
      }
      if (newBar.hasAttribute("value")) bar.setAttribute("value", newBar.getAttribute("value"));
      state = next.dataset.state;
    } catch {
      // The desk may be started anew just now: it is asked again.
    }
    window.setTimeout(look, EACH_MS);
  };
  startForms(place);
  place.dataset.state = state;
  window.setTimeout(look, EACH_MS);
}
