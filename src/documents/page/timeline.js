// The time line: a lane per track, an axis above, an overview above that.

const MARKS = 13;
const ROW = 26;
const COPY = 12;
const STRIP = 5;
const GAP = 4;

const lanes = [];
const chosen = { item: null };

/** Fills a box by its presence: colour, pattern, and for what is lost an outline. */
function fillPresence(ctx, word, x, y, width, height) {
  ctx.fillStyle = palette[word];
  ctx.fillRect(x, y, width, height);
  const pattern = width >= 5 ? patternOf(word, ctx) : null;
  if (pattern) {
    ctx.fillStyle = pattern;
    ctx.fillRect(x, y, width, height);
  }
  if (pattern && word === 'lost') {
    ctx.strokeStyle = palette.lost;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(x + 0.75, y + 0.75, Math.max(0, width - 1.5), height - 1.5);
  }
}

function markShape(ctx, severity, x, y) {
  ctx.fillStyle = palette[severity];
  ctx.beginPath();
  if (severity === 'loss') {
    ctx.moveTo(x, y - 5);
    ctx.lineTo(x + 5, y);
    ctx.lineTo(x, y + 5);
    ctx.lineTo(x - 5, y);
  } else if (severity === 'warning') {
    ctx.moveTo(x, y - 4.5);
    ctx.lineTo(x + 5, y + 4);
    ctx.lineTo(x - 5, y + 4);
  } else {
    ctx.arc(x, y, 3, 0, Math.PI * 2);
  }
  ctx.closePath();
  ctx.fill();
}

/** The signs of the findings of a lane: the worst of those that fall together. */
function drawMarks(ctx, lane, width, scale) {
  const cells = new Map();
  for (const finding of lane.findings) {
    const x = (finding.from - view.from) * scale;
    if (x < -6 || x > width + 6) continue;
    const cell = Math.round(x / 9);
    const severity = severityOf(finding.diagnosis.severity);
    const there = cells.get(cell);
    if (!there || SEVERITIES[severity].weight > SEVERITIES[there.severity].weight) cells.set(cell, { x, severity });
  }
  for (const { x, severity } of [...cells.values()].sort((a, b) => SEVERITIES[a.severity].weight - SEVERITIES[b.severity].weight)) {
    markShape(ctx, severity, Math.min(Math.max(x, 5), width - 5), 6);
  }
}

function drawLane(lane) {
  const { ctx, width, height } = fitted(lane.canvas);
  const scale = width / (view.until - view.from);
  const rowTop = MARKS;
  const stripTop = height - STRIP;
  ctx.fillStyle = palette.well;
  ctx.fillRect(0, rowTop - 1, width, stripTop - rowTop - GAP + 2);
  ctx.fillStyle = palette.line;
  for (const at of ticks(width).found) ctx.fillRect(Math.round((at - view.from) * scale), rowTop - 1, 1, stripTop - rowTop - GAP + 2);

  // What is in no segment is drawn under them: time that nobody listed, recorded or could ask about.
  const byWeight = [...lane.stretches].sort((a, b) => weightOf(a.stretch.presence) - weightOf(b.stretch.presence));
  for (const { stretch, from, until } of byWeight) {
    if (until < view.from || from > view.until) continue;
    const word = presenceOf(stretch.presence);
    const x = (from - view.from) * scale;
    const wide = Math.max((until - from) * scale, word === 'present' ? 0 : 1.5);
    const left = Math.max(x, -8);
    const shown = Math.min(x + wide, width + 8) - left;
    if (word === 'never-recorded') {
      ctx.fillStyle = palette[word];
      ctx.fillRect(left, rowTop + ROW / 2 - 1, shown, 2);
    } else if (word === 'unlisted' || word === 'unknown') {
      fillPresence(ctx, word, left, rowTop, shown, ROW);
    }
    ctx.fillStyle = palette[word];
    ctx.fillRect(left, stripTop, shown, STRIP);
  }

  lane.drawn.fill(0);
  for (const word of BY_WEIGHT) {
    const group = lane.byPresence[word];
    const least = word === 'present' ? 0.6 : 2.5;
    const tall = word === 'present' || word === 'elsewhere';
    for (const index of group) {
      const item = lane.items[index];
      let x = (item.from - view.from) * scale;
      let wide = (item.until - item.from) * scale;
      if (x + Math.max(wide, least) < 0 || x > width) continue;
      if (wide > 4) wide -= 1;
      if (wide < least) {
        x = Math.max(0, Math.min(x - (least - wide) / 2, width - least));
        wide = least;
      }
      const copy = item.segment.failover !== null;
      const top = copy ? rowTop + ROW + 2 : rowTop + (tall ? 3 : 0);
      const high = copy ? COPY : ROW - (tall ? 6 : 0);
      lane.drawn.set([1, x, top, wide, high], index * 5);
      const left = Math.max(x, -8);
      fillPresence(ctx, word, left, top, Math.min(x + wide, width + 8) - left, high);
      if (item.segment.obstacle && wide > 3) {
        ctx.fillStyle = palette.card;
        ctx.fillRect(left, top + 3, Math.min(x + wide, width + 8) - left, 2);
      }
    }
  }
  drawMarks(ctx, lane, width, scale);
  const { item } = chosen;
  if (item && lane.items[item.index] === item && lane.drawn[item.index * 5]) {
    const [, x, y, wide, high] = lane.drawn.subarray(item.index * 5, item.index * 5 + 5);
    ctx.strokeStyle = palette.card;
    ctx.lineWidth = 4;
    ctx.strokeRect(x - 2, y - 2, wide + 4, high + 4);
    ctx.strokeStyle = palette.accent;
    ctx.lineWidth = 2.5;
    ctx.strokeRect(x - 2, y - 2, wide + 4, high + 4);
  }
}

