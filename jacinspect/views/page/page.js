"use strict";
// Draws the numbers of each report: the arrays, the Jacobian in each arrangement, and what is known of the entry that
// the pointer or the keyboard is on. An entry is a pair (output, input) of flat row-major indices, wherever it stands.
{
const WHOLE = 324; // numbers of a matrix that is written out: 18×18 fit on a screen; larger ones are drawn as dots
const TERMS = 8; // of a sum that is written out: about two lines
const SIGNS = { agrees: "✓", disagrees: "✗", kink: "∧", "non-finite": "∞", overflows: "∞" };
const OF_CODE = { J001: /^disagrees/, J003: /^kink/, J004: /finite|overflows/, J006: /^inconclusive/ };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const make = (tag, kind, ...inside) => {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.append(...inside);
  return made;
};
const read = (root, kind) => {
  const found = root.querySelector(`script.${kind}`);
  return found && JSON.parse(found.textContent);
};

// --- Numbers as text -------------------------------------------------------------------------------------------------

const signed = (text) => text.replace(/-/g, "−").replace("e+", "e");
// Sets the letters after an underscore low, as indices are.
const indexed = (text) => text.split(/_(\w+)/).map((part, k) => (k % 2 ? make("sub", "", part) : part));
const isNumber = (value) => typeof value === "number";
const short = (value, digits = 5) => {
  if (!isNumber(value)) return value ?? "NaN";
  const far = Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3);
  const exponential = () => value.toExponential(Math.min(digits - 1, 3)).replace(/\.?0*e/, "e");
  return signed(far ? exponential() : String(Number(value.toPrecision(digits))));
};
// The numbers of a matrix have the same decimals, so that their points stand below each other.
const aligned = (values) => {
  const sizes = values.filter((value) => isNumber(value) && value !== 0).map(Math.abs);
  const largest = Math.max(0, ...sizes);
  const decimals = Math.max(0, 4 - Math.max(0, Math.floor(Math.log10(largest || 1))));
  const plain = largest >= 1e5 || sizes.every(Number.isInteger);
  return (value) =>
    plain || !isNumber(value) || value === 0 || Math.abs(value) < 1e-3 ? short(value, 3) : signed(value.toFixed(decimals));
};

// --- Where an entry stands -------------------------------------------------------------------------------------------

