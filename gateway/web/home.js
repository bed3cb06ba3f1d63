// The plain page: a search box and the newest pictures, for whoever has a session here.

const part = (id) => document.getElementById(id);
const session = { token: "", until: 0 };
let shown = { path: "", query: {} };

class Signedout extends Error {}

async function token() {
  if (Date.now() < session.until) return session.token;
  const answer = await fetch("/v1/session/token", { method: "POST" });
  if (!answer.ok) throw new Signedout();
  const said = await answer.json();
  session.token = said.accessToken;
  session.until = Date.now() + (said.expiresIn - 30) * 1000;
  return session.token;
}

async function ask(path, query) {
  const address = `${path}?${new URLSearchParams(query)}`;
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${await token()}` } });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail || said.title);
  return said;
}

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

function picture(asset) {
  const name = asset.title || asset.name;
  const small = asset.renditions[0];
  const large = asset.renditions[asset.renditions.length - 1];
  const caption = asset.score === undefined ? name : `${name} · ${asset.score.toFixed(2)}`;
  const alike = element("button", { type: "button", textContent: "More like this" });
  alike.setAttribute("aria-label", `More like ${name}`);
  alike.addEventListener("click", () => show("/v1/search", { like: asset.id, limit: 24 }));
  const made = element("li", {}, element("p", { textContent: caption }), alike);
  if (small) {
    const image = { src: small.url, width: small.width, height: small.height, alt: asset.alt || name, loading: "lazy" };
    made.prepend(element("a", { href: large.url }, element("img", image)));
  }
  return made;
}

async function add(path, query) {
  const page = await ask(path, query);
  part("pictures").append(...page.items.map(picture));
  part("more").hidden = !page.nextCursor;
  shown = { path, query: { ...query, cursor: page.nextCursor } };
  const many = part("pictures").childElementCount;
  part("status").textContent = many === 1 ? "1 picture" : many ? `${many} pictures` : "Nothing found.";
}

async function guarded(work) {
  try {
    await work();
    part("gallery").hidden = part("leave").hidden = false;
    part("visitor").hidden = true;
  } catch (error) {
    const out = error instanceof Signedout;
    part("visitor").hidden = !out;
    if (out) part("gallery").hidden = part("leave").hidden = true;
    else part("gallery").hidden = false;
    part("status").textContent = out ? "" : `That did not work: ${error.message}`;
  }
}

function show(path, query) {
  return guarded(async () => {
    part("status").textContent = "Looking …";
    part("pictures").replaceChildren();
    await add(path, query);
  });
}

part("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = part("words").value.trim();
  show(q ? "/v1/search" : "/v1/assets", q ? { q, limit: 24 } : { limit: 24 });
});
part("more").addEventListener("click", () => guarded(() => add(shown.path, shown.query)));
part("leave").addEventListener("click", async () => {
  await fetch("/v1/session", { method: "DELETE" });
  location.reload();
});
part("origin").textContent = location.origin;
show("/v1/assets", { limit: 24 });
