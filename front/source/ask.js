// A request in four steps: where, what, copy, check.
import GeoJSON from "ol/format/GeoJSON.js";
import Draw from "ol/interaction/Draw.js";
import VectorLayer from "ol/layer/Vector.js";
import { toLonLat } from "ol/proj.js";
import VectorSource from "ol/source/Vector.js";

import { call, Refusal, showRefusal, word } from "./api.js";
import { areaStyle } from "./styles.js";

const format = new GeoJSON({ featureProjection: "EPSG:3857", dataProjection: "EPSG:4326" });
const DIGITS = 6;

export function startAsk(form, drawn) {
  const asking = { form, drawn, step: 0, area: null, sent: "" };
  asking.steps = [...form.querySelectorAll("[data-step]")];
  asking.marks = [...document.querySelectorAll(".steps li")];
  asking.problem = form.querySelector(".problem");
  startDrawing(asking);
  const ways = [...form.querySelectorAll("[name=where]")];
  const open = () => {
    const chosen = ways.find((way) => way.checked)?.value;
    for (const part of form.querySelectorAll("[data-where]")) part.hidden = part.dataset.where !== chosen;
    asking.where = chosen;
  };
  for (const way of ways) way.addEventListener("change", open);
  open();
  for (const button of form.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(asking, asking.step + Number(button.dataset.go)));
  }
  form.querySelector("[data-filter]")?.addEventListener("input", (event) => filter(form, event.target.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (asking.step === asking.steps.length - 1) ask(asking);
    else go(asking, asking.step + 1);
  });
  show(asking);
}

// Names are found however they are spelled: without accents, in any case, by any of their spellings.
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ı", "i").replaceAll("ə", "e");

function filter(form, wanted) {
  const part = folded(wanted.trim());
  for (const choice of form.querySelectorAll("[data-spellings]")) {
    choice.hidden = !folded(choice.dataset.spellings).includes(part) && !choice.querySelector("input").checked;
  }
}


async function go(asking, step) {
  showRefusal(asking.problem, null);
  if (step > asking.step && !asking.form.reportValidity()) return;
  try {
    if (step > 0 && asking.step === 0) await takeArea(asking);
    if (step === asking.steps.length - 1) await check(asking);
  } catch (refusal) {
    showRefusal(asking.problem, refusal);
    return;
  }
  asking.step = Math.max(0, step);
  show(asking);
  const heading = asking.steps[asking.step].querySelector("h2");
  heading.focus();
}

function show(asking) {
  asking.steps.forEach((part, place) => (part.hidden = place !== asking.step));
  const last = asking.step === asking.steps.length - 1;
  asking.form.querySelector('[data-go="-1"]').hidden = asking.step === 0;
  asking.form.querySelector('[data-go="1"]').hidden = last;
  asking.form.querySelector("[data-last]").hidden = !last;
  asking.marks.forEach((mark, place) => {
    mark.classList.toggle("done", place < asking.step);
    if (place === asking.step) mark.setAttribute("aria-current", "step");
    else mark.removeAttribute("aria-current");
  });
}

