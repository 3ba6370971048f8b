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
    this.due = requestAnimationFrame(() => this.overlay());
  }

  // Draws lines, tiles and entries, and keeps that image: what is marked is drawn over it.
  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width) return;
    const ratio = window.devicePixelRatio || 1,
      style = getComputedStyle(this.canvas);
    this.image = document.createElement("canvas");
    for (const canvas of [this.canvas, this.image]) [canvas.width, canvas.height] = [width * ratio, height * ratio];
    this.scale = [height / this.view[2], width / this.view[3]]; // pixels of a row and of a column
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    const on = this.image.getContext("2d");
    on.scale(ratio, ratio);
    on.font = `11px ${style.fontFamily}`;
    on.textAlign = "center";
    on.textBaseline = "middle";
    this.rule(on, width, height);
    const paint = this.painter(on);
    if (this.tiles) this.paintTiles(paint);
    const isListed = this.paintEntries(on, paint);
    const [row, column] = this.view,
      last = (side) => Math.min(Math.ceil(this.view[side] + this.view[side + 2]), this.size[side]) - 1;
    const note = isListed ? "" : "; entries here are not listed in this page";
    this.extent.textContent = `rows ${Math.floor(row)}–${last(0)}, columns ${Math.floor(column)}–${last(1)}${note}`;
    this.overlay();
  }
  // Where rows and columns are drawn, at least so large: left, top, width and height.
  box(row, column, rows, columns, least) {
    const [tall, wide] = this.scale,
      high = Math.max(rows * tall, least),
      broad = Math.max(columns * wide, least);
    const middle = [(row - this.view[0] + rows / 2) * tall, (column - this.view[1] + columns / 2) * wide];
    return [middle[1] - broad / 2, middle[0] - high / 2, broad, high];
  }
  painter(on) {
    const colours = {
      plus: this.colour("plus"),
      within: this.colour("plus"),
      wrong: this.colour("disagrees"),
      "": this.colour("ink"),
    };
    const of = (kind) => (colours[kind] ??= this.colour(kind.replace("is ", "")) || this.colour("inconclusive"));
    return ([, kind, shade], [x, y, width, height], strength) => {
      const [left, top] = [Math.round(x), Math.round(y)]; // neighbours meet, and no paper shines through
      on.globalAlpha = (this.show === "values" ? 0.8 : 0.15 + 0.85 * shade) * strength;
      on.fillStyle = of(kind);
      on.fillRect(left, top, Math.max(Math.round(x + width) - left, 1), Math.max(Math.round(y + height) - top, 1));
      on.globalAlpha = 1;
    };
  }
  // Paints the entries that are in view; from afar only the odd ones, for tiles say more than a sample of the others.
  paintEntries(on, paint) {
    const {
      report: { entries },
      scale: [tall, wide],
      view: [row, column, rows, columns],
    } = this;
    const isWritten = tall >= 16 && wide >= 56,
      isFar = this.tiles && Math.min(tall, wide) < 2;
    const format = isWritten ? (value) => short(value, 3) : () => "",
      ink = this.colour("ink");
    let isListed = !this.tiles || isFar;
    this.placed.forEach(([r, c], k) => {
      if (r < row - 1 || r > row + rows || c < column - 1 || c > column + columns || (isFar && !this.isOdd(k))) return;
      const look = entries.values ? entries.look(this.show, entries.of(k), format) : ["", "", 1],
        box = this.box(r, c, 1, 1, 1.5);
      isListed = true;
      paint(look, box, isWritten ? 0.25 : 1);
      on.fillStyle = ink;
      if (isWritten) on.fillText(look[0], box[0] + box[2] / 2, box[1] + box[3] / 2);
    });
    return isListed;
  }
  overlay() {
    if (!this.image) return;
    const on = this.canvas.getContext("2d"),
      ratio = window.devicePixelRatio || 1,
      { o, i } = this.selected ?? {};
    on.setTransform(1, 0, 0, 1, 0, 0);
    on.clearRect(0, 0, this.canvas.width, this.canvas.height);
    on.drawImage(this.image, 0, 0);
    on.scale(ratio, ratio);
    const ring = ([r, c], name, least) => {
      on.strokeStyle = this.colour(name);
      on.lineWidth = 2;
      on.strokeRect(...this.box(r, c, 1, 1, least));
    };
    for (const k of this.found ?? []) ring(this.placed[k], "disagrees", 6);
    if (o >= 0 && i >= 0) ring(this.form.place(o, i), "accent", 9);
  }
  // Whether an entry is worth being seen from afar.
  isOdd(k) {
    return this.report.data.checked && this.report.entries.status?.[k] > 1;
  }
  // Draws the lines between blocks where there is room, or between cells.
  rule(on, width, height) {
    const ends = [height, width];
    on.strokeStyle = this.colour("rule");
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
  paintTiles(paint) {
    const { tiles, form } = this,
      entries = this.report.entries,
      turn = (pair) => (form.flipped ? [pair[1], pair[0]] : pair);
    const tile = turn(tiles.tile),
      fullest = tiles.count.reduce((most, count) => Math.max(most, count), 1);
    const isNear = Math.max(...this.box(0, 0, ...tile, 0).slice(2)) > 16; // one sees that it is a tile, and no entry
    tiles.at.forEach((at, k) => {
      const [r, c] = turn([Math.floor(at / tiles.grid[1]), at % tiles.grid[1]]);
      const of = { value: tiles.largest?.[k], ratio: tiles.ratio?.[k], status: tiles.status?.[k] };
      paint(
        entries.look(this.show, of, () => ""),
        this.box(r * tile[0], c * tile[1], ...tile, 1.5),
        isNear ? 0.15 : 0.25 + 0.65 * Math.sqrt(tiles.count[k] / fullest),
      );
    });
  }
}
