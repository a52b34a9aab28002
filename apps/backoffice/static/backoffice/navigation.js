"use strict";
// Closes the header's open menu on Escape and on a click elsewhere. Without this script, a click on its name closes it.
{
  const opened = () => document.querySelector(".menus details[open]");

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
