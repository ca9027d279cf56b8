// What is shown, and what changes it. The folder is in the address, so that the browser's own Back works.

const state = { node: root, measure: UNZIPPED, filter: matching("") };
const treemap = new Treemap(id("map"));
const table = new PackageTable(id("packages"), (node) => {
  goTo(node);
  id("map-title").scrollIntoView({ block: "start" });
});

function goTo(node) {
  location.hash = `#/${node.line.slice(1).map((one) => encodeURIComponent(one.name)).join("/")}`;
}

/** The folder that the address names, or the nearest one above it that is there. */
function addressed() {
  let node = root;
  for (const word of location.hash.slice(2).split("/")) {
    const next = node.children.find((child) => child.isFolder && encodeURIComponent(child.name) === word);
    if (!next) break;
    node = next;
  }
  return node;
}

function up() {
  if (state.node.parent) goTo(state.node.parent);
}

function showFolder() {
  const { node, measure } = state;
  const line = node.line;
  id("crumbs").replaceChildren(
    ...line.map((one) => {
      const title = one === root ? "all packages" : one.name;
      if (one === node) return element("li", {}, element("span", { "aria-current": "location" }, title));
      const button = element("button", { type: "button" }, title);
      button.addEventListener("click", () => goTo(one));
      return element("li", {}, button);
    }),
  );
  showFigures();
  showLegend();
}

/** Of what the filter leaves, or else of the folder. */
function showFigures() {
  const { node, measure, filter } = state;
  const { files, sizes } = filter.wanted ? filter : node;
  const figures = [count(files, "file"), `${human(sizes[UNZIPPED])} unzipped`, `${human(sizes[1])} zipped`];
  if (filter.wanted) figures.unshift("in all that matches");
  if (filter.wanted || node !== root) figures.push(`${share(sizes[measure], root.sizes[measure])} of the zip`);
  id("here").textContent = figures.join(" · ");
}

function showLegend() {
  const { node, measure } = state;
  const sums = node.byKind(measure);
  const kinds = inside.kinds.map((name, kind) => ({ name, kind, size: sums[kind] })).filter(({ size }) => size > 0);
  id("legend").replaceChildren(
    ...kinds
      .sort((one, other) => other.size - one.size)
      .map(({ name, kind, size }) => {
        const item = element("li", { "data-kind": kind }, element("i"), element("b", {}, name));
        item.append(` ${human(size)}, ${share(size, node.sizes[measure])}`);
        return item;
      }),
  );
}

function showTable() {
  const { measure, filter } = state;
  const many = table.show(measure, filter);
  id("matches").textContent = filter.wanted ? `${number(many)} of ${number(root.children.length)} have a match` : "";
}

function show() {
  treemap.show(state.node, state.measure, state.filter);
  showFolder();
}

pointing(treemap, id("tip"), goTo);
window.addEventListener("hashchange", () => {
  state.node = addressed();
  show();
});
document.addEventListener("keydown", (event) => {
  const isFiltering = event.target === id("filter");
  if (event.key !== "Escape" || (isFiltering && id("filter").value)) return;
  up();
});
id("filter").addEventListener("input", () => {
  state.filter = matching(id("filter").value);
  treemap.dim(state.filter);
  showFigures();
  showTable();
});
for (const button of id("measure").children) {
  button.addEventListener("click", () => {
    state.measure = Number(button.dataset.measure);
    for (const other of id("measure").children) other.setAttribute("aria-pressed", String(other === button));
    show();
    showTable();
  });
}

heading();
cards();
findings();
manifest();
id("foot").textContent = `Made by ${inside.created_with}. This page loads nothing and sends nothing.`;
state.node = addressed();
show();
showTable();
