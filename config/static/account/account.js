// Fills the form with the values after the # of the link, and sends it to the API when the reader submits it.
"use strict";

const form = document.querySelector("form");
const state = document.querySelector("[role=status]");
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

async function send() {
  const entries = [...new FormData(form)].filter(([, value]) => value !== "");
  const response = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(entries)),
    credentials: "omit",
  });
  const body = await response.json();
  if (!response.ok) return show(reasonOf(body), true);
  // The token is used up; the history need not keep it.
  history.replaceState(null, "", location.pathname);
  form.hidden = true;
  return show(body.status === "pending" ? form.dataset.pending : form.dataset.done, false);
}

// A link to the same page with another token makes browsers load nothing.
window.addEventListener("hashchange", () => location.reload());

if (isIncomplete) {
  form.hidden = true;
  show("Open the link in the message again.", true);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  show("", false);
  send()
    .catch(() => show(`${form.dataset.product} is unavailable. Try again in a moment.`, true))
    .finally(() => {
      button.disabled = false;
    });
});
