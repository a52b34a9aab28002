"use strict";
// Puts the cursor into the search on “/”. Closes an open menu on Escape and on a click elsewhere; without this script, a click on its name closes it. Names the
// cells of lists for narrow screens, on which each row is a card, and choices with a search for screen readers.
{
  const opened = () => document.querySelector("details.menu[open]");

  document.addEventListener("click", (event) => {
    const menu = opened();
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = opened();
    if (!menu || event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("keydown", (event) => {
    const box = document.getElementById("search-box");
    const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  // After Django's script, which makes these choices as soon as the page is there.
  window.django?.jQuery?.(() => {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    django.jQuery.ajaxSetup({ headers: { "X-CSRFToken": token } });
    for (const choice of document.querySelectorAll("select.select2-hidden-accessible")) {
      const name = choice.labels[0]?.innerText.replace("*", "") ?? "";
      const shown = choice.nextElementSibling;
      shown.querySelector(".select2-selection").removeAttribute("aria-labelledby");
      for (const each of shown.querySelectorAll("[role=combobox], [role=textbox]")) each.setAttribute("aria-label", name);
    }
  });

  const headers = [...document.querySelectorAll("#result_list thead th")].map((header) => header.innerText.trim());
  for (const row of document.querySelectorAll("#result_list tbody tr")) {
    [...row.cells].forEach((cell, index) => {
      if (headers[index] && !cell.dataset.label) cell.dataset.label = headers[index];
    });
  }
}
