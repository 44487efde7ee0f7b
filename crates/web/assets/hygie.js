// What script adds to pages that work without it: copying, showing a password, local time, sending a ready form.
(() => {
  const all = (selector, act) => document.querySelectorAll(selector).forEach(act);

  all("[data-copy]", (button) => {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      const label = button.querySelector("[data-label]");
      const before = label.textContent;
      label.textContent = button.dataset.done;
      setTimeout(() => { label.textContent = before; }, 2000);
    });
  });

  all("[data-reveal]", (button) => {
    const field = document.getElementById(button.dataset.reveal);
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.textContent = shown ? button.dataset.conceal : button.dataset.show;
      button.setAttribute("aria-label", shown ? button.dataset.concealWhat : button.dataset.showWhat);
      field.focus();
    });
    // A password is never sent or kept as plain text by the browser's own memory of fields.
    field.form.addEventListener("submit", () => { field.type = "password"; });
  });

  const lang = document.documentElement.lang;
  const locale = navigator.languages.find((tag) => tag.startsWith(lang)) ?? lang;
  all("time[data-local]", (time) => {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "medium" }).format(at);
  });

  // A menu closes with Escape and when the focus or a click leaves it.
  all("details.menu", (menu) => {
    const close = (event) => { if (!menu.contains(event.relatedTarget ?? event.target)) menu.open = false; };
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("focusout", (event) => { if (event.relatedTarget) close(event); });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  });

  all("form[data-autosubmit]", (form) => form.submit());
})();
