/* Passkeys: a form asks the device, puts its answer into hidden fields, and is sent as any other form.
   It is shown only where the browser can do that and the page's host is the one that passkeys are bound to. */
const able = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);
const fits = (id) => location.hostname === id || location.hostname.endsWith(`.${id}`);

async function optionsOf(form) {
  if (form.dataset.options) return { options: JSON.parse(form.dataset.options) };
  const answer = await fetch(form.dataset.optionsFrom, { method: "POST", body: new FormData(form) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail);
  return found;
}

async function answerOf(kind, options) {
  try {
    return kind === "register"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  } catch (error) {
    throw new Error(error.name === "InvalidStateError" ? "This device has a passkey for this account already." : "The device did not confirm it; nothing was changed.");
  }
}

async function run(form) {
  const { challenge, options } = await optionsOf(form);
  const credential = await answerOf(form.dataset.passkey, options);
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  if (challenge) form.elements.challenge.value = challenge;
  for (const proof of form.querySelectorAll("[data-proof] input")) proof.disabled = true;
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!able || !fits(form.dataset.rpId)) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const trouble = form.querySelector("[data-trouble]");
    button.disabled = true;
    trouble.textContent = "";
    try {
      await run(form);
    } catch (error) {
      trouble.textContent = error.message;
      button.disabled = false;
    }
  });
}
