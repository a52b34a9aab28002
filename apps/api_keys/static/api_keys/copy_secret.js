"use strict";
// Browsers allow the clipboard on HTTPS and on the local machine only. Elsewhere the button stays hidden, and one click
// selects the whole secret. Of several codes, each is copied on a line of its own.
{
  const secret = document.getElementById("secret");
  const copy = document.getElementById("copy-secret");
  const print = document.getElementById("print-secret");
  const status = document.getElementById("copy-status");
  if (navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const codes = secret.matches("code") ? [secret] : [...secret.querySelectorAll("code")];
      try {
        await navigator.clipboard.writeText(codes.map((code) => code.textContent).join("\n"));
        status.textContent = "Copied.";
      } catch {
        status.textContent = "The browser does not allow copying. Select the secret and copy it.";
      }
    });
  }
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
}
