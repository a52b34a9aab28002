"use strict";
// Browsers allow the clipboard on HTTPS and on the local machine only. Elsewhere the button stays hidden, and one click
// selects the whole secret.
{
  const button = document.getElementById("copy-secret");
  const status = document.getElementById("copy-status");
  if (navigator.clipboard) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById("secret").textContent);
        status.textContent = "Copied.";
      } catch {
        status.textContent = "The browser does not allow copying. Select the secret and copy it.";
      }
    });
  }
}
