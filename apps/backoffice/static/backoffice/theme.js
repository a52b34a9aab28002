"use strict";
// Sets light or dark before the page is painted. The choice is kept in this browser; without one, the system decides.
{
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

  const apply = () => {
    const theme = localStorage.getItem("theme") ?? "auto";
    const isDark = theme === "dark" || (theme === "auto" && systemIsDark.matches);
    document.documentElement.classList.toggle("dark", isDark);
  };

  systemIsDark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  window.addEventListener("theme-chosen", apply);
  apply();
}
