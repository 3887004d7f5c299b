// The entry: each part of a page that is there is started; none knows of the others.
import { startAsk } from "./ask.js";
import { startForms } from "./forms.js";
import { startMap } from "./map.js";
import { startProgress } from "./progress.js";
import { startResults } from "./results.js";
import { startSigning } from "./signing.js";

startForms(document);
startSigning(document);
const box = document.querySelector("[data-map]");
const drawn = box ? startMap(box) : null;
const ask = document.querySelector("[data-ask]");
if (ask && drawn) startAsk(ask, drawn);
const results = document.querySelector("[data-results]");
if (results) startResults(results);
const progress = document.querySelector("[data-progress]");
if (progress) startProgress(progress);
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
document.querySelector("[data-language]").addEventListener("change", (event) => {
  document.cookie = `__Host-desk-language=${event.target.value}; Path=/; SameSite=Strict; Max-Age=31536000; Secure`;
  window.location.reload();
});
document.documentElement.dataset.ready = "yes";
