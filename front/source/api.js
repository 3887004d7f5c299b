// Calls of the desk's own addresses, and refusals (RFC 9457) as they are shown.

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.title);
    this.status = status;
    this.problem = problem;
  }
}

// Send what is given as JSON, or a body as it is; return JSON, a fragment of a page, or null.
export async function call(method, path, { json, body, headers = {} } = {}) {
  const sent = { Accept: "application/json, text/html", ...headers };
  if (method !== "GET") sent["X-Desk-Form"] = document.body.dataset.formWord ?? "";
  if (json !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: sent,
      body: json === undefined ? body : JSON.stringify(json),
      credentials: "same-origin",
    });
  } catch {
    throw new Refusal(0, { title: word("unreachable"), detail: word("try_again"), choices: [] });
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  if (answer.ok) {
    if (answer.status === 204) return null;
    return kind.startsWith("text/html") ? answer.text() : answer.json();
  }
  const problem = kind.includes("json") ? await answer.json() : {};
  throw new Refusal(answer.status, {
    title: problem.title ?? word("unreachable"),
    detail: typeof problem.detail === "string" ? problem.detail : word("try_again"),
    choices: problem.choices ?? [],
  });
}

const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

export function word(name) {
  return words[name] ?? name;
}

// Show a refusal in its place, and tell a screen reader.
export function showRefusal(place, refusal) {
  place.replaceChildren();
  if (!refusal) return;
  if (!(refusal instanceof Refusal)) throw refusal;
  const box = make("div", { className: "said stop" });
  box.append(make("b", { textContent: refusal.problem.title }));
  box.append(make("p", { textContent: refusal.problem.detail }));
  if (refusal.problem.choices.length) {
    const list = make("ul");
    for (const choice of refusal.problem.choices) list.append(make("li", { textContent: choice }));
    box.append(list);
  }
  place.append(box);
}

export function make(tag, facts = {}) {
  return Object.assign(document.createElement(tag), facts);
}
