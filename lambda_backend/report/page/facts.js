// All that does not move: the heading, sizes against Lambda's limits, checks, manifest.

const LEVEL_WORDS = { error: "error", warn: "warning" };

function heading() {
  const { manifest, kind, runtime, architecture, handler, code_sha256: CodeSha256 } = inside;
  document.title = visible(`${inside.file} – inside`);
  id("file").append(visible(inside.file));
  if (manifest) {
    const { artifact, project, version } = manifest;
    id("what").append(element("b", {}, artifact.name), visible(`, a ${kind} of ${project} ${version}`));
  } else {
    id("what").append(`looks like a ${kind}`);
  }
  for (const [name, value] of Object.entries({ runtime, architecture, handler, CodeSha256 })) {
    if (value) id("chips").append(element("li", {}, element("span", {}, name), element("code", {}, value)));
  }
}

function cards() {
  const layers = inside.layers_size ?? 0;
  const all = root.sizes[UNZIPPED] + layers;
  const { unzipped, upload } = inside.limits;
  const left = unzipped - all;
  const fill = left < 0 ? "over" : all > 0.8 * unzipped ? "near" : "";
  const checks = card(...checked());
  if (inside.findings?.length) {
    const button = element("button", { type: "button" }, "Show");
    button.addEventListener("click", () => id("checks").scrollIntoView());
    checks.append(element("p", {}, button));
  }
  id("cards").append(
    card("Unzipped", human(root.sizes[UNZIPPED]), meter(fill, root.sizes[UNZIPPED] / unzipped, layers / unzipped), [
      `${share(all, unzipped)} of ${limit(unzipped)}${layers ? ` with its layers (${human(layers)})` : ""}`,
      left < 0 ? `${human(-left)} too much` : `${human(left)} left`,
    ]),
    card("Zipped", human(inside.size), meter(inside.size > upload ? "near" : "", inside.size / upload), [
      `${share(inside.size, upload)} of a ${limit(upload)} upload`,
      inside.size > upload ? "has to go by S3" : `${human(upload - inside.size)} left`,
    ]),
    card("Contents", count(inside.packages.filter((found) => found.version !== null).length, "package"), null, [
      count(root.files, "file"),
      `largest: ${root.ordered(UNZIPPED).slice(0, 3).map((node) => node.name).join(", ") || "none"}`,
    ]),
    checks,
  );
}

function limit(size) {
  return human(size).replace(".0 ", " ");
}

/** A bar that parts fill, each a share of what is allowed. */
function meter(level, ...parts) {
  const bar = element("div", { class: `meter ${level}` });
  const whole = Math.max(1, parts.reduce((sum, part) => sum + part, 0));
  for (const part of parts) {
    const filled = element("span");
    filled.style.width = `${(100 * part) / whole}%`;
    bar.append(filled);
  }
  return bar;
}

function card(title, figure, bar, lines, level = "") {
  const made = element("div", { class: "card" }, element("h3", {}, title), element("p", { class: `figure ${level}` }, figure));
  if (bar) made.append(bar);
  made.append(...lines.map((line) => element("p", {}, line)));
  return made;
}

function checked() {
  if (inside.findings === null) return ["Checks", "not run", null, [inside.unchecked]];
  const many = (level) => inside.findings.filter((finding) => finding.level === level).length;
  const levels = Object.keys(LEVEL_WORDS).filter(many);
  const [worst, ...others] = levels.map((level) => count(many(level), LEVEL_WORDS[level]));
  const lines = [...others.map((words) => `and ${words}`), `for ${inside.runtime} on ${inside.architecture}`];
  return ["Checks", worst ?? "✓ passed", null, lines, levels[0] ?? "good"];
}

function findings() {
  const list = id("findings");
  if (inside.findings === null) list.append(element("li", { class: "none" }, `Not run: ${inside.unchecked}.`));
  else if (!inside.findings.length) list.append(element("li", { class: "good" }, "Nothing found."));
  for (const finding of inside.findings ?? []) {
    const [first, ...details] = finding.message.split("\n");
    const made = element(
      "li",
      { class: finding.level },
      element("p", {}, element("b", {}, `${LEVEL_WORDS[finding.level] ?? finding.level}: ${finding.check}`), element("span", {}, first)),
    );
    if (details.length) made.append(element("pre", {}, ...details.flatMap((line) => [element("span", {}, line), element("br")])));
    if (finding.hint) made.append(element("p", { class: "hint" }, finding.hint));
    list.append(made);
  }
}

function manifest() {
  if (inside.manifest === null) return;
  const { artifact } = inside.manifest;
  id("manifest").hidden = false;
  const image = artifact.image ? `${artifact.image.reference} ${artifact.image.digest ?? ""}` : null;
  const rows = {
    manifest: inside.manifest.file,
    layers: artifact.layers?.join(", "),
    lock: artifact.lock,
    engine: artifact.engine,
    image,
    sha256: artifact.sha256,
    "content digest": artifact.content_digest,
    requirements: artifact.requirements?.map(({ name, version }) => `${name} ${version}`).join(", "),
  };
  for (const [name, value] of Object.entries(rows)) {
    if (value) id("entry").append(element("dt", {}, name), element("dd", {}, value));
  }
  const lines = JSON.stringify(artifact, null, 2).split("\n");
  id("json").append(...lines.map((line) => document.createTextNode(`${visible(line)}\n`)));
}

function id(name) {
  return document.getElementById(name);
}
