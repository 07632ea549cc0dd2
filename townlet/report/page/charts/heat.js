// How much happens where: a grid of tiles, darker (in the dark: brighter) for more.

import { mount } from "#page/charts/frame.js";
import { formatNumber } from "#page/charts/scale.js";

// From little to much; equal steps look equal, also to those who see few colours.
const LIGHT = [[237, 244, 250], [158, 202, 225], [66, 146, 198], [8, 81, 156], [8, 29, 88]]; // prettier-ignore
const DARK = [[24, 34, 48], [20, 76, 122], [35, 128, 180], [110, 190, 215], [235, 248, 255]]; // prettier-ignore

/** The colour of a share between 0 and 1: [red, green, blue]. */
export function shade(share, dark = false) {
  const stops = dark ? DARK : LIGHT;
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(place));
  return stops[k].map((part, c) => Math.round(part + (stops[k + 1][c] - part) * (place - k)));
}

/**
 * @param canvas
 * @param data {width, height, values: [height * width] by rows, walls: [height * width] flags or absent}
 * @param options {name, unit, logarithmic: true, width (pixels)}
 * @returns {{update(data, options)}}
 */
export function draw(canvas, data, options = {}) {
  const state = { data, options };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const again = mount(
    canvas,
    (width) => paintTiles(canvas, width, state.data, state.options, dark.matches),
    options.width,
  );
  return {
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function paintTiles(canvas, width, data, options, dark) {
  const room = Math.min(width, options.most ?? 480);
  canvas.width = data.width;
  canvas.height = data.height;
  canvas.style.maxWidth = `min(100%, ${options.most ?? 480}px)`;
  canvas.style.height = `${Math.round((room * data.height) / data.width)}px`;
  canvas.style.imageRendering = "pixelated";
  const most = data.values.reduce((found, value) => (value > found ? value : found), 0);
  const share =
    (options.logarithmic ?? true)
      ? (value) => Math.log1p(value) / Math.log1p(most || 1)
      : (value) => value / (most || 1);
  const brush = canvas.getContext("2d");
  const image = brush.createImageData(data.width, data.height);
  for (let k = 0; k < data.values.length; k += 1) {
    const wall = data.walls?.[k];
    const [red, green, blue] = wall ? [120, 116, 126] : shade(share(data.values[k]), dark);
    image.data.set([red, green, blue, 255], 4 * k);
  }
  brush.putImageData(image, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", inWords(data, most, options));
}

function inWords(data, most, options) {
  const at = data.values.indexOf(most);
  const unit = options.unit ? ` ${options.unit}` : "";
  const where =
    most > 0
      ? `; most at ${at % data.width}, ${Math.floor(at / data.width)}: ${formatNumber(most)}${unit}`
      : "; nothing";
  return `${options.name ?? "heat map"}, ${data.width} by ${data.height} tiles${where}`;
}
