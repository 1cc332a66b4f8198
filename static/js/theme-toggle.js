// The button in the masthead: the other theme, remembered; back to the system's own, forgotten.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const preferred = () => (system.matches ? "dark" : "light");
const current = () => root.dataset.theme ?? preferred();

function remember(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    // Storage is blocked: the choice lasts for this page.
  }
}

export function watchThemeToggle() {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  const label = button.querySelector("[data-theme-label]");
  const name = () => (label.textContent = `Switch to the ${current() === "dark" ? "light" : "dark"} theme`);
  button.addEventListener("click", () => {
    const theme = current() === "dark" ? "light" : "dark";
    if (theme === preferred()) delete root.dataset.theme;
    else root.dataset.theme = theme;
    remember(root.dataset.theme);
    name();
  });
  system.addEventListener("change", name);
  name();
  button.hidden = false;
}