const size = (shape) => shape.reduce((product, length) => product * length, 1);
const unravel = (flat, shape) => {
  const at = [];
  for (const length of [...shape].reverse()) {
    at.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return at;
};
const ravel = (at, axes, shape) => axes.reduce((flat, axis) => flat * shape[axis] + at[axis], 0);

class Form {
  constructor(described, output, operand) {
    Object.assign(this, described, { output, operand, dims: [...output, ...operand] });
  }
  place(o, i) {
    const at = [...unravel(o, this.output), ...unravel(i, this.operand)];
    return this.axes.map((axes) => ravel(at, axes, this.dims));
  }
  source(row, column) {
    const at = [];
    [row, column].forEach((flat, side) => {
      const axes = this.axes[side];
      unravel(flat, axes.map((axis) => this.dims[axis])).forEach((value, k) => { at[axes[k]] = value; });
    });
    const all = [...at.keys()], split = this.output.length;
    return [ravel(at, all.slice(0, split), this.dims), ravel(at, all.slice(split), this.dims)];
  }
}

class Entries {
  constructor(data) {
    Object.assign(this, data.entries, { data, outputs: data.entries.output, inputs: data.entries.input });
    this.width = size(data.operand);
    this.isWhole = data.stored === this.outputs.length;
    this.values = this.analytic ?? this.numeric;
    this.places = new Map();
    this.ofOutput = new Map();
    this.ofInput = new Map();
    this.outputs.forEach((o, k) => {
      this.places.set(o * this.width + this.inputs[k], k);
      for (const [of, key] of [[this.ofOutput, o], [this.ofInput, this.inputs[k]]])
        if (!of.get(key)?.push(k)) of.set(key, [k]);
    });
    const most = (values) => (values ?? []).reduce((a, v) => (isNumber(v) ? Math.max(a, Math.abs(v)) : a), 0);
    this.largest = most(this.values) || 1;
  }
  at(o, i) { return this.places.get(o * this.width + i); }
  statusOf(code) { return this.data.checked && this.status ? this.data.statuses[code] : "not compared"; }
  name(o, i) {
    const { A, X } = this.data.names;
    return `∂${this.part(A, o)}/∂${this.part(X, i)}`;
  }
  part(parts, flat) {
    const part = parts.findLast((each) => each.offset <= flat && size(each.shape)) ?? parts[0];
    const at = unravel(flat - part.offset, part.shape);
    return part.name + (at.length ? `[${at}]` : "");
  }
  // How an entry, or a tile, is shown: a text, a class, and how strong its shade is, from 0 to 1.
  look(show, { value, ratio, status }, format = short) {
    const wrong = this.data.checked && (status === 2 || status === 3 || status === 7);
    if (show === "values") return [(wrong ? (status === 2 ? "✘ " : "? ") : "") + format(value), wrong ? "wrong" : "", 0];
    if (show === "magnitude") {
      const part = isNumber(value) ? Math.abs(value) / this.largest : 1;
      return [format(value), value < 0 ? "minus" : "plus", Math.sqrt(Math.min(part, 1))];
    }
    const said = this.statusOf(status), kind = `is ${said.split(/[ :]/)[0]}`;
    if (show === "status") return [SIGNS[said] ?? (said === "not compared" ? "–" : "?"), kind, 1];
    if (!isNumber(ratio)) return [SIGNS[said] ?? (this.data.checked ? "?" : "–"), kind, 0.4];
    return [short(ratio, 2), ratio > 1 ? "is disagrees" : "within", Math.min(ratio, 1)];
  }
  of(k) { return { value: this.values?.[k], ratio: this.ratio?.[k], status: this.status?.[k] }; }
}

// --- A matrix that is written out ------------------------------------------------------------------------------------

// Lays out rows of cells between brackets; `cell(td, row, column)` fills one, and null stands for a gap.
function bracketed(rows, columns, cell, lines = [0, 0]) {
  const body = make("tbody");
  for (const row of rows) {
    const line = body.appendChild(make("tr", row && lines[0] && row % lines[0] === 0 ? "above" : ""));
    for (const column of columns) {
      const td = line.appendChild(make("td", column && lines[1] && column % lines[1] === 0 ? "left" : ""));
      if (row === null || column === null) td.append("…");
      else cell(td, row, column);
    }
  }
  return make("div", "matrix", make("table", "", body));
}

class Written {
  constructor(report, form, show) {
    this.form = form;
    this.size = form.matrix;
    const entries = report.entries, [height, width] = form.matrix, format = aligned(entries.values ?? []);
    this.cells = new Map();
    this.node = bracketed([...Array(height).keys()], [...Array(width).keys()], (td, row, column) => {
      const [o, i] = form.source(row, column), k = entries.at(o, i);
      this.cells.set(o * entries.width + i, td);
      td.dataset.at = `${row} ${column}`;
      if (k === undefined) return td.classList.add("none"), td.append("·");
      const [text, kind, shade] = entries.values ? entries.look(show, entries.of(k), format) : ["×", "", 0];
      td.append(text);
      if (kind) td.classList.add(...kind.split(" "));
      td.style.setProperty("--shade", shade);
    }, form.lines);
    const texts = (entries.values ?? []).map((_, k) => entries.look("values", entries.of(k), format)[0]);
    this.node.style.setProperty("--longest", `${Math.max(1, ...texts.map((text) => text.length))}ch`); // of every switch
    this.node.addEventListener("pointerover", ({ target }) => this.pick(report, target));
    this.node.addEventListener("click", ({ target }) => this.pick(report, target));
    report.followKeys(this);
  }
  pick(report, target) {
    const at = target.closest("td")?.dataset.at;
    if (at) report.select(...this.form.source(...at.split(" ").map(Number)));
  }
  mark(entries, { o, i }, found) {
    for (const td of this.cells.values()) td.classList.remove("marked", "term", "found");
    for (const k of entries.ofOutput.get(o) ?? []) this.cell(entries, k).classList.add("term");
    for (const k of found) this.cell(entries, k).classList.add("found");
    this.cells.get(o * entries.width + i)?.classList.add("marked");
  }
  cell(entries, k) { return this.cells.get(entries.outputs[k] * entries.width + entries.inputs[k]); }
}

// --- A matrix that is drawn as dots ----------------------------------------------------------------------------------

class Drawn {
  constructor(report, form, show) {
    Object.assign(this, { report, form, show, size: form.matrix, tiles: report.data.tiles[form.tiles] });
    const [height, width] = form.matrix, entries = report.entries;
    this.canvas = make("canvas");
    this.canvas.style.aspectRatio = String(Math.min(Math.max(width / height, 0.5), 2));
    const zoom = (label, by) => {
      const button = make("button", "", label);
      button.type = "button";
      button.setAttribute("aria-label", { "+": "zoom in", "−": "zoom out", all: "show all" }[label]);
      button.addEventListener("click", () => this.zoom(by));
      return button;
    };
    this.extent = make("span");
    this.node = make("div", "drawn", this.canvas, make("div", "zoom", zoom("+", 0.5), zoom("−", 2), zoom("all", Infinity), this.extent));
    this.placed = entries.outputs.map((o, k) => form.place(o, entries.inputs[k]));
    this.view = [0, 0, height, width]; // the first row and column, and how many there are of each
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("dblclick", (event) => this.zoom(0.25, ...this.at(event)));
    this.canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== this.node && !event.ctrlKey) return; // the wheel belongs to the page
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.7 : 1.4, ...this.at(event));
    }, { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.node.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      this.drag = [event.clientX, event.clientY];
    });
    this.canvas.addEventListener("pointerup", () => { this.drag = null; });
    report.followKeys(this);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
  }
  // Shows fewer rows and columns, or more, around a place in the drawing: that of the marked entry if it is in view.
  zoom(by, ...around) {
    const [row, column, rows, columns] = this.view, { o, i } = this.report.selected;
    const marked = this.form.place(o, i).map((at, side) => (at + 0.5 - this.view[side]) / this.view[side + 2]);
    const isSeen = o >= 0 && i >= 0 && marked.every((part) => part > 0 && part < 1);
    const [down, along] = around.length ? around : isSeen ? marked : [0.5, 0.5];
    const less = [rows, columns].map((length, side) => Math.min(Math.max(length * by, 4), this.size[side]));
    this.view = [row + (rows - less[0]) * down, column + (columns - less[1]) * along, ...less];
    this.keepInside();
  }
  keepInside() {
    for (const side of [0, 1])
      this.view[side] = Math.max(0, Math.min(this.view[side], this.size[side] - this.view[side + 2]));
    this.draw();
  }
  hover(event) {
    const [row, column, rows, columns] = this.view, [down, along] = this.at(event);
    if (this.drag && event.buttons) {
      const box = this.canvas.getBoundingClientRect();
      this.view[0] -= ((event.clientY - this.drag[1]) / box.height) * rows;
      this.view[1] -= ((event.clientX - this.drag[0]) / box.width) * columns;
      this.drag = [event.clientX, event.clientY];
      return this.keepInside();
    }
    const at = [row + down * rows, column + along * columns], near = [rows / 40, columns / 40];
    const k = near[0] > 0.5 || near[1] > 0.5 ? this.nearest(at, near) : undefined;
    const [r, c] = k === undefined ? at.map(Math.floor) : this.placed[k];
    if (r >= 0 && c >= 0 && r < this.size[0] && c < this.size[1]) this.report.select(...this.form.source(r, c));
  }
  // Finds the listed entry that is closest to a place, where entries are too small to be pointed at.
  nearest(at, near) {
    let best = 1, found;
    this.placed.forEach(([r, c], k) => {
      const distance = Math.max(Math.abs(r + 0.5 - at[0]) / near[0], Math.abs(c + 0.5 - at[1]) / near[1]);
      if (distance < best) [best, found] = [distance, k];
    });
    return found;
  }
  reveal(r, c) {
    [r, c].forEach((place, side) => {
      const length = this.view[side + 2];
      if (place < this.view[side] || place >= this.view[side] + length) this.view[side] = place - length / 2;
    });
    this.keepInside();
  }
  mark(entries, selected, found) {
    Object.assign(this, { selected, found });
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.draw());
  }
  draw() {
    const { canvas, report: { entries } } = this, { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const on = canvas.getContext("2d"), style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(`--${name}`);
    const [row, column, rows, columns] = this.view, tall = height / rows, wide = width / columns;
    const colours = { plus: colour("plus"), minus: colour("minus"), within: colour("plus"), "": colour("ink") };
    const of = (kind) => colours[kind] ?? (colours[kind] = colour(kind.replace("is ", "")) || colour("inconclusive"));
    on.scale(ratio, ratio);
    on.font = `12px ${style.fontFamily}`;
    on.textAlign = "center";
    on.textBaseline = "middle";
    const box = (r, c, h, w, least) => {
      const high = Math.max(h * tall, least), broad = Math.max(w * wide, least);
      return [(c - column + w / 2) * wide - broad / 2, (r - row + h / 2) * tall - high / 2, broad, high];
    };
    const paint = (look, at, faint) => {
      on.globalAlpha = (this.show === "values" ? 0.8 : 0.15 + 0.85 * look[2]) * faint;
      on.fillStyle = of(look[1]);
      on.fillRect(...at);
      on.globalAlpha = 1;
    };
    this.rule(on, colour("rule"), width, height);
    if (this.tiles) this.paintTiles(paint, box);
    const written = tall >= 16 && wide >= 52;
    const isFar = this.tiles && tall < 2 && wide < 2; // tiles say more than a sample of the entries
    let here = 0;
    const inView = ([r, c]) => r >= row - 1 && r <= row + rows && c >= column - 1 && c <= column + columns;
    this.placed.forEach(([r, c], k) => {
      if (!inView([r, c]) || (isFar && !this.isOdd(k))) return;
      here += 1;
      const look = entries.values ? entries.look(this.show, entries.of(k)) : ["", "", 1], at = box(r, c, 1, 1, 1.5);
      paint(look, at, written ? 0.25 : 1);
      on.fillStyle = colour("ink");
      if (written) on.fillText(look[0], at[0] + at[2] / 2, at[1] + at[3] / 2);
    });
    const ring = ([r, c], name, least) => {
      on.strokeStyle = colour(name);
      on.lineWidth = 2;
      on.strokeRect(...box(r, c, 1, 1, least));
    };
    for (const k of this.found ?? []) ring(this.placed[k], "disagrees", 6);
    if (this.selected?.i >= 0) ring(this.form.place(this.selected.o, this.selected.i), "accent", 9);
    const last = (side) => Math.min(Math.ceil(this.view[side] + this.view[side + 2]), this.size[side]) - 1;
    const unlisted = !isFar && !here && this.tiles ? "; entries here are not listed in this page" : "";
    this.extent.textContent = `rows ${Math.floor(row)}–${last(0)}, columns ${Math.floor(column)}–${last(1)}${unlisted}`;
  }
  // Whether an entry is worth being seen from afar.
  isOdd(k) { return this.report.data.checked && this.report.entries.status?.[k] > 1; }
  // Draws the lines between blocks where there is room, or between cells.
  rule(on, colour, width, height) {
    const ends = [height, width];
    on.strokeStyle = colour;
    on.lineWidth = 1;
    on.beginPath();
    for (const side of [0, 1]) {
      const scale = ends[side] / this.view[side + 2], every = scale >= 14 ? 1 : this.form.lines[side];
      if (!every || every * scale < 8) continue;
      for (let k = Math.ceil(this.view[side] / every) * every; k <= this.view[side] + this.view[side + 2]; k += every) {
        const at = Math.round((k - this.view[side]) * scale) + 0.5;
        on.moveTo(side ? at : 0, side ? 0 : at);
        on.lineTo(side ? at : width, side ? height : at);
      }
    }
    on.stroke();
  }
  paintTiles(paint, box) {
    const { tiles, form } = this, entries = this.report.entries, turn = (pair) => (form.flipped ? [pair[1], pair[0]] : pair);
    const tile = turn(tiles.tile), fullest = tiles.count.reduce((most, count) => Math.max(most, count), 1);
    const isNear = Math.max(...box(0, 0, ...tile, 0).slice(2)) > 16; // one sees that it is a tile, and no entry
    tiles.at.forEach((at, k) => {
      const [r, c] = turn([Math.floor(at / tiles.grid[1]), at % tiles.grid[1]]);
      const of = { value: tiles.largest?.[k], ratio: tiles.ratio?.[k], status: tiles.status?.[k] };
      paint(entries.look(this.show, of), box(r * tile[0], c * tile[1], ...tile, 1.5), isNear ? 0.15 : 0.25 + 0.65 * Math.sqrt(tiles.count[k] / fullest));
    });
  }
}

