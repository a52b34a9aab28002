"use strict";
// Closes the header's open menu on Escape and when something else is clicked. Without a script, its name closes it.
{
  const opened = () => document.querySelector(".rooms details[open]");

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
}
