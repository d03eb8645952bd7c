// A line in NumPy's notation: parsed by Lezer's grammar of Python, computed on small arrays.

import type { SyntaxNode } from "@lezer/common";
import { parser } from "@lezer/python";

/** An array in C order. */
export interface Tensor {
  shape: number[];
  numbers: Float64Array;
}

export interface Statement {
  target: string | null;
  operator: string;
  value: (names: ReadonlyMap<string, Tensor>) => Tensor;
}

/** What is wrong with a line; `key` says which word of the page tells it. */
export class FormulaError extends Error {
  constructor(
    readonly kind: "syntax" | "name" | "function" | "shape",
    message: string,
  ) {
    super(message);
  }
}

/** Read a line: an assignment, or an expression alone. */
export function parse(text: string): Statement {
  const source = `${text.trim()}\n`;
  const script = parser.parse(source).topNode;
  const statements = children(script).filter((node) => node.name !== "Comment");
  const [statement] = statements;
  if (statement === undefined || statements.length !== 1)
    throw new FormulaError("syntax", text.trim());
  const parts = children(statement);
  const reader = new Reader(source);
  if (statement.name === "ExpressionStatement") {
    const tree = parts[0]!;
    reader.check(tree);
    return { target: null, operator: "", value: (names) => reader.tensor(tree, names) };
  }
  const [target, operator, tree] = parts;
  if (!["AssignStatement", "UpdateStatement"].includes(statement.name) || parts.length !== 3) {
    throw new FormulaError("syntax", text.trim());
  }
  if (target?.name !== "VariableName" || operator === undefined || tree === undefined) {
    throw new FormulaError("syntax", text.trim());
  }
  reader.check(tree);
  return {
    target: reader.text(target),
    operator: reader.text(operator),
    value: (names) => reader.tensor(tree, names),
  };
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

export function scalar(x: number): Tensor {
  return { shape: [], numbers: Float64Array.of(x) };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, k) => n === b[k]);
}

function described(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

// Arithmetic.

/** Compute entry by entry, with NumPy's broadcasting. */
export function broadcast(f: (...x: number[]) => number, ...operands: Tensor[]): Tensor {
  const ndim = Math.max(...operands.map((x) => x.shape.length));
  const shape: number[] = [];
  for (let k = 1; k <= ndim; k++) {
    const lengths = operands.map((x) => x.shape.at(-k) ?? 1);
    const n = lengths.find((length) => length !== 1) ?? 1;
    if (lengths.some((length) => length !== 1 && length !== n)) {
      throw new FormulaError("shape", operands.map((x) => described(x.shape)).join(" · "));
    }
    shape.unshift(n);
  }
  const strides = operands.map((x) => {
    const own: number[] = [];
    let step = 1;
    for (let k = x.shape.length - 1; k >= 0; k--) {
      own.unshift(x.shape[k] === 1 ? 0 : step);
      step *= x.shape[k]!;
    }
    return [...Array<number>(ndim - own.length).fill(0), ...own];
  });
  const numbers = new Float64Array(sizeOf(shape));
  const index = Array<number>(ndim).fill(0);
  const given = operands.map(() => 0);
  for (let i = 0; i < numbers.length; i++) {
    for (let j = 0; j < operands.length; j++) {
      let at = 0;
      for (let k = 0; k < ndim; k++) at += strides[j]![k]! * index[k]!;
      given[j] = operands[j]!.numbers[at]!;
    }
    numbers[i] = f(...given);
    for (let k = ndim - 1; k >= 0; k--) {
      index[k]!++;
      if (index[k]! < shape[k]!) break;
      index[k] = 0;
    }
  }
  return { shape, numbers };
}

export function transposed(x: Tensor): Tensor {
  const shape = [...x.shape].reverse();
  const numbers = new Float64Array(x.numbers.length);
  const index = shape.map(() => 0);
  for (let i = 0; i < numbers.length; i++) {
    let at = 0;
    for (let k = 0; k < x.shape.length; k++) at = at * x.shape[k]! + index[x.shape.length - 1 - k]!;
    numbers[i] = x.numbers[at]!;
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k]!++;
      if (index[k]! < shape[k]!) break;
      index[k] = 0;
    }
  }
  return { shape, numbers };
}

