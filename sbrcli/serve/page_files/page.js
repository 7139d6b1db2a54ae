"use strict";

const K = 10;
const byId = (id) => document.getElementById(id);
const session = [];
let token = "";
let asked = 0;

/** Ask the service, and return its JSON; a missing token is asked for once. */
async function ask(path, body) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const settings = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(path, settings);
  if (response.status === 401) {
    token = await askForToken();
    return ask(path, body);
  }
  const found = await response.json();
  if (!response.ok) throw new Error(found.error + (found.hint ? ` (${found.hint})` : ""));
  return found;
}

function askForToken() {
  const dialog = byId("ask");
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(byId("token").value.trim()), { once: true });
  });
}

const nameOf = (item) => item.title ?? item.item;

function button(text, label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

function fill(list, rows) {
  list.replaceChildren(...rows.map((parts) => {
    const row = document.createElement("li");
    row.append(...parts);
    return row;
  }));
}

function note(text, kind) {
  const made = document.createElement("small");
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function show(problem) {
  byId("problem").textContent = problem ?? "";
  byId("problem").hidden = !problem;
}

async function find() {
  const words = byId("words").value;
  try {
    const found = await ask(`/v1/items?limit=12&q=${encodeURIComponent(words)}`);
    if (words !== byId("words").value) return;
    fill(byId("found"), found.items.map((item) => [
      button(nameOf(item), `Add ${nameOf(item)} to the session`, () => add(item)),
      note(item.train_count.toLocaleString("en")),
    ]));
    if (!found.items.length) fill(byId("found"), [[note("No item has these words.")]]);
  } catch (error) {
    show(error.message);
  }
}

function add(item) {
  session.push(item);
  update();
}

function showSession() {
  fill(byId("session"), session.map((item, place) => [
    button(nameOf(item), `${nameOf(item)}: show similar items`, () => showSimilar(item)),
    button("✕", `Remove ${nameOf(item)}`, () => {
      session.splice(place, 1);
      update();
    }),
  ]));
  byId("empty").hidden = session.length > 0;
  byId("clear").hidden = session.length === 0;
}

async function update() {
  showSession();
  show();
  byId("next-title").textContent = "Recommended";
  const number = ++asked;
  if (!session.length) return fill(byId("next"), []);
  try {
    const items = session.map((item) => item.item);
    const found = await ask("/v1/recommend", { items, k: K });
    if (number === asked) showNext(found.items);
  } catch (error) {
    if (number === asked) show(error.message);
  }
}

function showNext(items) {
  fill(byId("next"), items.map((item) => {
    const parts = [
      button(`${item.rank}. ${nameOf(item)}`, `Add ${nameOf(item)} to the session`, () => add(item)),
    ];
    if (session.length) parts.push(button("why?", `Why ${nameOf(item)}?`, (event) => explain(item, event)));
    return parts;
  }));
}

async function explain(item, event) {
  const row = event.target.closest("li");
  try {
    const items = session.map((one) => one.item);
    const found = await ask("/v1/recommend", { items, k: K, explain: true });
    const own = found.items.find((one) => one.item === item.item);
    const causes = (own?.why ?? []).map((cause) => `${nameOf(cause)} ${Math.round(100 * cause.share)}\u00a0%`);
    row.querySelector(".why")?.remove();
    row.classList.add("open");
    row.append(note(causes.length ? `because of ${causes.join(", ")}` : "no event raised its score", "why"));
  } catch (error) {
    show(error.message);
  }
}

async function showSimilar(item) {
  const number = ++asked;
  show();
  try {
    const found = await ask(`/v1/items/${encodeURIComponent(item.item)}/similar?k=${K}`);
    if (number !== asked) return;
    byId("next-title").textContent = `Similar to ${nameOf(item)}`;
    showNext(found.items);
  } catch (error) {
    if (number === asked) show(error.message);
  }
}

let pause;
byId("words").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(find, 120);
});
byId("clear").addEventListener("click", () => {
  session.length = 0;
  update();
  byId("words").focus();
});

ask("/v1/runs/current").then(
  (run) => {
    byId("run").textContent = `${run.run}, trained on ${run.dataset}: ${run.items.toLocaleString("en")} items`;
    find();
  },
  (error) => show(error.message),
);