function startDrawing(asking) {
  const { form, drawn } = asking;
  const source = new VectorSource();
  drawn.map.addLayer(new VectorLayer({ source, style: areaStyle, zIndex: 15 }));
  asking.source = source;
  const start = form.querySelector("[data-draw]");
  const corners = form.elements.corners;
  let drawing = null;
  const stop = () => {
    if (drawing) drawn.map.removeInteraction(drawing);
    drawing = null;
    start.setAttribute("aria-pressed", "false");
  };
  drawn.drawing = () => drawing !== null;
  start.addEventListener("click", () => {
    if (drawing) return stop();
    drawing = new Draw({ source, type: "Polygon" });
    drawing.on("drawstart", () => source.clear());
    drawing.on("drawend", (event) => {
      const ring = event.feature.getGeometry().getCoordinates()[0].slice(0, -1);
      corners.value = ring.map((place) => toLonLat(place)).map(([lon, lat]) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`).join("\n");
      window.setTimeout(stop, 300);
    });
    drawn.map.addInteraction(drawing);
    start.setAttribute("aria-pressed", "true");
    drawn.box.scrollIntoView({ block: "nearest" });
  });
  form.querySelector("[data-anew]").addEventListener("click", () => {
    source.clear();
    corners.value = "";
    stop();
  });
  corners.addEventListener("change", () => {
    source.clear();
    const shape = polygonOf(corners.value);
    if (shape) source.addFeatures(format.readFeatures(shape));
  });
}

function polygonOf(text) {
  const places = text.split("\n").map((line) => line.trim()).filter(Boolean)
    .map((line) => line.split(/[\s,;]+/).slice(0, 2).map(Number));
  if (places.length < 3 || places.some((place) => place.length < 2 || !place.every(Number.isFinite))) return null;
  const ring = places.map(([lat, lon]) => [Number(lon.toFixed(DIGITS)), Number(lat.toFixed(DIGITS))]);
  return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
}

// Send the polygons that were drawn or chosen, once; the desk judges them.
async function takeArea(asking) {
  const { form, where } = asking;
  let name, body;
  if (where === "draw") {
    const shape = polygonOf(form.elements.corners.value);
    if (!shape) throw new Refusal(0, { title: word("no_area"), detail: word("no_area_next"), choices: [] });
    name = "drawn.geojson";
    body = new Blob([JSON.stringify({ type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: shape }] })]);
  } else if (where === "upload") {
    [body] = form.elements.file.files;
    if (!body) throw new Refusal(0, { title: word("no_file"), detail: word("no_file_next"), choices: [] });
    name = body.name;
  } else {
    asking.area = null;
    asking.sent = "";
    return;
  }
  const layer = form.elements.layer.value.trim();
  const crs = where === "upload" ? form.elements.crs.value.trim() : "";
  const mark = `${name} ${body.size} ${layer} ${crs} ${where === "draw" ? form.elements.corners.value : body.lastModified}`;
  if (asking.sent === mark) return;
  const query = new URLSearchParams({ name, ...(layer && where === "upload" ? { layer } : {}), ...(crs ? { crs } : {}) });
  const found = await call("POST", `/api/areas?${query}`, { body, headers: { "Content-Type": "application/octet-stream" } });
  asking.area = found.id;
  asking.sent = mark;
  asking.source.clear();
  const outline = found.facts?.outline ?? found.outline;
  if (outline) {
    asking.source.addFeatures(format.readFeatures(outline));
    if (where === "upload") asking.drawn.map.getView().fit(asking.source.getExtent(), { padding: [40, 40, 40, 40], maxZoom: 13 });
  }
}

function orderOf({ form, where, area }) {
  const one = (name) => form.elements[name]?.value?.trim() || undefined;
  const number = (name) => (one(name) === undefined ? undefined : Number(one(name)));
  const ticked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  const filters = {
    hazard: one("hazard"),
    as_of: one("as_of"),
    budget_ha: number("budget_ha"),
    clip: form.elements.clip?.checked ?? false,
  };
  // Only what was changed, so that the same request stays the same.
  const changed = [...form.querySelectorAll("[data-weight]")].filter((field) => field.value && field.value !== field.defaultValue);
  if (changed.length) filters.weights = Object.fromEntries(changed.map((field) => [field.dataset.weight, Number(field.value)]));
  if (where === "districts") filters.districts = ticked("districts");
  if (where === "near") Object.assign(filters, { near: ticked("near"), within_m: number("within_m") });
  return {
    run: form.dataset.run,
    area: area ?? undefined,
    filters,
    public: form.querySelector("[name=copy]:checked")?.value === "public",
    language: one("language"),
    note: one("note") ?? "",
    shared: form.elements.shared?.checked ?? false,
  };
}

async function check(asking) {
  const place = asking.form.querySelector("[data-check]");
  const { run, area, filters, language, public: coarse } = orderOf(asking);
  place.innerHTML = await call("POST", `/runs/${run}/check`, { json: { run, area, filters, language, public: coarse } });
}

async function ask(asking) {
  const button = asking.form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const found = await call("POST", "/api/requests", { json: orderOf(asking) });
    window.location.assign(`/requests/${found.id}`);
  } catch (refusal) {
    showRefusal(asking.problem, refusal);
    button.disabled = false;
  }
}
