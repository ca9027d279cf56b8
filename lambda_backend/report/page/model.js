"use strict";
// The figures that Python left in the page, as one tree: packages, folders, files.

const inside = JSON.parse(document.getElementById("figures").textContent);
const UNZIPPED = 0;
const MEASURES = ["unzipped", "zipped"];

/** A package, folder or file; or many small files that are told as one, which have no path. */
class Part {
  constructor(parent, name, path) {
    this.parent = parent;
    this.name = name;
    this.path = path;
    this.children = [];
    this.sizes = [0, 0];
    this.files = 0;
    this.kind = null;
  }

  get title() {
    return this.path === null ? `${number(this.files)} smaller files` : this.name;
  }

  get isFolder() {
    return this.children.length > 0;
  }

  /** From the root down to this one. */
  get line() {
    return this.parent === null ? [this] : [...this.parent.line, this];
  }

  /** Children that take room, the largest first. */
  ordered(measure) {
    return this.children.filter((child) => child.sizes[measure] > 0).sort((a, b) => b.sizes[measure] - a.sizes[measure]);
  }

  byKind(measure, sums = inside.kinds.map(() => 0)) {
    if (this.kind === null) this.children.forEach((child) => child.byKind(measure, sums));
    else sums[this.kind] += this.sizes[measure];
    return sums;
  }

  /** What most of its bytes are. */
  mainKind(measure) {
    const sums = this.byKind(measure);
    return sums.indexOf(Math.max(...sums));
  }
}

function grow(parent, tiles) {
  for (const tile of tiles) {
    const [first, ...rest] = tile;
    const isSum = typeof first === "number";
    const node = new Part(parent, isSum ? "" : first, isSum ? null : parent.path + first);
    if (rest.length === 1) {
      grow(node, rest[0]);
    } else {
      node.files = isSum ? first : 1;
      node.sizes = [rest[0], rest[1]];
      node.kind = rest[2];
    }
    join(parent, node);
  }
}

function join(parent, node) {
  parent.children.push(node);
  parent.files += node.files;
  node.sizes.forEach((size, measure) => (parent.sizes[measure] += size));
}

const root = new Part(null, inside.file, "");
for (const found of inside.packages) {
  const node = new Part(root, found.name, found.folder);
  node.version = found.version;
  grow(node, found.tiles);
  join(root, node);
}

/** What a filter's words leave: those that match, with all that is in them, and the folders that lead there. */
function matching(words) {
  const wanted = words.trim().toLowerCase();
  const found = { wanted, shown: new Set(), sizes: [0, 0], files: 0 };
  const look = (node, isIn) => {
    const names = node.parent === root ? `${node.name}/ ${node.path}` : node.path;
    const hit = isIn || (node !== root && names !== null && names.toLowerCase().includes(wanted));
    let shown = hit;
    for (const child of node.children) shown = look(child, hit) || shown;
    if (shown) found.shown.add(node);
    if (hit && !node.isFolder) {
      found.files += node.files;
      node.sizes.forEach((size, measure) => (found.sizes[measure] += size));
    }
    return shown;
  };
  if (wanted) look(root, false);
  return found;
}

function human(size) {
  let value = size;
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1024) return `${unit === "B" ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} GiB`;
}

function number(value) {
  return value.toLocaleString("en");
}

function share(part, whole) {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : "–";
}

function count(many, word) {
  return `${number(many)} ${word}${many === 1 ? "" : "s"}`;
}

/** A name in which characters that cannot be seen, or that turn the text around, are written out. */
function visible(text) {
  return String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

/** An element with text or elements in it. Names of a zip get into the page as text, and by visible() alone. */
function element(tag, attributes = {}, ...contents) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, visible(value));
  made.append(...contents.map((content) => (content instanceof Node ? content : visible(content))));
  return made;
}
