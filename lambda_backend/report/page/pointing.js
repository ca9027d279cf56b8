// Mouse, touch and keyboard on the treemap, and what they are told.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** `goTo` is called with the folder to go to. */
function pointing(treemap, tip, goTo) {
  const { map } = treemap;
  const nodeAt = (target) => treemap.nodes.get(target.closest(".tile, .folder"));

  map.addEventListener("click", (event) => {
    const node = nodeAt(event.target);
    if (!node) return;
    const folder = node.isFolder ? node : node.parent;
    if (folder !== treemap.shown.node) goTo(folder);
  });
  map.addEventListener("keydown", (event) => {
    const next = ARROWS[event.key] && neighbour(event.target.closest("button"), ARROWS[event.key]);
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    next?.focus({ preventScroll: true });
  });
  map.addEventListener("focusin", (event) => {
    const button = event.target.closest("button");
    for (const other of treemap.layer.querySelectorAll("button[tabindex='0']")) other.tabIndex = -1;
    button.tabIndex = 0;
    if (button.matches(":focus-visible")) tell(nodeAt(button), button.getBoundingClientRect());
  });
  map.addEventListener("pointermove", (event) => {
    const node = nodeAt(event.target);
    if (node) tell(node, { left: event.clientX + 14, bottom: event.clientY + 14, top: event.clientY - 8 });
    else hide();
  });
  for (const name of ["pointerleave", "focusout", "click"]) map.addEventListener(name, hide);
  for (const name of ["scroll", "hashchange"]) window.addEventListener(name, hide, { passive: true });

  function tell(node, at) {
    const [first, ...rest] = treemap.told(node);
    tip.replaceChildren(element("strong", {}, first), ...rest.map((line) => element("span", {}, line)));
    tip.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = tip;
    const isBelow = at.bottom + height + 8 < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
    tip.style.top = `${Math.max(8, isBelow ? at.bottom + 4 : at.top - height - 4)}px`;
  }

  function hide() {
    tip.hidden = true;
  }
}

/** The nearest tile of the first level in a direction. */
function neighbour(from, [right, down]) {
  const centre = (tile) => [tile.offsetLeft + tile.offsetWidth / 2, tile.offsetTop + tile.offsetHeight / 2];
  const [x, y] = centre(from);
  let best = null;
  let least = Infinity;
  for (const tile of from.parentElement.querySelectorAll(":scope > button")) {
    const [toX, toY] = centre(tile);
    const ahead = (toX - x) * right + (toY - y) * down;
    const aside = Math.abs((toX - x) * down) + Math.abs((toY - y) * right);
    if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [tile, ahead + 2 * aside];
  }
  return best;
}
