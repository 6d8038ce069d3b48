// How the time line is moved and asked: buttons, wheel, fingers, keys, and what it answers.

function segmentWords(item) {
  const { segment } = item;
  const words = [['Presence', PRESENCES[presenceOf(segment.presence)].word + (segment.store ? `: ${segment.store}` : '')]];
  const times = item.starts === null && item.ends === null ? 'no time'
    : `${item.starts === null ? '?' : onLine(item.starts)} – ${item.ends === null ? '?' : onLine(item.ends)}`;
  words.push(['Time', times]);
  if (segment.duration_ms !== null) words.push(['Plays', length(segment.duration_ms)]);
  words.push(['Size', segment.size === null ? 'not known'
    : bytes(segment.size) + (item.rate === null ? '' : ` (${bytes(item.rate)}/s)`)]);
  if (segment.obstacle) words.push(['Obstacle', segment.obstacle]);
  if (segment.failover !== null) words.push(['Listed by', `failover copy ${segment.failover}`]);
  const { media } = segment;
  if (media) {
    const seen = [media.codec, media.picture, media.frames === null ? null : plural(media.frames, 'picture', 'pictures'),
      media.starts_with_key_frame === false ? 'no key frame at its start' : null,
      media.silent ? 'silent' : null, media.plays_ms === null ? null : `plays ${length(media.plays_ms)}`];
    const text = seen.filter(Boolean).join(', ');
    if (text) words.push(['Media', text]);
    if (media.wrong) words.push(['Wrong', media.wrong]);
  }
  return words;
}