function drawAxis() {
  const { ctx, width, height } = fitted(byId('axis'));
  const scale = width / (view.until - view.from);
  const { step, found } = ticks(width);
  ctx.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = 'middle';
  for (const at of found) {
    const x = Math.round((at - view.from) * scale);
    ctx.fillStyle = palette.line;
    ctx.fillRect(x, height - 5, 1, 5);
    const word = tickWord(at, step);
    const wide = ctx.measureText(word).width;
    ctx.fillStyle = palette.muted;
    if (x + 4 + wide <= width) ctx.fillText(word, x + 4, height / 2);
  }
}

/** What of the worst there is in each pixel of the overview. It changes only with its width. */
const overview = { columns: [], width: 0 };

function worstByPixel(width) {
  const pixels = Math.max(1, Math.round(width));
  const columns = lanes.map(() => new Int8Array(pixels).fill(-1));
  const scale = pixels / (range.until - range.from);
  lanes.forEach((lane, row) => {
    const put = (from, until, word) => {
      const weight = weightOf(word);
      const first = Math.max(0, Math.floor((from - range.from) * scale));
      const end = Math.min(pixels, Math.max(first + 1, Math.ceil((until - range.from) * scale)));
      for (let x = first; x < end; x += 1) columns[row][x] = Math.max(columns[row][x], weight);
    };
    for (const { stretch, from, until } of lane.stretches) put(from, until, stretch.presence);
    for (const item of lane.items) put(item.from, item.until, item.segment.presence);
  });
  return columns;
}

function drawOverview() {
  const { ctx, width, height } = fitted(byId('overview'));
  if (overview.width !== width) {
    overview.columns = worstByPixel(width);
    overview.width = width;
  }
  const high = Math.max(1, height / Math.max(1, lanes.length));
  overview.columns.forEach((columns, row) => {
    for (let x = 0; x < columns.length; x += 1) {
      if (columns[x] < 0) continue;
      const word = BY_WEIGHT[columns[x]];
      let end = x + 1;
      while (end < columns.length && columns[end] === columns[x]) end += 1;
      const wide = Math.max(end - x, word === 'present' || word === 'never-recorded' ? 1 : 2);
      ctx.fillStyle = palette[word];
      ctx.fillRect(x, row * high, wide, Math.max(1, high - (lanes.length < 12 ? 1 : 0)));
      x = end - 1;
    }
  });
  const scale = width / (range.until - range.from);
  const left = (view.from - range.from) * scale;
  const right = (view.until - range.from) * scale;
  ctx.globalAlpha = 0.72;
  ctx.fillStyle = palette.card;
  ctx.fillRect(0, 0, left, height);
  ctx.fillRect(right, 0, width - right, height);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.accent;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.roundRect(Math.min(left + 1, width - 6), 1, Math.max(4, right - left - 2), height - 2, 4);
  ctx.stroke();
}

function drawLanes() {
  for (const lane of lanes) if (lane.seen) drawLane(lane);
}

function windowWord() {
  if (range.empty || tracks.length === 0) return 'No times are known.';
  const zone = timed ? ` ${zoneWord(view.from)}` : '';
  return `${onLine(Math.round(view.from))} – ${onLine(Math.round(view.until))}${zone}, ${length(Math.round(view.until - view.from))}`;
}

