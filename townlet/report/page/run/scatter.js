// Dots for pairs of numbers, with the line on which both are equal.

import { mount } from "#page/charts/frame.js";
import { colours, fit } from "#page/colours.js";
import { marks, number } from "#page/format.js";

const HEIGHT = 240;
const MOST_DOTS = 20000;

/** data {x, y: numbers}; options {name, xLabel, yLabel}. */
export function drawScatter(canvas, data, options = {}) {
  const paint = (width) => {
    const context = fit(canvas, width, HEIGHT);
    canvas.style.width = "100%"; // as wide as there is room, also when that changes
    const all = colours();
    const [low, high] = range(data);
    const box = { left: 52, right: width - 10, top: 10, bottom: HEIGHT - 34 };
    const x = (value) => box.left + ((value - low) / (high - low)) * (box.right - box.left);
    const y = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
    context.clearRect(0, 0, width, HEIGHT);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = all.muted;
    context.strokeStyle = all.line;
    for (const mark of marks(low, high, 4)) {
      context.textAlign = "center";
      context.fillText(number(mark, 1), x(mark), HEIGHT - 20);
      context.textAlign = "right";
      context.fillText(number(mark, 1), box.left - 6, y(mark) + 3);
      context.strokeRect(box.left, y(mark), box.right - box.left, 0);
    }
    context.textAlign = "center";
    context.fillText(options.xLabel ?? "", (box.left + box.right) / 2, HEIGHT - 5);
    context.strokeStyle = all.muted;
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(x(low), y(low));
    context.lineTo(x(high), y(high));
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = all.series[0];
    context.globalAlpha = 0.35;
    const step = Math.max(1, Math.ceil(data.x.length / MOST_DOTS));
    for (let i = 0; i < data.x.length; i += step)
      context.fillRect(x(data.x[i]) - 1, y(data.y[i]) - 1, 2.5, 2.5);
    context.globalAlpha = 1;
  };
  canvas.setAttribute("role", "img");
  canvas.setAttribute(
    "aria-label",
    `${options.name ?? "Dots"}: ${data.x.length} ticks, correlation ${number(correlation(data), 2)}`,
  );
  return { update: mount(canvas, paint) };
}

function range({ x, y }) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of [x, y]) {
    for (const value of list) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low < high ? [low, high] : [(low || 0) - 1, (low || 0) + 1];
}

/** Pearson's correlation; NaN where one of the two does not vary. */
export function correlation({ x, y }) {
  const n = x.length;
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / n;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i += 1) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) ** 2;
    yy += (y[i] - my) ** 2;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}
