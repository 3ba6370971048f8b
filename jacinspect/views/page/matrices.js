// A matrix as a table of numbers or, where it is large, as a drawing that can be zoomed. Next: page.js.

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
    const entries = report.entries,
      [height, width] = form.matrix,
      format = aligned(entries.values ?? []);
    this.cells = new Map();
    this.node = bracketed(
      [...Array(height).keys()],
      [...Array(width).keys()],
      (td, row, column) => {
        const [o, i] = form.source(row, column),
          k = entries.at(o, i);
        this.cells.set(o * entries.width + i, td);
        td.dataset.at = `${row} ${column}`;
        if (k === undefined) return (td.classList.add("none"), td.append("·"));
        const [text, kind, shade] = entries.values ? entries.look(show, entries.of(k), format) : ["×", "", 0];
        td.append(text);
        if (kind) td.classList.add(...kind.split(" "));
        td.style.setProperty("--shade", shade);
      },
      form.lines,
    );
    const texts = (entries.values ?? []).map((_, k) => entries.look("values", entries.of(k), format)[0]);
    this.node.style.setProperty("--longest", `${Math.max(1, ...texts.map((text) => text.length))}ch`);
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
  cell(entries, k) {
    return this.cells.get(entries.outputs[k] * entries.width + entries.inputs[k]);
  }
}

// --- A matrix that is drawn as dots ----------------------------------------------------------------------------------

class Drawn {
  constructor(report, form, show) {
    Object.assign(this, { report, form, show, size: form.matrix, tiles: report.data.tiles[form.tiles] });
    const [height, width] = form.matrix,
      entries = report.entries;
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
    this.node = make(
      "div",
      "drawn",
      this.canvas,
      make("div", "zoom", zoom("+", 0.5), zoom("−", 2), zoom("all", Infinity), this.extent),
    );
    this.placed = entries.outputs.map((o, k) => form.place(o, entries.inputs[k]));
    this.view = [0, 0, height, width]; // the first row and column, and how many there are of each
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("dblclick", (event) => this.zoom(0.25, ...this.at(event)));
    this.canvas.addEventListener(
      "wheel",
      (event) => {
        if (document.activeElement !== this.node && !event.ctrlKey) return; // the wheel belongs to the page
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? 0.7 : 1.4, ...this.at(event));
      },
      { passive: false },
    );
    this.canvas.addEventListener("pointerdown", (event) => {
      this.node.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      this.drag = [event.clientX, event.clientY];
    });
    this.canvas.addEventListener("pointerup", () => {
      this.drag = null;
    });
    report.followKeys(this);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
  }
  // Shows fewer rows and columns, or more, around a place in the drawing: that of the marked entry if it is in view.
  zoom(by, ...around) {
    const [row, column, rows, columns] = this.view,
      { o, i } = this.report.selected;
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
    const [row, column, rows, columns] = this.view,
      [down, along] = this.at(event);
    if (this.drag && event.buttons) {
      const box = this.canvas.getBoundingClientRect();
      this.view[0] -= ((event.clientY - this.drag[1]) / box.height) * rows;
      this.view[1] -= ((event.clientX - this.drag[0]) / box.width) * columns;
      this.drag = [event.clientX, event.clientY];
      return this.keepInside();
    }
    const at = [row + down * rows, column + along * columns],
      near = [rows / 40, columns / 40];
    const k = near[0] > 0.5 || near[1] > 0.5 ? this.nearest(at, near) : undefined;
    const [r, c] = k === undefined ? at.map(Math.floor) : this.placed[k];
    if (r >= 0 && c >= 0 && r < this.size[0] && c < this.size[1]) this.report.select(...this.form.source(r, c));
  }
  // Finds the listed entry that is closest to a place, where entries are too small to be pointed at.
  nearest(at, near) {
    let best = 1,
      found;
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
    const {
        canvas,
        report: { entries },
      } = this,
      { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const on = canvas.getContext("2d"),
      style = getComputedStyle(canvas),
      colour = (name) => style.getPropertyValue(`--${name}`);
    const [row, column, rows, columns] = this.view,
      tall = height / rows,
      wide = width / columns;
    const colours = { plus: colour("plus"), minus: colour("minus"), within: colour("plus"), "": colour("ink") };
    const of = (kind) => colours[kind] ?? (colours[kind] = colour(kind.replace("is ", "")) || colour("inconclusive"));
    on.scale(ratio, ratio);
    on.font = `11px ${style.fontFamily}`;
    on.textAlign = "center";
    on.textBaseline = "middle";
    const box = (r, c, h, w, least) => {
      const high = Math.max(h * tall, least),
        broad = Math.max(w * wide, least);
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
    const written = tall >= 16 && wide >= 56;
    const isFar = this.tiles && Math.min(tall, wide) < 2; // tiles say more than a sample of the entries
    let here = 0;
    const inView = ([r, c]) => r >= row - 1 && r <= row + rows && c >= column - 1 && c <= column + columns;
    this.placed.forEach(([r, c], k) => {
      if (!inView([r, c]) || (isFar && !this.isOdd(k))) return;
      here += 1;
      const look = entries.values ? entries.look(this.show, entries.of(k), (value) => short(value, 3)) : ["", "", 1],
        at = box(r, c, 1, 1, 1.5);
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
  isOdd(k) {
    return this.report.data.checked && this.report.entries.status?.[k] > 1;
  }
  // Draws the lines between blocks where there is room, or between cells.
  rule(on, colour, width, height) {
    const ends = [height, width];
    on.strokeStyle = colour;
    on.lineWidth = 1;
    on.beginPath();
    for (const side of [0, 1]) {
      const scale = ends[side] / this.view[side + 2],
        every = scale >= 14 ? 1 : this.form.lines[side];
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
    const { tiles, form } = this,
      entries = this.report.entries,
      turn = (pair) => (form.flipped ? [pair[1], pair[0]] : pair);
    const tile = turn(tiles.tile),
      fullest = tiles.count.reduce((most, count) => Math.max(most, count), 1);
    const isNear = Math.max(...box(0, 0, ...tile, 0).slice(2)) > 16; // one sees that it is a tile, and no entry
    tiles.at.forEach((at, k) => {
      const [r, c] = turn([Math.floor(at / tiles.grid[1]), at % tiles.grid[1]]);
      const of = { value: tiles.largest?.[k], ratio: tiles.ratio?.[k], status: tiles.status?.[k] };
      paint(
        entries.look(this.show, of),
        box(r * tile[0], c * tile[1], ...tile, 1.5),
        isNear ? 0.15 : 0.25 + 0.65 * Math.sqrt(tiles.count[k] / fullest),
      );
    });
  }
}
