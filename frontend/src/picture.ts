// The circuit as a picture to be saved.

import { data, layout } from "./state";
import { pane } from "./view";

/** A picture of the circuit as it is shown, with its styles, to be saved. */
function picture(): { svg: string; width: number; height: number } {
  const { width, height } = layout.value;
  const copy = pane.element!.cloneNode(true) as SVGSVGElement;
  const originals = pane.element!.querySelectorAll<SVGElement>("*");
  const copies = copy.querySelectorAll<SVGElement>("*");
  const kept = [
    "fill",
    "stroke",
    "stroke-width",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "stroke-dasharray",
    "opacity",
    "image-rendering",
  ];
  originals.forEach((original, k) => {
    const style = getComputedStyle(original);
    copies[k]!.setAttribute(
      "style",
      kept.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"),
    );
    for (const name of ["class", "tabindex", "role", "aria-label"])
      copies[k]!.removeAttribute(name);
  });
  copy.querySelector("g")!.removeAttribute("transform");
  copy.removeAttribute("class");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const paper = getComputedStyle(document.body).backgroundColor;
  const background = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [
    ["width", "100%"],
    ["height", "100%"],
    ["fill", paper],
  ] as const) {
    background.setAttribute(name, value);
  }
  copy.prepend(background);
  return { svg: new XMLSerializer().serializeToString(copy), width, height };
}

/** Let the reader save the circuit. */
export function save(kind: "svg" | "png"): void {
  const { svg, width, height } = picture();
  const blob = new Blob([svg], { type: "image/svg+xml" });
  if (kind === "svg") {
    download(blob, `${data.name}.svg`);
    return;
  }
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    const scale = Math.min(3, 8000 / Math.max(width, height));
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d")!;
    context.scale(scale, scale);
    context.drawImage(image, 0, 0);
    canvas.toBlob((made) => made && download(made, `${data.name}.png`));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
