// Shows each report: the arrays, the Jacobian in each arrangement, and what is known of the entry that the pointer or
// the keyboard is on. Runs after numbers.js and matrices.js, as one script with them.

const WHOLE = 324; // numbers of a matrix that is written out: 18×18 fit on a screen; larger ones are drawn
const TERMS = 8; // of a sum that is written out: about two lines
const OF_CODE = { J001: /^disagrees/, J003: /^kink/, J004: /finite|overflows/, J006: /^inconclusive/ };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// --- One report ------------------------------------------------------------------------------------------------------

class Report {
  static made = 0;
  constructor(article, data) {
    Object.assign(this, {
      article,
      data,
      entries: new Entries(data),
      show: "values",
      vec: data.vec,
      layout: data.layout,
      number: Report.made++, // tells its groups of switches from those of others
    });
    this.found = [];
    this.drawings = [];
    this.selected = { o: -1, i: -1 };
    this.arrays = data.arrays.map((array) => this.array(array));
    article.querySelector(".arrays").append(...this.equation());
    this.forms = article.querySelector(".forms");
    this.forms.before(this.switches());
    this.draw();
    for (const item of article.querySelectorAll(".findings li")) this.link(item);
    const { status, outputs, inputs } = this.entries,
      worst = status && data.checked ? status.findIndex((each) => each === 2) : -1;
    const first = Math.max(worst, 0);
    if (outputs.length) this.select(outputs[first], inputs[first]);
  }

  // An array as a matrix, or its slices; its cells and numbers are found by flat index.
  array(array) {
    const cells = new Map(),
      numbers = new Map(array.at.map((flat, k) => [flat, array.values[k]]));
    const format = aligned(array.values);
    const slices = array.slices.map((first) =>
      bracketed(array.rows, array.columns, (td, row, column) => {
        const flat = first + row * array.width + column;
        cells.set(flat, td);
        td.append(format(numbers.get(flat)));
        td.addEventListener("pointerenter", () => this.selectOf(array.role, flat));
      }),
    );
    const more = size(array.shape.slice(0, -2)) - slices.length;
    const title = make("figcaption", "", make("b", "", array.title), ` ${array.shape.join("×")}`);
    const node = make("figure", "", make("div", "slices", ...slices, ...(more > 0 ? [`… ${more} more`] : [])), title);
    return { ...array, cells, numbers, node };
  }

  // X → A, then A' ⊙ dX = or ≠ J·vec(dX), with dX repeated to A's shape if it is: as formulas have them.
  equation() {
    const of = (role) => this.arrays.filter((each) => each.role === role).map((each) => each.node);
    const sign = (text, kind = "") => make("span", `sign ${kind}`, text),
      line = (...inside) => make("div", "", ...inside);
    const [slope, dx, repeated, product, long] = ["slope", "dX", "repeated", "short", "long"].map(of);
    const point = line(...of("X"), sign("→"), ...of("A"));
    if (!long.length) return [point];
    if (!product.length) return [point, line(...dx, sign("→"), ...long)];
    const equal = this.data.valid ? sign("=", "equal") : sign("≠", "unequal");
    const along = repeated.length ? [line(...dx)] : [];
    return [
      point,
      ...along,
      line(...slope, sign("⊙"), ...(repeated.length ? repeated : dx), sign("="), ...product, equal, ...long),
    ];
  }

  switches() {
    const set = document.getElementById("switches").content.cloneNode(true).firstElementChild;
    this.legend = set.querySelector("legend");
    for (const choice of set.querySelectorAll("[data-name]")) {
      const name = choice.dataset.name;
      for (const input of choice.querySelectorAll("input")) {
        input.name = `${name}-${this.number}`;
        input.checked = input.value === this[name];
        input.addEventListener("change", () => {
          this[name] = input.value;
          this.draw();
        });
        if (name === "show" && input.value !== "values")
          input.disabled = !this.entries.values || (input.value !== "magnitude" && !this.data.checked);
      }
    }
    return set;
  }

  draw() {
    const { data, entries } = this;
    this.drawings = ["stacked", "tensor", "vec", "blocks"].flatMap((name) => {
      const described = data.forms[`${name} ${this.vec} ${this.layout}`];
      if (!described) return [];
      const form = new Form(described, data.output, data.operand);
      const isSmall = size(form.matrix) <= WHOLE && entries.isWhole;
      return [new (isSmall ? Written : Drawn)(this, form, this.show)];
    });
    const noun = data.gradient ? "The Hessian" : "The Jacobian";
    const several = this.drawings.length > 1 ? ", the same numbers in each arrangement" : "";
    this.legend.replaceChildren(noun + several);
    this.forms.replaceChildren(
      ...this.drawings.map(({ form, node }) => {
        const word = make("b", "", form.name);
        word.dataset.word = form.name;
        const said = make(
          "figcaption",
          "",
          word,
          ` ${form.shape.join("×")}${form.square ? "" : ", not square"}`,
          make("small", "", ...indexed(data.gradient ? "" : form.relation)),
        );
        return make("figure", form.name, said, node);
      }),
    );
    explain(this.forms);
    this.mark();
  }

