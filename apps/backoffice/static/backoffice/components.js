"use strict";
// The components of the pages. Alpine's build for a strict content security policy takes them by name only.
document.addEventListener("alpine:init", () => {
  Alpine.data("page", () => ({
    menuOpen: false,
    activeTab: "general", // unfold's fieldsets are shown on this tab

    toggleMenu() {
      this.menuOpen = !this.menuOpen;
    },
    closeMenu() {
      if (!this.menuOpen) return;
      this.menuOpen = false;
      document.getElementById("menu-button").focus();
    },
  }));

  Alpine.data("themeChoice", () => ({
    theme: localStorage.getItem("theme") ?? "auto",

    choose(theme) {
      this.theme = theme;
      localStorage.setItem("theme", theme);
      window.dispatchEvent(new Event("theme-chosen"));
    },
  }));
});