function matmul(a: Tensor, b: Tensor): Tensor {
  const fits =
    a.shape.length >= 1 && b.shape.length >= 1 && a.shape.length <= 2 && b.shape.length <= 2;
  const inner = a.shape.at(-1);
  const [rows, columns] = [
    a.shape.length === 2 ? a.shape[0]! : 1,
    b.shape.length === 2 ? b.shape[1]! : 1,
  ];
  if (!fits || inner !== b.shape[0]) {
    throw new FormulaError("shape", `${described(a.shape)} @ ${described(b.shape)}`);
  }
  const numbers = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let total = 0;
      for (let k = 0; k < inner!; k++)
        total += a.numbers[i * inner! + k]! * b.numbers[k * columns + j]!;
      numbers[i * columns + j] = total;
    }
  }
  const shape = [
    ...(a.shape.length === 2 ? [rows] : []),
    ...(b.shape.length === 2 ? [columns] : []),
  ];
  return { shape, numbers };
}

/** Add up along some axes, all of them by default. */
export function summed(x: Tensor, axes?: readonly number[], keep = false): Tensor {
  const ndim = x.shape.length;
  const gone = new Set((axes ?? x.shape.map((_, k) => k)).map((k) => (k < 0 ? k + ndim : k)));
  for (const k of gone)
    if (k < 0 || k >= ndim) throw new FormulaError("shape", `axis=${k}: ${described(x.shape)}`);
  const kept = x.shape.map((n, k) => (gone.has(k) ? 1 : n));
  const numbers = new Float64Array(sizeOf(kept));
  for (let i = 0; i < x.numbers.length; i++) {
    let rest = i;
    let at = 0;
    let step = 1;
    for (let k = ndim - 1; k >= 0; k--) {
      const index = rest % x.shape[k]!;
      rest = Math.floor(rest / x.shape[k]!);
      if (!gone.has(k)) {
        at += index * step;
        step *= x.shape[k]!;
      }
    }
    numbers[at]! += x.numbers[i]!;
  }
  return { shape: keep ? kept : x.shape.filter((_, k) => !gone.has(k)), numbers };
}

const BINARY: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "**": (a, b) => a ** b,
  "<": (a, b) => Number(a < b),
  "<=": (a, b) => Number(a <= b),
  ">": (a, b) => Number(a > b),
  ">=": (a, b) => Number(a >= b),
  "==": (a, b) => Number(a === b),
  "!=": (a, b) => Number(a !== b),
};

const ENTRYWISE: Record<string, (...x: number[]) => number> = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  arctan: Math.atan,
  abs: Math.abs,
  fabs: Math.abs,
  absolute: Math.abs,
  sign: Math.sign,
  square: (x) => x! * x!,
  reciprocal: (x) => 1 / x!,
  negative: (x) => -x!,
  ones_like: () => 1,
  zeros_like: () => 0,
  float: (x) => x!,
  copy: (x) => x!,
  maximum: Math.max,
  minimum: Math.min,
  add: (a, b) => a! + b!,
  subtract: (a, b) => a! - b!,
  multiply: (a, b) => a! * b!,
  divide: (a, b) => a! / b!,
  power: (a, b) => a! ** b!,
  pow: (a, b) => a! ** b!,
  where: (test, a, b) => (test ? a! : b!),
};
const ARITY: Record<string, number> = {
  maximum: 2,
  minimum: 2,
  add: 2,
  subtract: 2,
  multiply: 2,
  divide: 2,
  power: 2,
  pow: 2,
  where: 3,
};
const CONSTANTS: Record<string, number> = { pi: Math.PI, e: Math.E, inf: Number.POSITIVE_INFINITY };
const MODULES = new Set(["np", "numpy", "math"]);
const KNOWN = new Set([
  "VariableName",
  "Number",
  "Boolean",
  "None",
  "ParenthesizedExpression",
  "BinaryExpression",
  "UnaryExpression",
  "MemberExpression",
  "CallExpression",
  "ArgList",
  "TupleExpression",
  "ArithOp",
  "CompareOp",
  "AssignOp",
  "PropertyName",
]);

