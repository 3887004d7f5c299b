// How the run's own layers are drawn over the map.
import { Circle, Fill, Stroke, Style, Text } from "ol/style.js";

const INK = "#1c1a20";
const halo = new Stroke({ color: "#ffffff", width: 3.5 });

function text(feature, size) {
  const name = feature.get("name");
  return name
    ? new Text({
        text: String(name),
        font: `${size}px system-ui, sans-serif`,
        fill: new Fill({ color: INK }),
        stroke: halo,
        offsetY: -11,
        overflow: true,
      })
    : undefined;
}

function line(color, width, lineDash) {
  return [
    new Style({ stroke: new Stroke({ color: "rgba(255,255,255,.8)", width: width + 2 }) }),
    new Style({ stroke: new Stroke({ color, width, lineDash }) }),
  ];
}

const point = (color, radius) =>
  new Circle({ radius, fill: new Fill({ color }), stroke: new Stroke({ color: "#ffffff", width: 1.25 }) });

const ROLES = {
  boundary: () => line("#57525f", 1.5, [2, 5]),
  districts: (feature) => [
    ...line("#57525f", 1.25, [8, 4]),
    new Style({ text: text(feature, 12) }),
  ],
  line: () => line(INK, 3, [10, 5]),
  water: () => line("#1f6fa8", 1.25),
  roads: () => line("#7a4a00", 1.5),
  places: (feature) => new Style({ image: point(INK, 3), text: text(feature, 13) }),
  findings: () => [
    new Style({ image: point("#b3001b", 4), stroke: new Stroke({ color: "#b3001b", width: 2 }), fill: new Fill({ color: "rgba(179,0,27,.12)" }) }),
  ],
  other: () => [new Style({ image: point("#57525f", 3), stroke: new Stroke({ color: "#57525f", width: 1.5 }) })],
};

export function styleOf(role) {
  const made = ROLES[role] ?? ROLES.other;
  return (feature) => made(feature);
}

const TASKS = { ranked: { color: INK, dash: undefined }, learn: { color: "#005a9c", dash: [6, 4] }, control: { color: "#57525f", dash: [2, 4] } };

export function taskStyle(chosen) {
  return (feature) => {
    const { color, dash } = TASKS[feature.get("arm")] ?? TASKS.ranked;
    const on = feature.get("task") === chosen();
    return [
      new Style({ stroke: new Stroke({ color: "#ffffff", width: on ? 8 : 4 }) }),
      new Style({
        stroke: new Stroke({ color: on ? "#0b57d0" : color, width: on ? 4 : 2, lineDash: on ? undefined : dash }),
        fill: new Fill({ color: on ? "rgba(11,87,208,.12)" : "rgba(255,255,255,.01)" }),
        text: new Text({
          text: String(feature.get("task") ?? ""),
          font: "bold 12px system-ui, sans-serif",
          fill: new Fill({ color: INK }),
          stroke: halo,
        }),
      }),
    ];
  };
}

export const areaStyle = [
  new Style({ stroke: new Stroke({ color: "#ffffff", width: 5 }) }),
  new Style({ stroke: new Stroke({ color: "#0b57d0", width: 2.5 }), fill: new Fill({ color: "rgba(11,87,208,.08)" }) }),
];
