// The table of packages.

const COLUMNS = [
  { title: "Package", of: (node) => node.name, words: true },
  { title: "Version", of: (node) => node.version ?? "", words: true },
  { title: "Files", of: (node) => node.files },
  { title: "Unzipped", of: (node) => node.sizes[UNZIPPED] },
  { title: "Zipped", of: (node) => node.sizes[1] },
  { title: "Share", of: (node, measure) => node.sizes[measure] },
];
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

class PackageTable {
  /** `goTo` is called with the package to go to. */
  constructor(table, goTo) {
    this.body = table.tBodies[0];
    this.goTo = goTo;
    this.sorted = { column: COLUMNS[3], isDown: true };
    this.heads = COLUMNS.map((column) => {
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => this.sort(column));
      return element("th", { scope: "col", class: column.words ? "words" : "figures" }, button);
    });
    table.tHead.rows[0].append(...this.heads);
  }

  show(measure, filter) {
    this.shown = { measure, filter };
    const { column, isDown } = this.sorted;
    this.heads.forEach((head, index) => {
      const isSorted = COLUMNS[index] === column;
      head.setAttribute("aria-sort", isSorted ? (isDown ? "descending" : "ascending") : "none");
    });
    const compare = (one, other) => {
      const [left, right] = [column.of(one, measure), column.of(other, measure)];
      return (column.words ? inOrder(left, right) : left - right) * (isDown ? -1 : 1) || inOrder(one.name, other.name);
    };
    const packages = root.children.filter((node) => !filter.wanted || filter.shown.has(node));
    this.body.replaceChildren(...packages.sort(compare).map((node) => this.row(node)));
    return packages.length;
  }

  /** Words begin at A, figures with the largest; again the other way round. */
  sort(column) {
    const isDown = column === this.sorted.column ? !this.sorted.isDown : !column.words;
    this.sorted = { column, isDown };
    this.show(this.shown.measure, this.shown.filter);
  }

  row(node) {
    const { measure } = this.shown;
    const name = element("button", { type: "button", title: "Show in the treemap" }, node.name);
    name.addEventListener("click", () => this.goTo(node));
    const bar = element("span", { class: "meter" }, element("span"));
    bar.firstChild.style.width = share(node.sizes[measure], root.sizes[measure]);
    const figures = [number(node.files), human(node.sizes[UNZIPPED]), human(node.sizes[1])];
    return element(
      "tr",
      {},
      element("th", { scope: "row", class: "words" }, name),
      element("td", { class: "words" }, node.version ?? ""),
      ...figures.map((text) => element("td", { class: "figures" }, text)),
      element("td", { class: "figures share" }, bar, element("span", {}, share(node.sizes[measure], root.sizes[measure]))),
    );
  }
}
