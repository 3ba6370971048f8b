"use strict";
// Numbers as text, and where an entry of the Jacobian stands in each arrangement. Next: matrices.js.
//
// An entry is a pair (output, input) of flat row-major indices, wherever it stands.

const SIGNS = { agrees: "✓", disagrees: "✗", kink: "∧", "non-finite": "∞", overflows: "∞" };

const make = (tag, kind, ...inside) => {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.append(...inside);
  return made;
};
const read = (root, kind) => {
  const found = root.querySelector(`:scope > script.${kind}`);
  return found && JSON.parse(found.textContent);
};

// --- Numbers as text -------------------------------------------------------------------------------------------------

const signed = (text) => text.replace(/-/g, "−").replace("e+", "e");
// Sets the letters after an underscore low, as indices are.
const indexed = (text) => text.split(/_(\w+)/).map((part, k) => (k % 2 ? make("sub", "", part) : part));
// The class of a status, its first word.
const kindOf = (status) => status.split(/[ :]/)[0];
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
    plain || !isNumber(value) || value === 0 || Math.abs(value) < 1e-3
      ? short(value, 3)
      : signed(value.toFixed(decimals));
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
      unravel(
        flat,
        axes.map((axis) => this.dims[axis]),
      ).forEach((value, k) => {
        at[axes[k]] = value;
      });
    });
    const all = [...at.keys()],
      split = this.output.length;
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
      for (const [of, key] of [
        [this.ofOutput, o],
        [this.ofInput, this.inputs[k]],
      ])
        if (!of.get(key)?.push(k)) of.set(key, [k]);
    });
    const most = (values) => (values ?? []).reduce((a, v) => (isNumber(v) ? Math.max(a, Math.abs(v)) : a), 0);
    this.largest = most(this.values) || 1;
  }
  at(o, i) {
    return this.places.get(o * this.width + i);
  }
  statusOf(code) {
    return this.data.checked && this.status ? this.data.statuses[code] : "not compared";
  }
  name(o, i) {
    const input = this.inputName(i),
      { gradient } = this.data;
    return gradient ? `∂²${gradient}/∂${this.inputName(o)}∂${input}` : `∂${this.outputName(o)}/∂${input}`;
  }
  inputName(flat) {
    return this.part(this.data.names.X, flat);
  }
  outputName(flat) {
    const { names, gradient } = this.data;
    return gradient ? `∂${gradient}/∂${this.inputName(flat)}` : this.part(names.A, flat);
  }
  part(parts, flat) {
    const part = parts.findLast((each) => each.offset <= flat && size(each.shape)) ?? parts[0];
    const at = unravel(flat - part.offset, part.shape);
    return part.name + (at.length ? `[${at}]` : "");
  }
  // How an entry, or a tile, is shown: a text, a class, and how strong its shade is, from 0 to 1.
  look(show, { value, ratio, status }, format = short) {
    const wrong = this.data.checked && (status === 2 || status === 3 || status === 7);
    if (show === "values")
      return [(wrong ? (status === 2 ? "✘ " : "? ") : "") + format(value), wrong ? "wrong" : "", 0];
    if (show === "magnitude") {
      const part = isNumber(value) ? Math.abs(value) / this.largest : 1;
      return [format(value), value < 0 ? "minus" : "plus", Math.sqrt(Math.min(part, 1))];
    }
    const said = this.statusOf(status),
      kind = `is ${kindOf(said)}`;
    if (show === "status") return [SIGNS[said] ?? (said === "not compared" ? "–" : "?"), kind, 1];
    if (!isNumber(ratio)) return [SIGNS[said] ?? (this.data.checked ? "?" : "–"), kind, 0.4];
    return [short(ratio, 2), ratio > 1 ? "is disagrees" : "within", Math.min(ratio, 1)];
  }
  of(k) {
    return { value: this.values?.[k], ratio: this.ratio?.[k], status: this.status?.[k] };
  }
}
