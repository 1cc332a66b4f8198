// Runs before the first paint: a remembered theme must not flash the other one, nor a known hint move the page.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("swipe-known") !== null) root.classList.add("swipes");
  } catch {
    // Storage is blocked: the system's preference rules.
  }
})();