function countInWindow() {
  let count = 0;
  for (const { items } of lanes) for (const item of items) if (item.until >= view.from && item.from <= view.until) count += 1;
  return count;
}

let announcing = 0;

function showWindow() {
  byId('window').textContent = windowWord();
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    byId('lanes').setAttribute('aria-label', `Time line of the tracks, ${windowWord()}`);
  }, 300);
}

function makeLanes() {
  const box = byId('lanes');
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const lane = lanes[Number(entry.target.dataset.lane)];
      lane.seen = entry.isIntersecting;
    }
    redraw();
  }, { rootMargin: '200px' });
  tracks.forEach((track, index) => {
    const canvas = make('canvas', { 'aria-hidden': 'true', 'data-lane': index });
    canvas.style.height = `${MARKS + ROW + (track.hasCopies ? COPY + 4 : 0) + GAP + STRIP}px`;
    const label = make('div', { class: 'label' }, make('b', {}, track.word),
      make('span', {}, plural(track.items.length, 'segment', 'segments')),
      track.track.synthetic ? make('span', { class: 'synthetic' }, 'rebuilt from names') : null);
    box.append(make('div', { class: 'lane' }, label, canvas));
    const byPresence = Object.fromEntries(BY_WEIGHT.map((word) => [word, []]));
    track.items.forEach((item, at) => byPresence[presenceOf(item.segment.presence)].push(at));
    const own = findings.filter((finding) => finding.from !== null
      && (finding.track === index || (finding.track === null && index === 0)));
    lanes.push({
      ...track, canvas, byPresence, findings: own, seen: true, index, drawn: new Float64Array(track.items.length * 5),
    });
    watch.observe(canvas);
  });
  if (tracks.length === 0) {
    box.append(make('p', { class: 'nothing' }, 'No track is known.'));
    byId('time').classList.add('empty');
  }
}

/** The segment under a place of a lane: the worst of those within reach. */
function itemAt(lane, x, y) {
  let best = null;
  let rank = Infinity;
  for (let at = 0; at < lane.items.length; at += 1) {
    if (!lane.drawn[at * 5]) continue;
    const left = lane.drawn[at * 5 + 1];
    const away = Math.max(left - x, x - left - lane.drawn[at * 5 + 3], 0);
    if (away > 3) continue;
    const top = lane.drawn[at * 5 + 2];
    const off = y >= top - 4 && y <= top + lane.drawn[at * 5 + 4] + 4 ? 0 : 50;
    const value = away * 2 + off - weightOf(lane.items[at].segment.presence) * (away < 2 ? 1.5 : 0);
    if (value < rank) [best, rank] = [lane.items[at], value];
  }
  return best;
}

function stretchAt(lane, ms) {
  return lane.stretches.find(({ from, until }) => ms >= from && ms < until) ?? null;
}

/** Makes a segment the one that is spoken of, and moves the window so that it is seen. */
function choose(item, { reveal = true } = {}) {
  chosen.item = item;
  showDetail();
  if (item && reveal && (item.from < view.from || item.until > view.until)) {
    const span = view.until - view.from;
    if (item.until - item.from > span) glide(item.from, item.until);
    else {
      const middle = (item.from + item.until) / 2;
      glide(middle - span / 2, middle + span / 2);
    }
  }
  redraw();
}

/** Where an item is drawn, in the coordinates of the window. */
function boxOf(item) {
  const lane = lanes[item.track];
  const rect = lane.canvas.getBoundingClientRect();
  const [, x, y, width, height] = lane.drawn.subarray(item.index * 5, item.index * 5 + 5);
  return { left: rect.left + x, top: rect.top + y, width, height };
}

/** What was drawn last, read back from the boxes on the canvases. */
function drawnSegments() {
  if (frame) drawNow();
  const back = (ms) => (ms === null ? null : new Date(ms).toISOString());
  const found = [];
  for (const lane of lanes) {
    if (!lane.seen) drawLane(lane);
    lane.items.forEach((item, at) => {
      if (!lane.drawn[at * 5]) return;
      const [, x, y, width, height] = lane.drawn.subarray(at * 5, at * 5 + 5);
      const { segment } = item;
      found.push({
        track: lane.index, number: segment.number, name: segment.name, presence: segment.presence,
        store: segment.store, obstacle: segment.obstacle, failover: segment.failover, size: segment.size,
        duration_ms: segment.duration_ms, starts: back(item.starts), ends: back(item.ends), x, y, width, height,
      });
    });
  }
  return found;
}