  followKeys(drawing) {
    drawing.node.tabIndex = 0;
    drawing.node.setAttribute("role", "group");
    drawing.node.setAttribute("aria-label", `J as ${drawing.form.name}; the arrow keys go from number to number`);
    drawing.node.addEventListener("focus", () => this.select(this.selected.o, this.selected.i));
    drawing.node.addEventListener("keydown", (event) => {
      if (drawing.zoom && "+-0".includes(event.key)) drawing.zoom({ "+": 0.5, "-": 2, 0: Infinity }[event.key]);
      const by = ARROWS[event.key];
      if (!by) return;
      event.preventDefault();
      const at = drawing.form.place(this.selected.o, this.selected.i);
      const next = at.map((place, side) => Math.min(Math.max(place + by[side], 0), drawing.size[side] - 1));
      this.select(...drawing.form.source(...next));
      drawing.reveal?.(...next);
    });
  }

  // Selects by a number of an array: the entry at its own place if there is one, or else the first that it is part of.
  selectOf(role, flat) {
    const { entries, data } = this,
      ofInput = role === "X" || role === "dX";
    const same = String(data.output) === String(data.operand) && entries.at(flat, flat) !== undefined;
    const k = (ofInput ? entries.ofInput : entries.ofOutput).get(flat)?.[0];
    if (same) this.select(flat, flat);
    else if (k !== undefined) this.select(entries.outputs[k], entries.inputs[k]);
    else this.select(ofInput ? -1 : flat, ofInput ? flat : -1);
  }

  select(o, i) {
    this.selected = { o, i };
    this.mark();
    this.tell();
  }

  mark() {
    const { o, i } = this.selected,
      { entries } = this;
    for (const drawing of this.drawings) drawing.mark(entries, this.selected, this.found);
    const terms = new Set((entries.ofOutput.get(o) ?? []).map((k) => entries.inputs[k]));
    for (const { role, cells } of this.arrays) {
      const ofInput = role === "X" || role === "dX",
        here = ofInput ? i : o;
      for (const [flat, td] of cells) {
        td.classList.toggle("marked", flat === here);
        td.classList.toggle("term", ofInput && terms.has(flat));
      }
    }
  }

  // Says in the bar at the bottom what is known of the selected entry, and writes the sum that it is a term of.
  tell() {
    const { o, i } = this.selected,
      { entries, data } = this,
      k = entries.at(o, i);
    const name = () => make("b", "", entries.name(o, i));
    if (o < 0) aside.replaceChildren(`No output reads ${entries.inputName(i)}.`);
    else if (i < 0) aside.replaceChildren(`${entries.outputName(o)} reads no input.`);
    else if (k === undefined && !entries.isWhole)
      aside.replaceChildren(name(), "is not among the entries that this page lists");
    else if (k === undefined)
      aside.replaceChildren(name(), `= 0: ${entries.outputName(o)} does not read ${entries.inputName(i)}`);
    else if (!entries.values) aside.replaceChildren(name(), "is in the pattern; its value was not computed");
    else aside.replaceChildren(name(), ...this.known(k));
    this.article.querySelector(".sum").replaceChildren(...this.sums(o, i));
  }

  known(k) {
    const { entries } = this,
      status = entries.statusOf(entries.status?.[k]),
      ratio = entries.ratio?.[k];
    const said = (label, ...inside) => make("span", "", make("small", "", label), " ", ...inside);
    const numeric = said("numeric", `${short(entries.numeric[k], 10)} ± ${short(entries.bar?.[k], 1)}`);
    if (!entries.analytic) return [numeric];
    const inBars = isNumber(ratio) ? make("small", "", ` ${short(ratio, 2)} of its bar`) : "";
    return [
      said("analytic", short(entries.analytic[k], 10)),
      numeric,
      said("difference", short(entries.difference[k], 2), inBars),
      make("span", `chip is ${kindOf(status)}`, `${SIGNS[status] ?? "?"} ${status}`),
    ];
  }

  // Writes the change of one output as the sum that its row of J gives, beside the one product that ⊙ takes of it.
  sums(o, i) {
    const { entries, data } = this,
      own = entries.ofOutput.get(o) ?? [];
    const number = (role, flat) =>
      this.arrays.find((each) => each.role === role && each.numbers.has(flat))?.numbers.get(flat);
    const dx = own.map((k) => number("dX", entries.inputs[k])),
      [long, product, slope] = ["long", "short", "slope"].map((role) => number(role, o));
    if (!entries.isWhole || !entries.values || !isNumber(long) || !dx.every(isNumber)) return [];
    const values = data.product === "numeric" ? entries.numeric : entries.values;
    const times = (a, b) => `${short(a)} · ${b < 0 ? `(${short(b)})` : short(b)}`;
    const terms = own.map((k, n) => make("span", entries.inputs[k] === i ? "marked" : "term", times(values[k], dx[n])));
    if (terms.length > TERMS) terms.splice(TERMS, Infinity, `… ${own.length - TERMS} more`);
    const sum = terms.length
      ? [...terms.flatMap((term, n) => (n ? [" + ", term] : [term])), " = "]
      : ["it reads no input: "];
    const line = (kind, title, ...inside) => make("span", kind, make("b", "", title), ...inside);
    const whole = line("", data.long, ` at ${entries.outputName(o)}: `, ...sum, make("b", "", short(long)));
    if (!isNumber(product) || !isNumber(slope)) return [whole];
    const title = this.arrays.find((each) => each.role === "short").title,
      factor = number("repeated", o) ?? number("dX", o);
    const said = this.compared(own, o, long, product);
    return [
      whole,
      line(
        data.valid ? "equal" : "unequal",
        title,
        ` there: ${times(slope, factor)} = `,
        make("b", "", short(product)),
        `, ${said}`,
      ),
    ];
  }

