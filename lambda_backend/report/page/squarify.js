// Treemap layout by M. Bruls, K. Huizing and J. J. van Wijk, "Squarified Treemaps" (2000).

/** Rectangles in `box` for sizes, which are positive and the largest first. */
function squarify(sizes, box) {
  const placed = [];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const scale = (box.width * box.height) / total;
  let free = { ...box };
  let row = [];
  let sum = 0;
  for (const size of sizes) {
    const area = size * scale;
    const side = Math.min(free.width, free.height);
    if (row.length && worst(row[0], area, sum + area, side) > worst(row[0], row.at(-1), sum, side)) {
      free = place(row, sum, free, placed);
      row = [];
      sum = 0;
    }
    row.push(area);
    sum += area;
  }
  if (row.length) place(row, sum, free, placed);
  return placed;
}

/** How long and thin the worst rectangle of a row is, by its largest and its smallest. */
function worst(largest, smallest, sum, side) {
  return Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));
}

/** Lays a row along the shorter side; what is left free comes back. */
function place(row, sum, free, placed) {
  const isWide = free.width >= free.height;
  const thick = sum / (isWide ? free.height : free.width) || 0;
  let along = isWide ? free.y : free.x;
  for (const area of row) {
    const long = area / thick || 0;
    placed.push(
      isWide
        ? { x: free.x, y: along, width: thick, height: long }
        : { x: along, y: free.y, width: long, height: thick },
    );
    along += long;
  }
  return isWide
    ? { ...free, x: free.x + thick, width: Math.max(0, free.width - thick) }
    : { ...free, y: free.y + thick, height: Math.max(0, free.height - thick) };
}
