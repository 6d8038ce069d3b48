// Colours, patterns and sizes of the canvases, and the window of time that all of them show.

const palette = {};
const patterns = {};

/** Reads the colours of the style sheet; they differ between dark and light. */
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['ink', 'muted', 'line', 'card', 'well', 'accent', 'loss', 'warning', 'note', 'median',
    ...Object.keys(PRESENCES)]) {
    palette[name] = style.getPropertyValue(`--${name}`).trim();
  }
  for (const word of Object.keys(PRESENCES)) delete patterns[word];
}

/** What marks a presence besides its colour: stripes, crosses, dots. */
function patternOf(word, ctx) {
  if (patterns[word] === undefined) {
    const tile = document.createElement('canvas');
    tile.width = 8;
    tile.height = 8;
    const pen = tile.getContext('2d');
    pen.strokeStyle = palette.card;
    pen.fillStyle = palette.card;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (word === 'elsewhere' || word === 'lost') {
      for (const shift of [-8, 0, 8]) {
        pen.moveTo(shift - 1, 9);
        pen.lineTo(shift + 9, -1);
      }
    }
    if (word === 'lost') {
      for (const shift of [-8, 0, 8]) {
        pen.moveTo(shift - 1, -1);
        pen.lineTo(shift + 9, 9);
      }
    }
    if (word === 'unlisted') {
      pen.moveTo(4, 0);
      pen.lineTo(4, 8);
    }
    pen.stroke();
    if (word === 'unknown') {
      pen.fillRect(1, 1, 2, 2);
      pen.fillRect(5, 5, 2, 2);
    }
    const plain = word === 'present' || word === 'never-recorded';
    patterns[word] = plain ? null : ctx.createPattern(tile, 'repeat');
  }
  return patterns[word];
}

/** A canvas made as large as its box, in the pixels of the screen. */
function fitted(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const ctx = canvas.getContext('2d');
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height };
}

const SHORTEST = 500;
const view = { from: range.from, until: range.until };
const drawers = [];
const whenMoved = [];
let frame = 0;
let moving = 0;

/** Draws everything that shows the window once more before the next frame. */
function redraw() {
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    for (const draw of drawers) draw();
  });
}

/** Draws at once what waits for the next frame. */
function drawNow() {
  if (frame) cancelAnimationFrame(frame);
  frame = 0;
  for (const draw of drawers) draw();
}

function clamped(from, until) {
  const whole = range.until - range.from;
  const span = Math.min(Math.max(until - from, Math.min(SHORTEST, whole)), whole);
  const start = Math.min(Math.max(from + (until - from - span) / 2, range.from), range.until - span);
  return { from: start, until: start + span };
}

function show(from, until) {
  cancelAnimationFrame(moving);
  moving = 0;
  Object.assign(view, clamped(from, until));
  redraw();
  for (const moved of whenMoved) moved();
}

const still = window.matchMedia('(prefers-reduced-motion: reduce)');

/** Goes to another window in a few frames, or at once for those who want no motion. */
function glide(from, until) {
  const goal = clamped(from, until);
  if (still.matches) {
    show(goal.from, goal.until);
    return;
  }
  const start = { ...view };
  const began = performance.now();
  cancelAnimationFrame(moving);
  const step = (now) => {
    const part = Math.min(1, Math.max(0, (now - began) / 220));
    const eased = 1 - (1 - part) ** 3;
    if (part >= 1) {
      show(goal.from, goal.until);
      return;
    }
    Object.assign(view, {
      from: start.from + (goal.from - start.from) * eased,
      until: start.until + (goal.until - start.until) * eased,
    });
    redraw();
    moving = requestAnimationFrame(step);
  };
  moving = requestAnimationFrame(step);
}

/** Zooms around a moment: factors below one show less time. */
function zoom(factor, around = (view.from + view.until) / 2) {
  show(around - (around - view.from) * factor, around + (view.until - around) * factor);
}

function pan(part) {
  const step = (view.until - view.from) * part;
  show(view.from + step, view.until + step);
}

const DAY = 86400000;
const STEPS = [100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000,
  1800000, 3600000, 7200000, 10800000, 21600000, 43200000, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 365 * DAY, 3650 * DAY];

/** The moments that get a line, and how fine they are. */
function ticks(width) {
  const span = view.until - view.from;
  const wanted = span / Math.max(1, width / 96);
  const step = STEPS.find((each) => each >= wanted) ?? STEPS[STEPS.length - 1];
  const offset = clock.local && timed ? -new Date(view.from).getTimezoneOffset() * 60000 : 0;
  const found = [];
  for (let at = Math.ceil((view.from + offset) / step) * step - offset; at <= view.until && found.length < 500; at += step) {
    found.push(at);
  }
  return { step, found };
}

function tickWord(ms, step) {
  if (!timed) return ms < 60000 ? `${ms / 1000} s` : length(ms);
  const { day, time } = pieces(ms);
  if (step >= DAY || time === '00:00:00.000') return day;
  if (step >= 60000) return time.slice(0, 5);
  return step >= 1000 ? time.slice(0, 8) : time.slice(0, 10);
}
