// A decision of a reviewer, signed with a key that never leaves this browser, or by bytes of a file.
import { call, make, Refusal, showRefusal, word } from "./api.js";
import { valuesOf } from "./forms.js";

const ED25519 = { name: "Ed25519" };
const bytesOf = (text) => Uint8Array.from(window.atob(text), (letter) => letter.charCodeAt(0));
const base64 = (bytes) => window.btoa(String.fromCharCode(...bytes));

export function startSigning(root) {
  for (const form of root.querySelectorAll("form[data-review]")) {
    const given = { at: null };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(form, () => decide(form, given));
    });
    form.querySelector("[data-to-sign]").addEventListener("click", () => attempt(form, () => fetchBytes(form, given)));
  }
}

async function attempt(form, action) {
  const place = form.querySelector(".problem");
  showRefusal(place, null);
  try {
    await action();
  } catch (refusal) {
    showRefusal(place, refusal);
  }
}

async function decide(form, given) {
  if (!form.reportValidity()) return;
  const asked = valuesOf(form);
  const pem = form.querySelector("[data-pem]").value.trim();
  const signature = form.querySelector("[data-signature]").value.trim();
  if (pem) Object.assign(asked, await signHere(form, asked, pem));
  else if (signature) Object.assign(asked, { at: given.at, key: form.querySelector("[data-public]").value.trim(), signature });
  await call("POST", form.dataset.review, { json: asked });
  window.location.reload();
}

async function signHere(form, asked, pem) {
  let key, open;
  try {
    const content = bytesOf(pem.replace(/-----[^-]+-----|\s/g, ""));
    key = await window.crypto.subtle.importKey("pkcs8", content, ED25519, true, ["sign"]);
    const { x } = await window.crypto.subtle.exportKey("jwk", key);
    open = base64(bytesOf(x.replaceAll("-", "+").replaceAll("_", "/").padEnd(44, "=")));
  } catch {
    throw new Refusal(0, { title: word("key_not_read"), detail: word("key_not_read_next"), choices: [] });
  }
  const { at, content } = await call("POST", `${form.dataset.review}/to-sign`, { json: { ...asked, key: open } });
  const made = await window.crypto.subtle.sign(ED25519, key, bytesOf(content));
  return { at, key: open, signature: base64(new Uint8Array(made)) };
}

async function fetchBytes(form, given) {
  if (!form.reportValidity()) return;
  const key = form.querySelector("[data-public]").value.trim();
  const found = await call("POST", `${form.dataset.review}/to-sign`, { json: { ...valuesOf(form), key } });
  given.at = found.at;
  const link = make("a", { href: window.URL.createObjectURL(new Blob([bytesOf(found.content)])), download: "decision.bin" });
  link.click();
}
