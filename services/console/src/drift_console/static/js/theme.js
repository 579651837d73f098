// The theme button: system, light, dark; the choice is kept in localStorage.

const CHOICES = ["system", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");

/** Wire the button; `changed` runs after every change of what is shown, also the system's own. */
export function startTheme(button, changed) {
  const show = () => {
    const choice = document.documentElement.dataset.theme ?? "system";
    const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    button.textContent = `Theme: ${choice}`;
    button.title = `Switch to ${next}`;
  };
  button.addEventListener("click", () => {
    const choice = document.documentElement.dataset.theme ?? "system";
    keep(CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]);
    show();
    changed();
  });
  system.addEventListener("change", changed);
  show();
}

function keep(choice) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem("drift-theme", choice);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}
