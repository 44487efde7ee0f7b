// Passkeys: a form with data-passkey="get" or "create" and data-options (JSON of Web Authentication Level 3) gets the
// credential into its member "credential" and is sent. With data-conditional the browser also offers passkeys beside a
// field with autocomplete="username webauthn".
(() => {
  const decode = (text) => {
    const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0)).buffer;
  };
  const encode = (buffer) => {
    if (!buffer) return undefined;
    const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const ids = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

  const read = (form) => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = decode(options.challenge);
    if (options.user) options.user = { ...options.user, id: decode(options.user.id) };
    if (options.excludeCredentials) options.excludeCredentials = ids(options.excludeCredentials);
    if (options.allowCredentials) options.allowCredentials = ids(options.allowCredentials);
    return options;
  };

  const write = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: encode(given.clientDataJSON) };
    if (given.attestationObject) {
      response.attestationObject = encode(given.attestationObject);
      response.transports = given.getTransports?.() ?? [];
    } else {
      response.authenticatorData = encode(given.authenticatorData);
      response.signature = encode(given.signature);
      response.userHandle = encode(given.userHandle) ?? null;
    }
    return JSON.stringify({
      id: credential.id, rawId: encode(credential.rawId), type: credential.type, response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  let waiting = null;
  const ask = async (form, mediation) => {
    waiting?.abort();
    waiting = new AbortController();
    const request = { publicKey: read(form), signal: waiting.signal };
    if (mediation) request.mediation = mediation;
    const isNew = form.dataset.passkey === "create";
    const credential = await (isNew ? navigator.credentials.create(request) : navigator.credentials.get(request));
    form.elements.credential.value = write(credential);
    form.submit();
  };

  const tell = (form, error) => {
    const place = form.querySelector("[data-passkey-error]");
    const words = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known" };
    place.textContent = place.dataset[words[error.name] ?? "failed"];
    place.hidden = false;
  };

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const button = form.querySelector("[data-passkey-button]");
    if (!window.PublicKeyCredential) {
      form.querySelector("[data-passkey-missing]").hidden = false;
      return;
    }
    button.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      form.querySelector("[data-passkey-error]").hidden = true;
      button.disabled = true;
      try { await ask(form); } catch (error) { tell(form, error); }
      button.disabled = false;
    });
  });

  document.querySelectorAll("form[data-conditional]").forEach(async (form) => {
    const can = await window.PublicKeyCredential?.isConditionalMediationAvailable?.();
    // Nobody asked for it: what goes wrong is not told.
    if (can) try { await ask(form, "conditional"); } catch { /* the button is there */ }
  });
})();
