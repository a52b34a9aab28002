"use strict";
// Asks the browser for what the form's data says, puts the answer into the form and sends it. Without a script, or in a
// browser that knows no passkeys, the form stays away.
{
  const form = document.getElementById("passkey-form");
  const status = document.getElementById("passkey-status");
  const isNew = form.dataset.passkey === "create";
  const parse = isNew ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";

  const ask = async () => {
    const publicKey = PublicKeyCredential[parse](JSON.parse(form.dataset.options));
    const credential = await navigator.credentials[isNew ? "create" : "get"]({ publicKey });
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  };

  if (window.PublicKeyCredential && PublicKeyCredential[parse]) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      status.textContent = "Follow what your browser asks.";
      try {
        await ask();
      } catch {
        status.textContent = "The browser or the device did not do it. Try again.";
      }
    });
  } else {
    status.textContent = "This browser cannot use passkeys.";
  }
}
