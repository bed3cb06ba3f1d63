// Lays out /openapi.json for reading: what may be asked, with what, and what comes back.

const VERBS = ["get", "post", "put", "patch", "delete"];

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

const text = (kind, words, className = "") => element(kind, { textContent: words, className });
const nameOf = (reference) => reference.split("/").pop();

// Words with `names` in them.
function prose(words) {
  return words.split("`").map((part, at) => (at % 2 ? text("code", part) : part));
}

function linked(name) {
  return element("a", { href: `#schema-${name}`, textContent: name });
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName !== "DETAILS") return;
  target.open = true;
  target.scrollIntoView();
}

function between(parts, mark) {
  return parts.flatMap((each, at) => (at ? [mark, ...each] : each));
}

// A schema as words and links, nested ones in place.
function kind(schema) {
  if (!schema || !Object.keys(schema).length) return ["anything"];
  if (schema.$ref) return [linked(nameOf(schema.$ref))];
  const several = schema.anyOf || schema.oneOf || schema.allOf;
  if (several) return between(several.map(kind), " or ");
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.type === "array") return ["list of ", ...kind(schema.items)];
  if (schema.type === "object" && schema.properties) return [fields(schema)];
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return ["object of ", ...kind(schema.additionalProperties)];
  return [[schema.type || "anything", schema.format].filter(Boolean).join(", ")];
}

const LIMITS = { minimum: "≥", maximum: "≤", exclusiveMinimum: ">", exclusiveMaximum: "<", minLength: "length ≥",
  maxLength: "length ≤", maxItems: "items ≤", pattern: "like" };

function limits(schema) {
  const inner = [schema, ...(schema.anyOf || [])];
  const found = inner.flatMap((each) =>
    Object.entries(LIMITS).filter(([name]) => each[name] !== undefined).map(([name, sign]) => `${sign} ${each[name]}`));
  const usual = schema.default;
  if (usual !== undefined && usual !== null && !(Array.isArray(usual) && !usual.length)) found.push(`usually ${JSON.stringify(usual)}`);
  return found.join(", ");
}

function table(heads, rows) {
  const head = element("thead", {}, element("tr", {}, ...heads.map((words) => {
    const cell = text("th", words);
    cell.scope = "col";
    return cell;
  })));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))));
  return element("table", {}, head, element("tbody", {}, ...body));
}

function fields(schema) {
  const needed = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([name, field]) => [
    text("code", name + (needed.has(name) ? "" : "?")), kind(field), prose([limits(field), field.description].filter(Boolean).join("; ")),
  ]);
  return table(["field", "kind", "more"], rows);
}

function parameters(operation) {
  const rows = (operation.parameters || []).map((given) => [
    text("code", given.name), given.in, kind(given.schema),
    prose([given.required ? "needed" : "", limits(given.schema), given.description].filter(Boolean).join("; ")),
  ]);
  return rows.length ? [text("h4", "Parameters"), table(["name", "in", "kind", "more"], rows)] : [];
}

function contents(content) {
  return Object.entries(content || {}).map(([type, said]) => element("p", {}, text("code", type), ": ", ...kind(said.schema)));
}

// What several operations refuse alike is written once in the contract, and told in one line here.
function responses(operation) {
  const all = Object.entries(operation.responses);
  const rows = all.filter(([, answer]) => !answer.$ref).map(([status, answer]) => [
    text("code", status), prose(answer.description), contents(answer.content),
  ]);
  const refused = all.filter(([, answer]) => answer.$ref).map(([status]) => text("code", status));
  if (refused.length) rows.push([between(refused.map((status) => [status]), " "), "Refused: the code says why", [linked("Problem")]]);
  return [text("h4", "Answers"), table(["status", "meaning", "body"], rows)];
}

function operation(verb, path, said) {
  const title = text("h3", "");
  title.append(text("span", verb.toUpperCase(), "verb"), text("code", path));
  const first = (said.description || said.summary || "").split("\n")[0];
  const body = said.requestBody ? [text("h4", "Body"), ...contents(said.requestBody.content)] : [];
  return element("details", { id: `operation-${said.operationId}` }, element("summary", {}, title, element("span", { className: "says" }, ...prose(first))),
    element("div", {}, ...parameters(said), ...body, ...responses(said)));
}

function groups(contract) {
  const found = new Map();
  for (const [path, item] of Object.entries(contract.paths))
    for (const verb of VERBS.filter((each) => item[each])) {
      const tag = (item[verb].tags || ["more"])[0];
      found.set(tag, [...(found.get(tag) || []), operation(verb, path, item[verb])]);
    }
  return found;
}

function schemas(contract) {
  return Object.entries(contract.components.schemas).map(([name, schema]) => element("details", { id: `schema-${name}` },
    element("summary", {}, text("code", name), " ", element("span", { className: "says" }, ...prose(schema.description || ""))),
    element("div", {}, ...(schema.properties ? [fields(schema)] : kind(schema)))));
}

function lay(contract) {
  const sections = [...groups(contract), ["schemas", schemas(contract)]];
  document.getElementById("contents").append(...sections.map(([name]) => element("a", { href: `#part-${name}`, textContent: name })));
  document.getElementById("contract").append(...sections.map(([name, parts]) =>
    element("section", {}, element("h2", { id: `part-${name}`, textContent: name }), ...parts)));
  document.getElementById("status").textContent = `${contract.info.title} ${contract.info.version}: ${contract.info.description}`;
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  lay(await answer.json());
  openTarget();
  addEventListener("hashchange", openTarget);
} catch (error) {
  document.getElementById("status").textContent = `The contract cannot be read: ${error.message}`;
}
