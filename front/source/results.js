// Survey results that come back: a file is checked, its rows are shown, then it is added.
import { call, Refusal, showRefusal, word } from "./api.js";

export function startResults(form) {
  const problem = form.querySelector(".problem");
  const preview = document.querySelector("[data-preview]");
  const asked = () => {
    const [file] = form.elements.file.files;
    if (!file) throw new Refusal(0, { title: word("no_results"), detail: word("no_results_next"), choices: [] });
    const query = new URLSearchParams({ name: file.name });
    if (form.dataset.asked) query.set("asked", form.dataset.asked);
    if (form.elements.hours.value) query.set("hours_per_ha", form.elements.hours.value);
    return { file, query };
  };
  const told = async (work) => {
    showRefusal(problem, null);
    const buttons = document.querySelectorAll("[data-results] button, [data-add]");
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (refusal) {
      showRefusal(problem, refusal);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  };
  const add = () =>
    told(async () => {
      const { file, query } = asked();
      await call("POST", `/api${form.dataset.results}?${query}`, { body: file });
      window.location.reload();
    });
  form.elements.file.addEventListener("change", () => preview.replaceChildren());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    told(async () => {
      preview.replaceChildren();
      const { file, query } = asked();
      preview.innerHTML = await call("POST", `${form.dataset.results}/check?${query}`, { body: file });
      preview.querySelector("[data-add]")?.addEventListener("click", add);
      preview.focus();
    });
  });
}
