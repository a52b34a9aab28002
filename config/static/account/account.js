// Fills the form with the values after the # of the link, and sends it to the API when the reader submits it.
"use strict";

const form = document.querySelector("form");
const state = document.querySelector("[role=status]");
const keys = document.querySelector("#keys");
const values = new URLSearchParams(location.hash.slice(1));

for (const field of form.elements) {
  if (values.has(field.name)) field.value = values.get(field.name);
}

const isIncomplete = [...form.elements].some((field) => field.type === "hidden" && field.value === "");

function show(text, isError) {
  state.textContent = text;
  state.classList.toggle("error", isError);
}

function reasonOf(body) {
  const details = body.error.details.map((detail) => detail.message);
  return [body.error.message, ...details].join(" ");
}

async function post(url, values) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
    credentials: "omit",
  });
  return [response.ok, await response.json()];
}

// Disables the button while the action runs, so that a second click sends nothing.
async function during(button, action) {
  button.disabled = true;
  show("", false);
  try {
    await action();
  } catch {
    show(`${form.dataset.product} is unavailable. Try again in a moment.`, true);
  } finally {
    button.disabled = false;
  }
}

function day(moment) {
  return moment === null ? "never" : moment.slice(0, 10);
}

function counted(total) {
  return total === 1 ? "1 key" : `${total} keys`;
}

function row(key, token) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  const used = `created ${day(key.created_at)}, last used ${day(key.last_used_at)}`;
  text.textContent = `${key.name} (${key.prefix}…), ${used}`;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Revoke";
  button.setAttribute("aria-label", `Revoke ${key.name}`);
  button.addEventListener("click", () => during(button, () => revoke("revoke", { token, key_id: key.id })));
  item.append(text, button);
  return item;
}

// Shows the keys that a review lists, each with a button; the token of the review works more than once.
function list(review) {
  const isEmpty = review.total === 0;
  const rest = review.total - review.items.length;
  keys.hidden = false;
  keys.querySelector("#keys-text").textContent = isEmpty
    ? "No key that can be used is left."
    : `${counted(review.total)} can be used.${rest > 0 ? ` The newest ${review.items.length} are listed.` : ""}`;
  keys.querySelector("ul").replaceChildren(...review.items.map((key) => row(key, review.token)));
  const all = keys.querySelector(":scope > button");
  all.hidden = isEmpty;
  all.onclick = () => during(all, () => revoke("revoke-all", { token: review.token }));
  // A reload shows the list again.
  const link = new URLSearchParams({ token: review.token });
  history.replaceState(null, "", `${keys.dataset.page}#${link}`);
}

async function revoke(name, values) {
  const [isDone, body] = await post(`${keys.dataset.action}/${name}`, values);
  if (!isDone) return show(reasonOf(body), true);
  list(body);
  return show("Revoked.", false);
}

async function send() {
  const entries = [...new FormData(form)].filter(([, value]) => value !== "");
  const [isDone, body] = await post(form.action, Object.fromEntries(entries));
  if (!isDone) return show(reasonOf(body), true);
  form.hidden = !("sendsItself" in form.dataset);
  form.querySelector("button").hidden = true;
  if (body.items) return list(body);
  // The token is used up; the history need not keep it.
  history.replaceState(null, "", location.pathname);
  if (body.api_keys) list(body.api_keys);
  if (body.is_staff) document.querySelector("#staff").hidden = false;
  return show(body.status === "pending" ? form.dataset.pending : form.dataset.done, false);
}

// A link to the same page with another token makes browsers load nothing.
window.addEventListener("hashchange", () => location.reload());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  during(form.querySelector("button"), send);
});

if (isIncomplete) {
  form.hidden = true;
  show("Open the link in the message again.", true);
} else if ("sendsItself" in form.dataset) {
  during(form.querySelector("button"), send);
}
