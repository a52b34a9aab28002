"use strict";
// Closes an open menu on Escape and on a click elsewhere; without this script, a click on its name closes it. Names the
// cells of lists for narrow screens, on which each row is a card.
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

  const headers = [...document.querySelectorAll("#result_list thead th")].map((header) => header.innerText.trim());
  for (const row of document.querySelectorAll("#result_list tbody tr")) {
    [...row.cells].forEach((cell, index) => {
      if (headers[index] && !cell.dataset.label) cell.dataset.label = headers[index];
    });
  }
}
