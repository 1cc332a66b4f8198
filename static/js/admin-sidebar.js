// Runs before the sidebar is painted: Django opens it only once everything is loaded, and each page would jump.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("django.admin.navSidebarIsOpen");
  } catch {
    // Storage is blocked: it is open, as where nothing was chosen.
  }
  document.getElementById("main").classList.toggle("shifted", kept !== "false");
})();
