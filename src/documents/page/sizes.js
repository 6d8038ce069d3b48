// Bytes per second of each segment: the window is the time line's, the line is the median.

const sizes = { track: 0 };

function middle(sorted) {
  const { length: count } = sorted;
  if (count === 0) return 0;
  return count % 2 ? sorted[(count - 1) / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/** The median of a track, and which segments are far from it: by half of it, and by five times the usual distance. */
function spread(items) {
  const known = items.filter((item) => item.rate !== null);
  const rates = Float64Array.from(known, (item) => item.rate).sort();
  const median = middle(rates);
  const usual = middle(rates.map((rate) => Math.abs(rate - median)).sort());
  const far = new Set(known.filter((item) => Math.abs(item.rate - median) > Math.max(median / 2, usual * 5)));
  const high = rates.length ? rates[Math.min(rates.length - 1, Math.floor(rates.length * 0.98))] : 0;
  return { median, far, known: known.length, top: Math.max(high * 1.15, median * 1.6, 1) };
}

const spreads = tracks.map(({ items }) => spread(items));

function drawSizes() {
  const canvas = byId('sizes');
  const { ctx, width, height } = fitted(canvas);
  const lane = lanes[sizes.track];
  if (!lane) return;
  const { median, far, top } = spreads[sizes.track];
  const scale = width / (view.until - view.from);
  const head = 12;
  const low = height - 1;
  const y = (rate) => low - (Math.min(rate, top) / top) * (low - head);
  ctx.fillStyle = palette.line;
  for (const at of ticks(width).found) ctx.fillRect(Math.round((at - view.from) * scale), head, 1, low - head);
  ctx.fillRect(0, low, width, 1);
  const signs = [];
  for (const item of lane.items) {
    if (item.rate === null) continue;
    const x = (item.from - view.from) * scale;
    let wide = (item.until - item.from) * scale;
    if (x + wide < 0 || x > width) continue;
    if (wide > 4) wide -= 1;
    const outlier = far.has(item);
    ctx.fillStyle = outlier ? palette.warning : palette.present;
    ctx.globalAlpha = outlier ? 1 : 0.55;
    const left = Math.max(x, -8);
    ctx.fillRect(left, y(item.rate), Math.max(outlier ? 2 : 0.6, Math.min(x + wide, width + 8) - left), low - y(item.rate));
    if (outlier) signs.push([x + wide / 2, item.rate]);
  }
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.median;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(0, y(median));
  ctx.lineTo(width, y(median));
  ctx.stroke();
  ctx.setLineDash([]);
  let last = -Infinity;
  for (const [x, rate] of signs) {
    if (x - last < 6) continue;
    last = x;
    const tipY = Math.max(6, y(rate) - 6);
    const up = rate > median;
    ctx.fillStyle = palette.warning;
    ctx.beginPath();
    ctx.moveTo(x, tipY + (up ? -5 : 4));
    ctx.lineTo(x + 4.5, tipY + (up ? 3 : -4));
    ctx.lineTo(x - 4.5, tipY + (up ? 3 : -4));
    ctx.fill();
  }
  if (median > 0) {
    ctx.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const word = `median ${bytes(median)}/s`;
    const wide = ctx.measureText(word).width;
    ctx.fillStyle = palette.card;
    ctx.globalAlpha = 0.88;
    ctx.fillRect(width - wide - 12, y(median) - 18, wide + 12, 15);
    ctx.globalAlpha = 1;
    ctx.fillStyle = palette.ink;
    ctx.textBaseline = 'middle';
    ctx.fillText(word, width - wide - 6, y(median) - 10);
  }
}

function showSizes() {
  const found = spreads[sizes.track];
  const text = !found || found.known === 0 ? 'No sizes are known.'
    : `Median ${bytes(found.median)}/s; ${found.far.size === 0 ? 'no segment is' : plural(found.far.size, 'segment is', 'segments are')} `
      + 'far from it (by more than half of it and five times the usual distance).';
  byId('sizes-text').textContent = text;
  redraw();
}

function makeSizes() {
  const pick = byId('sizes-track');
  tracks.forEach((track, index) => pick.append(make('option', { value: index }, track.word)));
  byId('sizes-pick').hidden = tracks.length < 2;
  pick.addEventListener('change', () => {
    sizes.track = Number(pick.value);
    showSizes();
  });
  const canvas = byId('sizes');
  const found = (event) => {
    const lane = lanes[sizes.track];
    if (!lane) return null;
    const rect = canvas.getBoundingClientRect();
    const ms = view.from + ((event.clientX - rect.left) / rect.width) * (view.until - view.from);
    const near = (2 / rect.width) * (view.until - view.from);
    const { far } = spreads[sizes.track];
    const under = lane.items.filter((item) => item.rate !== null && item.from - near <= ms && item.until + near >= ms);
    return under.find((item) => far.has(item)) ?? under.find((item) => item.from <= ms && item.until >= ms) ?? under[0] ?? null;
  };
  canvas.addEventListener('pointermove', (event) => {
    const item = found(event);
    if (item) showTip(tipOf(item), event.clientX, event.clientY);
    else hideTip();
  });
  canvas.addEventListener('pointerleave', hideTip);
  canvas.addEventListener('click', (event) => choose(found(event), { reveal: false }));
  showSizes();
}
