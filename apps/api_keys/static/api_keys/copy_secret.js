"use strict";
// Browsers hand out the clipboard on HTTPS and on the local machine only; elsewhere the button stays away,
// and one click selects the whole secret.
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
        status.textContent = "The browser did not allow it: select the secret and copy it.";
      }
    });
  }
}
