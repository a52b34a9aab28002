"use strict";
// Asks the browser for a credential by the form's options, puts it into the form and submits it. Without this script,
// or in a browser without passkeys, the form stays hidden.
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
    let isAsking = false; // the browser refuses a second request, and cancels the first
    window.addEventListener("pageshow", () => {
      isAsking = false;
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isAsking) return;
      isAsking = true;
      status.textContent = "Follow the instructions of your browser.";
      try {
        await ask();
      } catch {
        isAsking = false;
        status.textContent = "The browser or the device cancelled. Try again.";
      }
    });
  } else {
    status.textContent = "This browser does not support passkeys.";
  }
}
