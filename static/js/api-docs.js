// The API's document, to unfold and try out. Cookies are never sent along: a call acts for a token's owner or for
// nobody, so that trying one out cannot change what whoever is logged in here keeps.
const place = document.getElementById("api-docs");
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

// Swagger UI knows its dark colours by a class of its own.
function follow() {
  root.classList.toggle("dark-mode", (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark");
}

// The session is how a browser acts, and no business of this page.
function withoutCookies(spec) {
  delete spec.components.securitySchemes.cookieAuth;
  for (const operation of Object.values(spec.paths).flatMap((path) => Object.values(path))) {
    operation.security = operation.security?.filter((way) => !("cookieAuth" in way));
  }
  return spec;
}

// It leaves the fields of parameters without a name of their own.
function name() {
  for (const field of place.querySelectorAll("tr[data-param-name] :is(select, input, textarea):not([aria-label])")) {
    field.ariaLabel = field.closest("tr").dataset.paramName;
  }
}

async function draw() {
  const answer = await fetch(place.dataset.schema, { credentials: "omit" });
  if (!answer.ok) return; // the list stays
  const spec = withoutCookies(await answer.json());
  follow();
  system.addEventListener("change", follow);
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
  new MutationObserver(name).observe(place, { childList: true, subtree: true });
  window.SwaggerUIBundle({
    spec,
    domNode: place,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    validatorUrl: null, // else it asks a site elsewhere
    requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
  });
}

draw();
