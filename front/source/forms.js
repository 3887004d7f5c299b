// Forms that send JSON to an address of the desk: <form data-send="POST /api/…" data-then="…">.
import { call, make, showRefusal } from "./api.js";

export function startForms(root) {
  for (const form of root.querySelectorAll("form[data-send]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  }
}

async function send(form) {
  const place = form.querySelector(".problem") ?? form.appendChild(make("div", { className: "problem" }));
  place.setAttribute("role", "alert");
  if (form.dataset.sure && !window.confirm(form.dataset.sure)) return;
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  showRefusal(place, null);
  const [method, path] = form.dataset.send.split(" ");
  try {
    const found = await call(method, path, { json: method === "DELETE" ? undefined : valuesOf(form) });
    follow(form, found);
  } catch (refusal) {
    showRefusal(place, refusal);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

// What a field holds follows from its data-kind: number, list (of ticked boxes), lines, or text.
export function valuesOf(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    const { kind } = field.dataset;
    if (kind === "list") {
      found[field.name] ??= [];
      if (field.checked) found[field.name].push(field.value);
    } else if (field.type === "checkbox") found[field.name] = field.checked;
    else if (field.type === "radio") {
      if (field.checked) found[field.name] = field.value;
    } else if (field.value === "" && field.dataset.empty !== "text") continue;
    else found[field.name] = kind === "number" ? Number(field.value) : field.value;
  }
  return found;
}

function follow(form, found) {
  const then = form.dataset.then ?? "reload";
  if (then === "reload") window.location.reload();
  else if (then === "show") {
    const place = form.parentElement.querySelector("[data-shown]");
    place.hidden = false;
    for (const part of place.querySelectorAll("[data-fact]")) {
      part.textContent = found[part.dataset.fact] ?? "";
    }
    place.focus();
  } else window.location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(found[name])));
}
