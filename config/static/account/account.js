// Fills the form with what the link carries behind its #, and sends it to the API when its reader says so.
"use strict";

const form = document.querySelector("form");
const state = document.querySelector("[role=status]");
const given = new URLSearchParams(location.hash.slice(1));

for (const field of form.elements) {
  if (given.has(field.name)) field.value = given.get(field.name);
}

const isIncomplete = [...form.elements].some((field) => field.type === "hidden" && field.value === "");

function say(text, isRefusal) {
  state.textContent = text;
  state.classList.toggle("refusal", isRefusal);
}

function reasonOf(answer) {
  const details = answer.error.details.map((detail) => detail.message);
  return [answer.error.message, ...details].join(" ");
}

async function send() {
  const entries = [...new FormData(form)].filter(([, value]) => value !== "");
  const response = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(entries)),
    credentials: "omit",
  });
  const answer = await response.json();
  if (!response.ok) return say(reasonOf(answer), true);
  // The token is spent; the address in the history need not keep it.
  history.replaceState(null, "", location.pathname);
  form.hidden = true;
  return say(answer.status === "pending" ? form.dataset.pending : form.dataset.done, false);
}

// The same page with another token is another link, which a browser follows without loading anything.
window.addEventListener("hashchange", () => location.reload());

if (isIncomplete) {
  form.hidden = true;
  say("Open the link from the mail again.", true);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say("", false);
  send()
    .catch(() => say(`${form.dataset.product} could not be reached. Try again in a moment.`, true))
    .finally(() => {
      button.disabled = false;
    });
});
