// The treemap: some levels of folders at a time, each inside the one above.

const LEVELS = 4;
const HEAD = 21; // pixels of a folder's own line
const GAP = 2;
const LEAST_SIDE = 3; // pixels; what is smaller is not drawn
const LEAST_AREA = 90; // of a folder's children, on average: a folder of smaller ones is one tile
const ZOOM = { duration: 260, easing: "cubic-bezier(.2, .7, .2, 1)" };

class Treemap {
  constructor(map) {
    this.map = map;
    this.nodes = new WeakMap(); // of elements
    this.layer = null;
    this.shown = { node: null, measure: UNZIPPED, filter: null };
    new ResizeObserver(() => this.resize()).observe(map);
  }

  /** Draws what is in a folder; goes there from the folder that was shown. */
  show(node, measure, filter) {
    const before = { layer: this.layer, node: this.shown.node };
    const hadFocus = this.map.contains(document.activeElement);
    this.shown = { node, measure, filter };
    this.draw();
    if (before.layer === null) return;
    if (hadFocus) (this.tileOf(before.node, this.layer) ?? this.layer.querySelector("button"))?.focus({ preventScroll: true });
    before.layer.inert = true;
    this.turn(before.layer, before.node, node);
  }

  /** The filter alone is another one: nothing moves. */
  dim(filter) {
    this.shown.filter = filter;
    for (const tile of this.layer.children) tile.classList.toggle("dim", this.isDim(this.nodes.get(tile)));
  }

  isDim(node) {
    const { wanted, shown } = this.shown.filter;
    return wanted !== "" && !shown.has(node);
  }

  resize() {
    if (this.layer === null || this.map.clientWidth === this.width) return;
    this.map.replaceChildren();
    this.draw();
  }

  draw() {
    const { node, measure } = this.shown;
    this.layer = element("div", { class: "layer" });
    this.width = this.map.clientWidth;
    if (node.sizes[measure] > 0) {
      this.fill(node, { x: 0, y: 0, width: this.width + GAP, height: this.map.clientHeight + GAP }, 0);
    } else {
      this.layer.append(element("p", { class: "empty" }, node.files ? "Only empty files" : "Nothing is in it"));
    }
    this.layer.querySelector("button")?.setAttribute("tabindex", "0");
    this.map.append(this.layer);
  }

  fill(folder, box, level) {
    const { measure } = this.shown;
    const children = folder.ordered(measure);
    const boxes = squarify(children.map((child) => child.sizes[measure]), box);
    children.forEach((child, index) => {
      const { x, y, width, height } = boxes[index];
      const inner = { x, y, width: width - GAP, height: height - GAP };
      if (inner.width >= LEAST_SIDE && inner.height >= LEAST_SIDE) this.put(child, inner, level);
    });
  }

  put(node, box, level) {
    const below = { x: box.x + GAP + 1, y: box.y + HEAD, width: box.width - GAP - 2, height: box.height - HEAD - 1 };
    const room = below.width > 30 && below.height > 16 ? below.width * below.height : 0;
    const isOpen = node.isFolder && level < LEVELS && room / node.children.length > LEAST_AREA;
    this.layer.append(this.tile(node, box, level, isOpen));
    if (isOpen) this.fill(node, below, level + 1);
  }

  tile(node, box, level, isOpen) {
    const { measure } = this.shown;
    // The keyboard has the first level: below it there are too many.
    const made =
      level === 0
        ? element("button", { type: "button", tabindex: "-1", "aria-label": this.told(node).join(", ") })
        : element("div", { "aria-hidden": "true" });
    made.className = isOpen ? "folder" : "tile";
    if (isOpen) made.dataset.level = level;
    else made.dataset.kind = node.kind ?? node.mainKind(measure);
    made.classList.toggle("opens", node.isFolder);
    made.classList.toggle("dim", this.isDim(node));
    for (const [side, pixels] of Object.entries({ left: box.x, top: box.y, width: box.width, height: box.height })) {
      made.style[side] = `${pixels}px`;
    }
    if (box.width > 34 && box.height > 17) {
      made.append(element("span", { class: "name" }, node.title));
      if (isOpen ? box.width > 130 : box.width > 66 && box.height > 36) {
        made.append(element("span", { class: "size" }, human(node.sizes[measure])));
      }
    }
    this.nodes.set(made, node);
    return made;
  }

  /** What people are told of a tile, line by line. */
  told(node) {
    const { measure } = this.shown;
    const isPackage = node.parent === root;
    return [
      isPackage ? [node.name, node.version].filter(Boolean).join(" ") : (node.path ?? `${node.title} in ${node.parent.path}`),
      `${human(node.sizes[UNZIPPED])} unzipped, ${human(node.sizes[1])} zipped`,
      `${share(node.sizes[measure], root.sizes[measure])} of the zip, ${MEASURES[measure]}`,
      node.isFolder ? count(node.files, "file") : inside.kinds[node.kind],
    ];
  }

  tileOf(node, layer) {
    return [...layer.children].find((tile) => this.nodes.get(tile) === node);
  }

  /** The old layer gives way: the smaller folder grows out of its tile in the larger one, or shrinks into it. */
  turn(old, from, to) {
    const isDown = to.line.includes(from);
    const [outer, inner, target] = isDown ? [old, this.layer, to] : [this.layer, old, from];
    const tile = target.line.reverse().map((node) => this.tileOf(node, outer)).find(Boolean);
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isStill || from === to || !tile || !(isDown || from.line.includes(to))) {
      old.remove();
      return;
    }
    const scale = `${tile.offsetWidth / this.width}, ${tile.offsetHeight / this.map.clientHeight}`;
    const frames = [
      { transform: `translate(${tile.offsetLeft}px, ${tile.offsetTop}px) scale(${scale})`, opacity: 0.2 },
      { transform: "none", opacity: 1 },
    ];
    inner.style.zIndex = 1;
    const remove = () => old.remove();
    inner.animate(isDown ? frames : frames.reverse(), ZOOM).finished.then(remove, remove);
  }
}