// --- One report ------------------------------------------------------------------------------------------------------

class Report {
  constructor(article, data) {
    Object.assign(this, { article, data, entries: new Entries(data), show: "values", vec: data.vec, layout: data.layout });
    this.found = [];
    this.drawings = [];
    this.selected = { o: -1, i: -1 };
    this.arrays = data.arrays.map((array) => this.array(array));
    article.querySelector(".arrays").append(...this.equation());
    this.forms = article.querySelector(".forms");
    this.forms.before(this.switches());
    this.draw();
    for (const item of article.querySelectorAll(".findings li")) this.link(item);
    const { status, outputs, inputs } = this.entries, worst = status && data.checked ? status.findIndex((each) => each === 2) : -1;
    const first = Math.max(worst, 0);
    if (outputs.length) this.select(outputs[first], inputs[first]);
  }

  // An array as a matrix, or its slices; its cells and numbers are found by flat index.
  array(array) {
    const cells = new Map(), numbers = new Map(array.at.map((flat, k) => [flat, array.values[k]]));
    const format = aligned(array.values);
    const slices = array.slices.map((first) => bracketed(array.rows, array.columns, (td, row, column) => {
      const flat = first + row * array.width + column;
      cells.set(flat, td);
      td.append(format(numbers.get(flat)));
      td.addEventListener("pointerenter", () => this.selectOf(array.role, flat));
    }));
    const more = size(array.shape.slice(0, -2)) - slices.length;
    const title = make("figcaption", "", make("b", "", array.title), ` ${array.shape.join("×")}`);
    const node = make("figure", "", make("div", "slices", ...slices, ...(more > 0 ? [`… ${more} more`] : [])), title);
    return { ...array, cells, numbers, node };
  }

