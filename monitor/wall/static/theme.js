// Dark or light: the system's choice, until somebody presses the button.

const KEY = "sla-wall-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Calls `onChange` when the colours change, for what the style sheet cannot reach. */
export function initTheme(button, onChange) {
  apply(read());
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    write(next);
    apply(next);
    onChange();
  });
  system.addEventListener("change", onChange);
}

const current = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");

function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

// Storage is refused in some kiosk and private modes; the wall works without.
function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function write(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    return;
  }
}