type Names = ReadonlyMap<string, Tensor>;

class Reader {
  constructor(private readonly source: string) {}

  text(node: SyntaxNode): string {
    return this.source.slice(node.from, node.to);
  }

  /** Refuse what is no formula. */
  check(tree: SyntaxNode): void {
    const stack = [tree];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node.type.isError || (!KNOWN.has(node.name) && /\w/.test(node.name))) {
        throw new FormulaError("syntax", this.text(node) || this.source.trim());
      }
      stack.push(...children(node));
    }
  }

  tensor(node: SyntaxNode, names: Names): Tensor {
    const parts = children(node);
    switch (node.name) {
      case "Number":
        return scalar(Number(this.text(node).replaceAll("_", "")));
      case "Boolean":
        return scalar(this.text(node) === "True" ? 1 : 0);
      case "VariableName": {
        const found = names.get(this.text(node));
        if (found === undefined) throw new FormulaError("name", this.text(node));
        return found;
      }
      case "ParenthesizedExpression":
        return this.tensor(parts[1]!, names);
      case "UnaryExpression": {
        const x = this.tensor(parts[1]!, names);
        return this.text(parts[0]!) === "-" ? broadcast((v) => -v!, x) : x;
      }
      case "BinaryExpression": {
        const sign = this.text(parts[1]!);
        const [a, b] = [this.tensor(parts[0]!, names), this.tensor(parts[2]!, names)];
        if (sign === "@") return matmul(a, b);
        const f = BINARY[sign];
        if (f === undefined) throw new FormulaError("function", sign);
        return broadcast((x, y) => f(x!, y!), a, b);
      }
      case "MemberExpression":
        return this.member(node, parts, names);
      case "CallExpression":
        return this.call(parts, names);
      default:
        throw new FormulaError("syntax", this.text(node));
    }
  }

  private member(node: SyntaxNode, parts: SyntaxNode[], names: Names): Tensor {
    if (parts[1]!.name === "[") return this.indexed(parts, names);
    const name = this.text(parts.at(-1)!);
    if (MODULES.has(this.text(parts[0]!))) {
      const constant = CONSTANTS[name];
      if (constant === undefined) throw new FormulaError("function", this.text(node));
      return scalar(constant);
    }
    if (name === "T") return transposed(this.tensor(parts[0]!, names));
    throw new FormulaError("function", `.${name}`);
  }

  /** Only whole axes and new ones, as `x[:, None]` has them. */
  private indexed(parts: SyntaxNode[], names: Names): Tensor {
    const x = this.tensor(parts[0]!, names);
    const inside = this.source.slice(parts[1]!.to, parts.at(-1)!.from);
    const shape: number[] = [];
    let axis = 0;
    for (const part of inside.split(",").map((p) => p.trim())) {
      if (part === ":") shape.push(x.shape[axis++] ?? -1);
      else if (part === "None" || part === "np.newaxis") shape.push(1);
      else throw new FormulaError("function", `[${inside}]`);
    }
    if (shape.includes(-1)) throw new FormulaError("shape", `${described(x.shape)}[${inside}]`);
    return { shape: [...shape, ...x.shape.slice(axis)], numbers: x.numbers };
  }

  private call(parts: SyntaxNode[], names: Names): Tensor {
    const [callee, list] = parts as [SyntaxNode, SyntaxNode];
    const { given, named } = this.arguments(list);
    const operands = () => given.map((node) => this.tensor(node, names));
    if (callee.name === "VariableName") return this.applied(this.text(callee), operands(), named);
    const [owner, , property] = children(callee);
    if (callee.name !== "MemberExpression" || property?.name !== "PropertyName") {
      throw new FormulaError("function", this.text(callee));
    }
    const name = this.text(property);
    if (MODULES.has(this.text(owner!))) {
      const axis = named.get("axis") ?? (name === "sum" || name === "mean" ? given[1] : undefined);
      const all = operands().slice(0, axis === given[1] ? 1 : undefined);
      return this.applied(name, all, axis ? new Map([...named, ["axis", axis]]) : named);
    }
    const self = this.tensor(owner!, names);
    if (name === "reshape") return this.reshaped(self, given);
    const axis = named.get("axis") ?? (name === "sum" || name === "mean" ? given[0] : undefined);
    const rest = axis === given[0] ? [] : operands();
    return this.applied(name, [self, ...rest], axis ? new Map([...named, ["axis", axis]]) : named);
  }

  private applied(name: string, operands: Tensor[], named: Map<string, SyntaxNode>): Tensor {
    const [x, y] = operands;
    if (x === undefined) throw new FormulaError("syntax", `${name}()`);
    if (name === "sum" || name === "mean") {
      const keep = named.get("keepdims");
      const total = summed(
        x,
        this.axes(named.get("axis")),
        keep !== undefined && this.text(keep) === "True",
      );
      const share = name === "mean" ? sizeOf(total.shape) / x.numbers.length : 1;
      return broadcast((v) => v! * share, total);
    }
    if (name === "transpose" && y === undefined) return transposed(x);
    if ((name === "dot" || name === "matmul") && y !== undefined) return matmul(x, y);
    if (name === "outer" && y !== undefined) {
      const column = { shape: [x.numbers.length, 1], numbers: x.numbers };
      return broadcast((a, b) => a! * b!, column, {
        shape: [y.numbers.length],
        numbers: y.numbers,
      });
    }
    const f = ENTRYWISE[name];
    if (f === undefined) throw new FormulaError("function", name);
    if (operands.length !== (ARITY[name] ?? 1)) throw new FormulaError("syntax", `${name}(…)`);
    return broadcast(f, ...operands);
  }

  private reshaped(x: Tensor, given: SyntaxNode[]): Tensor {
    const shape = given.flatMap((node) => this.axes(node) ?? []);
    const known = shape.filter((n) => n >= 0).reduce((a, b) => a * b, 1);
    const full = shape.map((n) => (n < 0 ? x.numbers.length / known : n));
    if (sizeOf(full) !== x.numbers.length) throw new FormulaError("shape", described(full));
    return { shape: full, numbers: x.numbers };
  }

  /** Whole numbers that are written out: one, or several in brackets. */
  private axes(node: SyntaxNode | undefined): number[] | undefined {
    if (node === undefined || node.name === "None") return undefined;
    const found = this.text(node)
      .replace(/[()\s]/g, "")
      .split(",")
      .filter(Boolean)
      .map(Number);
    if (found.some((n) => !Number.isInteger(n))) throw new FormulaError("syntax", this.text(node));
    return found;
  }

  private arguments(list: SyntaxNode): { given: SyntaxNode[]; named: Map<string, SyntaxNode> } {
    const given: SyntaxNode[] = [];
    const named = new Map<string, SyntaxNode>();
    const parts = children(list).filter((node) => !["(", ")", ","].includes(node.name));
    for (let k = 0; k < parts.length; k++) {
      if (parts[k + 1]?.name === "AssignOp") {
        named.set(this.text(parts[k]!), parts[k + 2]!);
        k += 2;
      } else given.push(parts[k]!);
    }
    return { given, named };
  }
}
