// The button in the masthead, on phones in its menu: the other theme, remembered; back to the system's own, forgotten.
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
  const buttons = document.querySelectorAll("[data-theme-toggle]");
  const name = () => {
    for (const button of buttons) button.querySelector("[data-theme-label]").textContent = `Switch to the ${current() === "dark" ? "light" : "dark"} theme`;
  };
  const toggle = () => {
    const theme = current() === "dark" ? "light" : "dark";
    if (theme === preferred()) delete root.dataset.theme;
    else root.dataset.theme = theme;
    remember(root.dataset.theme);
    name();
  };
  system.addEventListener("change", name);
  name();
  for (const button of buttons) {
    button.addEventListener("click", toggle);
    button.hidden = false;
  }
}