  compared(own, o, long, product) {
    const others = own.filter((k) => this.entries.inputs[k] !== o).length,
      missing = long - product;
    if (this.data.valid) return `the same, for this row of ${this.data.matrix} has no other entry`;
    if (Math.abs(missing) <= 1e-12 * Math.abs(long)) return "the same here";
    if (this.data.elementwise) return "not the same, for the claimed A' is another number";
    return `not the same: it leaves out ${short(missing, 4)}, the ${others === 1 ? "other term" : `${others} other terms`}`;
  }

  // Links a finding to the entries that it is about: those of a status, or those of the inputs that it names.
  link(item) {
    const { entries, data } = this,
      { code, at } = item.dataset;
    const named = at
      .split(" ")
      .filter((place) => place !== "" || at === "")
      .map((place) => (place === "" ? [] : place.split(",").map(Number)));
    const shape = code === "J012" ? data.output : data.operand;
    const flat = new Set(at ? named.map((place) => ravel(place, [...place.keys()], shape)) : []);
    const pattern = OF_CODE[code],
      numbers = code === "J012" ? entries.outputs : entries.inputs;
    let about =
      pattern && entries.status && data.checked
        ? [...entries.status.keys()].filter((k) => pattern.test(entries.statusOf(entries.status[k])))
        : [];
    if (!about.length) about = [...numbers.keys()].filter((k) => flat.has(numbers[k]));
    if (!about.length) return;
    const button = make("button", "link", about.length === 1 ? "show the entry" : `show ${about.length} entries`);
    button.type = "button";
    button.addEventListener("click", () => {
      this.found = about;
      this.select(entries.outputs[about[0]], entries.inputs[about[0]]);
      this.forms.scrollIntoView({ block: "center", behavior: "smooth" });
    });
    item.append(button);
  }
}

// --- Explanations, and the page itself -------------------------------------------------------------------------------

const words = read(document.querySelector("main"), "words") ?? {};
const tip = document.getElementById("tip");
const aside = document.getElementById("entry");

function explain(root) {
  for (const word of root.querySelectorAll("[data-word]")) {
    const text = words[word.dataset.word];
    if (!text || word.classList.contains("word")) continue;
    word.classList.add("word");
    word.tabIndex = 0;
    word.setAttribute("aria-describedby", "tip");
    const show = () => {
      tip.textContent = text;
      tip.hidden = false;
      const box = word.getBoundingClientRect(),
        room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      const below = box.bottom + tip.offsetHeight + 8 < window.innerHeight;
      tip.style.left = `${Math.max(8, Math.min(box.left, room))}px`;
      tip.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - tip.offsetHeight - 4)}px`;
    };
    const hide = () => {
      tip.hidden = true;
    };
    for (const [event, act] of [
      ["pointerenter", show],
      ["focus", show],
      ["pointerleave", hide],
      ["blur", hide],
    ])
      word.addEventListener(event, act);
  }
}

const drawn = new Map(); // the reports, by the elements that they are shown in
// Draws an article and, inside it, the Hessian if there is one, when it is first shown.
function open(article) {
  for (const root of [...article.querySelectorAll(".second"), article]) {
    const data = read(root, "numbers");
    if (data && !drawn.has(root)) drawn.set(root, new Report(root, data));
    drawn.get(root)?.tell();
  }
  aside.hidden = !drawn.has(article);
}

// Of the many reports of `check`, the one that the address names is shown, and drawn when it is.
function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  const article = named?.matches("article") ? named : document.querySelector("article:not(.one)");
  if (article) open(article);
  else aside.hidden = true;
  if (article === named) window.scrollTo(0, 0);
}
for (const button of document.querySelectorAll("button[data-filter]"))
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const each of document.querySelectorAll("button[data-filter]"))
      each.setAttribute("aria-pressed", String(on && each === button));
    for (const row of document.querySelectorAll("tr[data-verdict]"))
      row.hidden = on && row.dataset.verdict !== button.dataset.filter;
  });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (tip.hidden && document.querySelector("article.one:target")) location.hash = "";
  tip.hidden = true;
});
window.addEventListener("hashchange", openNamed);
for (const media of ["(prefers-color-scheme: dark)", "print"])
  matchMedia(media).addEventListener("change", () => {
    for (const report of drawn.values()) for (const drawing of report.drawings) drawing.draw?.(); // in other colours
  });
explain(document);
openNamed();