function wordList(words) {
  return make('dl', { class: 'words' }, words.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
}

function segmentTitle(item) {
  const track = tracks.length > 1 ? `${tracks[item.track].word} ` : '';
  return `${track}#${item.segment.number}`;
}

/** What is said of the segment that was chosen, with the ways to its finding and its row. */
function showDetail() {
  const box = byId('detail');
  const { item } = chosen;
  if (!item) {
    box.replaceChildren(make('p', { class: 'hint' }, tracks.length ? 'Choose a segment to see what is known of it.' : ''));
    return;
  }
  const buttons = item.findings.slice(0, 3).map((finding) => make('button', {
    type: 'button', on: { click: () => goToFinding(finding) },
  }, icon(SEVERITIES[severityOf(finding.diagnosis.severity)].icon), `${finding.diagnosis.code} ${finding.diagnosis.rule}`));
  buttons.push(make('button', { type: 'button', on: { click: () => goToRow(item) } }, 'Row in the table'));
  box.replaceChildren(
    make('div', { class: 'chosen' },
      make('p', { class: 'name' }, make('span', { class: `swatch ${presenceOf(item.segment.presence)}`, 'aria-hidden': 'true' }),
        make('b', {}, segmentTitle(item)), ' ', make('span', { class: 'mono' }, item.segment.name)),
      wordList(segmentWords(item))),
    make('div', { class: 'ways' }, buttons));
}

const tip = byId('tip');

function showTip(children, x, y) {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(8, Math.min(x + 14, room - width - 8))}px`;
  tip.style.top = `${y + 20 + height > window.innerHeight ? Math.max(8, y - height - 14) : y + 20}px`;
}

function hideTip() {
  tip.hidden = true;
}

function tipOf(item) {
  const children = [
    make('p', { class: 'name' }, make('b', {}, segmentTitle(item)), ' ', make('span', { class: 'mono' }, item.segment.name)),
    wordList(segmentWords(item)),
  ];
  for (const { diagnosis } of item.findings.slice(0, 3)) {
    children.push(make('p', { class: `finding ${severityOf(diagnosis.severity)}` },
      icon(SEVERITIES[severityOf(diagnosis.severity)].icon), `${diagnosis.code} ${diagnosis.text}`));
  }
  return children;
}

function tipAt(lane, event) {
  const rect = lane.canvas.getBoundingClientRect();
  const x = event.clientX - rect.left;
  const item = itemAt(lane, x, event.clientY - rect.top);
  if (item) {
    showTip(tipOf(item), event.clientX, event.clientY);
    return;
  }
  const ms = view.from + (x / rect.width) * (view.until - view.from);
  const there = stretchAt(lane, ms);
  if (!there) {
    hideTip();
    return;
  }
  const word = PRESENCES[presenceOf(there.stretch.presence)].word;
  showTip([make('p', { class: 'name' }, make('b', {}, word), tracks.length > 1 ? ` (${lane.word})` : ''),
    wordList([['Time', `${onLine(there.from)} – ${onLine(there.until)}`], ['Length', length(there.until - there.from)]])],
  event.clientX, event.clientY);
}

/** The segment nearest to the middle of the window. */
function middleItem(lane) {
  const middle = (view.from + view.until) / 2;
  let best = null;
  for (const item of lane.items) {
    const away = Math.max(item.from - middle, middle - item.until, 0);
    if (best === null || away < best.away) best = { item, away };
  }
  return best && best.item;
}

function spoken(item) {
  const words = segmentWords(item).map(([, value]) => value).join(', ');
  const found = item.findings.map(({ diagnosis }) => `${diagnosis.code} ${diagnosis.text}`).join('; ');
  return `${segmentTitle(item)}, ${words}${found ? `. ${found}` : ''}`;
}

function step(by) {
  const current = chosen.item;
  const lane = lanes[current ? current.track : 0];
  if (!lane || lane.items.length === 0) return;
  const next = current ? lane.items[Math.min(Math.max(current.index + by, 0), lane.items.length - 1)] : middleItem(lane);
  choose(next);
  hideTip();
  say(spoken(next));
}

function stepTrack(by) {
  const current = chosen.item;
  const from = current ? current.track + by : 0;
  const lane = lanes[Math.min(Math.max(from, 0), lanes.length - 1)];
  if (!lane || lane.items.length === 0) return;
  const at = current ? current.from : (view.from + view.until) / 2;
  let best = lane.items[0];
  for (const item of lane.items) if (Math.abs(item.from - at) < Math.abs(best.from - at)) best = item;
  choose(best);
  lane.canvas.scrollIntoView({ block: 'nearest' });
  say(spoken(best));
}

const SAY_WINDOW = () => say(`${windowWord()}, ${plural(countInWindow(), 'segment', 'segments')}`);

function onKey(event) {
  if (event.altKey || event.metaKey || event.ctrlKey) return;
  const keys = {
    '+': () => { zoom(0.5, chosen.item ? (chosen.item.from + chosen.item.until) / 2 : undefined); SAY_WINDOW(); },
    '=': () => keys['+'](),
    '-': () => { zoom(2); SAY_WINDOW(); },
    Home: () => { glide(range.from, range.until); say('All of the time line'); },
    ArrowLeft: () => (event.shiftKey ? (pan(-0.25), SAY_WINDOW()) : step(-1)),
    ArrowRight: () => (event.shiftKey ? (pan(0.25), SAY_WINDOW()) : step(1)),
    ArrowUp: () => stepTrack(-1),
    ArrowDown: () => stepTrack(1),
    Escape: () => { hideTip(); choose(null); },
    Enter: () => {
      const { item } = chosen;
      if (!item) step(0);
      else if (item.findings.length) goToFinding(item.findings[0]);
      else goToRow(item);
    },
  };
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
}

/** Dragging with one pointer moves the window, two fingers zoom it. */
function onPointers() {
  const box = byId('lanes');
  const down = new Map();
  let moved = false;
  const timeAt = (x, rect) => view.from + ((x - rect.left) / rect.width) * (view.until - view.from);
  const rectOf = () => byId('axis').getBoundingClientRect();
  box.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !(event.target instanceof HTMLCanvasElement)) return;
    down.set(event.pointerId, { x: event.clientX, lane: event.target.dataset.lane });
    moved = false;
  });
  box.addEventListener('pointermove', (event) => {
    const own = down.get(event.pointerId);
    if (!own) {
      const lane = event.target.dataset && lanes[event.target.dataset.lane];
      if (lane && event.pointerType !== 'touch') tipAt(lane, event);
      else hideTip();
      return;
    }
    const rect = rectOf();
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (others.length) {
      const other = others[0].x;
      const before = Math.max(20, Math.abs(own.x - other));
      const after = Math.max(20, Math.abs(event.clientX - other));
      zoom(before / after, timeAt((own.x + other) / 2, rect));
      moved = true;
    } else if (moved || Math.abs(event.clientX - own.x) > 3) {
      if (!moved) box.setPointerCapture(event.pointerId);
      moved = true;
      const by = ((own.x - event.clientX) / rect.width) * (view.until - view.from);
      show(view.from + by, view.until + by);
      hideTip();
    } else {
      return;
    }
    own.x = event.clientX;
  });
  const up = (event) => {
    const own = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (!own || moved || event.type !== 'pointerup' || own.lane === undefined) return;
    const lane = lanes[own.lane];
    const rect = lane.canvas.getBoundingClientRect();
    choose(itemAt(lane, event.clientX - rect.left, event.clientY - rect.top), { reveal: false });
  };
  box.addEventListener('pointerup', up);
  box.addEventListener('pointercancel', up);
  box.addEventListener('pointerleave', hideTip);
  box.addEventListener('wheel', (event) => {
    const turned = event.ctrlKey || event.metaKey || document.activeElement === box;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || (event.shiftKey && turned)) {
      event.preventDefault();
      pan((event.deltaX || event.deltaY) / rectOf().width);
    } else if (turned) {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY * lines)) * 0.003), timeAt(event.clientX, rectOf()));
    }
  }, { passive: false });
}

/** The overview moves the window: its middle, or one of its ends. */
function onOverview() {
  const canvas = byId('overview');
  let grip = null;
  const at = (event) => {
    const rect = canvas.getBoundingClientRect();
    return { ms: range.from + ((event.clientX - rect.left) / rect.width) * (range.until - range.from), pixel: (range.until - range.from) / rect.width };
  };
  canvas.addEventListener('pointerdown', (event) => {
    const { ms, pixel } = at(event);
    canvas.setPointerCapture(event.pointerId);
    if (Math.abs(ms - view.from) < 7 * pixel) grip = { end: 'from' };
    else if (Math.abs(ms - view.until) < 7 * pixel) grip = { end: 'until' };
    else {
      const inside = ms >= view.from && ms <= view.until;
      grip = { off: inside ? ms - view.from : (view.until - view.from) / 2 };
      if (!inside) show(ms - grip.off, ms + grip.off);
    }
  });
  canvas.addEventListener('pointermove', (event) => {
    const { ms, pixel } = at(event);
    if (!grip) {
      const near = Math.min(Math.abs(ms - view.from), Math.abs(ms - view.until)) < 7 * pixel;
      canvas.style.cursor = near ? 'ew-resize' : 'grab';
    } else if (grip.end === 'from') show(Math.min(ms, view.until - SHORTEST), view.until);
    else if (grip.end === 'until') show(view.from, Math.max(ms, view.from + SHORTEST));
    else show(ms - grip.off, ms - grip.off + (view.until - view.from));
  });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { grip = null; });
}

function makeTools() {
  const tool = (label, name, action) => make('button', {
    type: 'button', class: 'tool', 'aria-label': label, title: label, on: { click: action },
  }, icon(name));
  byId('tools').append(
    tool('Earlier', 'left', () => { pan(-0.5); SAY_WINDOW(); }),
    tool('Later', 'right', () => { pan(0.5); SAY_WINDOW(); }),
    tool('Zoom out', 'minus', () => { zoom(2); SAY_WINDOW(); }),
    tool('Zoom in', 'plus', () => { zoom(0.5); SAY_WINDOW(); }),
    tool('Show all', 'fit', () => { glide(range.from, range.until); say('All of the time line'); }));
}

/** A row of radio buttons that switches something. */
function makeSwitch(id, options, current, change) {
  for (const [value, label] of options) {
    byId(id).append(make('label', {},
      make('input', { type: 'radio', name: id, value, checked: value === current, on: { change: () => change(value) } }),
      make('span', {}, label)));
  }
}

function makeLegend() {
  const used = new Set();
  for (const { items, stretches } of tracks) {
    for (const { segment } of items) used.add(presenceOf(segment.presence));
    for (const { stretch } of stretches) used.add(presenceOf(stretch.presence));
  }
  const severities = new Set(findings.filter(({ from }) => from !== null).map(({ diagnosis }) => severityOf(diagnosis.severity)));
  byId('legend').append(
    ...Object.keys(PRESENCES).filter((word) => used.has(word)).map((word) => make('li', {},
      make('span', { class: `swatch ${word}`, 'aria-hidden': 'true' }), PRESENCES[word].word)),
    ...Object.keys(SEVERITIES).filter((word) => severities.has(word)).map((word) => make('li', { class: word },
      make('span', { class: `sign ${word}`, 'aria-hidden': 'true' }), SEVERITIES[word].word)));
}