  // X → A = f(X), then A' ⊙ dX = or ≠ J·vec(dX): the arrays as they stand in a formula.
  equation() {
    const of = (role) => this.arrays.filter((each) => each.role === role).map((each) => each.node);
    const sign = (text) => make("span", "sign", text), [slope, dx, short_, long] = ["slope", "dX", "short", "long"].map(of);
    const point = make("div", "", ...of("X"), sign("→"), ...of("A"));
    if (!long.length) return [point];
    const equal = make("span", `sign ${this.data.valid ? "equal" : "unequal"}`, this.data.valid ? "=" : "≠");
    if (!slope.length) return [point, make("div", "", ...dx, sign("→"), ...long)];
    return [point, make("div", "", ...slope, sign("⊙"), ...dx, sign("="), ...short_, equal, ...long)];
  }

  switches() {
    const set = document.getElementById("switches").content.cloneNode(true).firstElementChild;
    for (const choice of set.querySelectorAll("[data-name]")) {
      const name = choice.dataset.name;
      for (const input of choice.querySelectorAll("input")) {
        input.name = `${name}-${this.article.id}`;
        input.checked = input.value === this[name];
        input.addEventListener("change", () => { this[name] = input.value; this.draw(); });
        if (name === "show" && input.value !== "values") input.disabled = !this.entries.values || (input.value !== "magnitude" && !this.data.checked);
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
    this.forms.replaceChildren(...this.drawings.map(({ form, node }) => {
      const word = make("b", "", form.name);
      word.dataset.word = form.name;
      const said = make("figcaption", "", word, ` ${form.shape.join("×")}${form.square ? "" : ", not square"}`, make("small", "", ...indexed(form.relation)));
      return make("figure", form.name, said, node);
    }));
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
    const { entries, data } = this, ofInput = role === "X" || role === "dX";
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
    const { o, i } = this.selected, { entries } = this;
    for (const drawing of this.drawings) drawing.mark(entries, this.selected, this.found);
    const terms = new Set((entries.ofOutput.get(o) ?? []).map((k) => entries.inputs[k]));
    for (const { role, cells } of this.arrays) {
      const ofInput = role === "X" || role === "dX", here = ofInput ? i : o;
      for (const [flat, td] of cells) {
        td.classList.toggle("marked", flat === here);
        td.classList.toggle("term", ofInput && terms.has(flat));
      }
    }
  }

  tell() {
    const { o, i } = this.selected, { entries, data } = this, k = entries.at(o, i);
    const said = (label, ...inside) => make("span", "", make("small", "", label), " ", ...inside);
    if (o < 0 || i < 0) aside.replaceChildren(o < 0 ? `No output reads ${entries.part(data.names.X, i)}.` : `${entries.part(data.names.A, o)} reads no input.`);
    else if (k === undefined) {
      const zero = `${entries.part(data.names.A, o)} does not read ${entries.part(data.names.X, i)}`;
      aside.replaceChildren(make("b", "", entries.name(o, i)), make("span", "", entries.isWhole ? `= 0: ${zero}` : "is not among the entries that this page lists"));
    } else if (!entries.values) aside.replaceChildren(make("b", "", entries.name(o, i)), "is in the pattern; its value was not computed");
    else {
      const status = entries.statusOf(entries.status?.[k]), ratio = entries.ratio?.[k];
      const parts = [make("b", "", entries.name(o, i))];
      if (entries.analytic) parts.push(said("analytic", short(entries.analytic[k], 10)));
      parts.push(said("numeric", `${short(entries.numeric[k], 10)} ± ${short(entries.bar?.[k], 1)}`));
      if (entries.analytic) parts.push(said("difference", short(entries.difference[k], 2), isNumber(ratio) ? make("small", "", ` ${short(ratio, 2)} of its bar`) : ""));
      parts.push(make("span", `chip is ${status.split(/[ :]/)[0]}`, `${SIGNS[status] ?? (data.checked ? "?" : "–")} ${status}`));
      aside.replaceChildren(...parts);
    }
    this.article.querySelector(".sum").replaceChildren(...this.sum(o, i));
  }

  // Writes the differential of one output as the sum that a row of J is, beside the one product that ⊙ takes.
  sum(o, i) {
    const { entries, data } = this, own = entries.ofOutput.get(o) ?? [];
    const number = (role, flat) => this.arrays.findLast((each) => each.role === role && each.numbers.has(flat))?.numbers.get(flat);
    const dx = (k) => number("dX", entries.inputs[k]), long = number("long", o), short_ = number("short", o), slope = number("slope", o);
    if (!entries.isWhole || !entries.values || long === undefined || own.some((k) => !isNumber(dx(k)))) return [];
    const times = (a, b) => `${short(a)} · ${b < 0 ? `(${short(b)})` : short(b)}`;
    const values = this.consistent(own, dx, long);
    const terms = own.map((k) => make("span", entries.inputs[k] === i ? "marked" : "term", times(values[k], dx(k))));
    const written = terms.length > TERMS ? [...terms.slice(0, TERMS), `… ${terms.length - TERMS} more`] : terms;
    const output = entries.part(data.names.A, o);
    const lines = [make("span", "", make("b", "", `J·vec(d${data.names.X.length === 1 ? data.names.X[0].name : "X"})`), ` at ${output}: `, ...written.flatMap((term, n) => (n ? [" + ", term] : [term])), terms.length ? " = " : "0, for it reads no input; ", make("b", "", short(long)))];
    if (isNumber(short_) && isNumber(slope)) {
      const at = own.find((k) => entries.inputs[k] === o && String(data.output) === String(data.operand));
      const rest = own.length - (at === undefined ? 0 : 1), missing = long - short_;
      const reason = data.valid ? "the same, for this row of J has no other entry"
        : Math.abs(missing) <= 1e-9 * Math.abs(long) ? "the same here"
        : `not the same: it leaves out ${short(missing, 4)}, the ${rest === 1 ? "other term" : `${rest} other terms`}`;
      const claimed = !data.valid && rest === 0 && missing ? "not the same, for the claimed A' is another number" : reason;
      const factor = isNumber(slope) && slope !== 0 ? short_ / slope : 0;
      lines.push(make("span", data.valid ? "equal" : "unequal", make("b", "", this.arrays.find((each) => each.role === "short").title), ` there: ${times(slope, number("dX", o) ?? factor)} = `, make("b", "", short(short_)), `, ${claimed}`));
    }
    return lines;
  }
  // J·vec(dX) was taken with the numeric values where a claim is wrong: write those whose sum it is.
  consistent(own, dx, long) {
    const { analytic, numeric } = this.entries;
    const off = (values) => Math.abs(own.reduce((sum, k) => sum + values[k] * dx(k), 0) - long);
    return analytic && off(analytic) <= off(numeric) * 1.5 + 1e-9 * Math.abs(long) ? analytic : numeric;
  }

  // Links a finding to the entries that it is about: those of a status, or those of the inputs that it names.
  link(item) {
    const { entries, data } = this, { code, at } = item.dataset;
    const named = at.split(" ").filter((place) => place !== "" || at === "").map((place) => (place === "" ? [] : place.split(",").map(Number)));
    const shape = code === "J012" ? data.output : data.operand;
    const flat = new Set(at ? named.map((place) => ravel(place, [...place.keys()], shape)) : []);
    const pattern = OF_CODE[code], numbers = code === "J012" ? entries.outputs : entries.inputs;
    let about = pattern && entries.status && data.checked ? [...entries.status.keys()].filter((k) => pattern.test(entries.statusOf(entries.status[k]))) : [];
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

const words = read(document, "words") ?? {};
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
      const box = word.getBoundingClientRect(), room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      const below = box.bottom + tip.offsetHeight + 8 < window.innerHeight;
      tip.style.left = `${Math.max(8, Math.min(box.left, room))}px`;
      tip.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - tip.offsetHeight - 4)}px`;
    };
    const hide = () => { tip.hidden = true; };
    for (const [event, act] of [["pointerenter", show], ["focus", show], ["pointerleave", hide], ["blur", hide]])
      word.addEventListener(event, act);
  }
}

const drawn = new WeakMap();
function open(article) {
  const data = read(article, "numbers");
  if (data && !drawn.has(article)) drawn.set(article, new Report(article, data));
  drawn.get(article)?.tell();
  aside.hidden = !data;
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
    for (const each of document.querySelectorAll("button[data-filter]")) each.setAttribute("aria-pressed", String(on && each === button));
    for (const row of document.querySelectorAll("tr[data-verdict]")) row.hidden = on && row.dataset.verdict !== button.dataset.filter;
  });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (tip.hidden && document.querySelector("article.one:target")) location.hash = "";
  tip.hidden = true;
});
window.addEventListener("hashchange", openNamed);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", openNamed);
explain(document);
openNamed();
}
