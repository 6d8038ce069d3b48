// The table of segments. Only the rows in sight exist, so that twenty thousand are as quick as twenty.

const COLUMNS = [
  { key: 'number', word: '#', value: (item) => item.segment.number, text: (item) => String(item.segment.number), number: true },
  { key: 'track', word: 'Track', value: (item) => item.track, text: (item) => tracks[item.track].word },
  { key: 'starts', word: 'Starts', value: (item) => item.starts ?? -Infinity, text: (item) => (item.starts === null ? '–' : onLine(item.starts)), number: true },
  { key: 'duration', word: 'Plays', value: (item) => item.segment.duration_ms ?? -1, text: (item) => length(item.segment.duration_ms), number: true },
  { key: 'size', word: 'Size', value: (item) => item.segment.size ?? -1, text: (item) => bytes(item.segment.size), number: true },
  { key: 'rate', word: 'Per second', value: (item) => item.rate ?? -1, text: (item) => (item.rate === null ? '–' : bytes(item.rate)), number: true },
  { key: 'presence', word: 'Where', value: (item) => -weightOf(item.segment.presence), text: whereText },
  { key: 'finding', word: 'Findings', value: (item) => -item.findings.length, text: (item) => item.findings.map(({ diagnosis }) => diagnosis.code).join(' ') },
  { key: 'name', word: 'Name', value: (item) => item.segment.name, text: (item) => item.segment.name },
];

function whereText(item) {
  const { segment } = item;
  const word = segment.presence === 'elsewhere' && segment.store ? `Only in ${segment.store}` : PRESENCES[presenceOf(segment.presence)].word;
  return segment.obstacle ? `${word}, ${segment.obstacle}` : word;
}

const table = { all: [], rows: [], sort: { key: null, down: false }, active: -1, height: 34, body: null, head: null, made: new Map() };

const narrow = window.matchMedia('(max-width: 46rem)');

/** By the value of a column; rows of equal values keep their order. */
function compare(down) {
  const sign = down ? -1 : 1;
  return (a, b) => (a.value < b.value ? -sign : a.value > b.value ? sign : a.at - b.at);
}

/** Filters and sorts once more. */
function refresh({ keep = null } = {}) {
  const text = byId('filter-text').value.trim().toLowerCase();
  const presence = byId('filter-presence').value;
  const track = byId('filter-track').value;
  const number = /^#?\d{1,9}$/.test(text) ? Number(text.replace('#', '')) : null;
  let rows = table.all.filter((item) => (presence === '' || (presence === 'found' ? item.findings.length > 0
    : presence === 'obstacle' ? item.segment.obstacle !== null : presenceOf(item.segment.presence) === presence))
    && (track === '' || item.track === Number(track))
    && (text === '' || item.segment.number === number || item.segment.name.toLowerCase().includes(text)));
  const { key, down } = table.sort;
  if (key !== null) {
    const { value } = COLUMNS.find((column) => column.key === key);
    const keyed = rows.map((item, at) => ({ item, at, value: value(item) }));
    rows = keyed.sort(compare(down)).map(({ item }) => item);
  }
  table.rows = rows;
  table.active = keep ? rows.indexOf(keep) : -1;
  byId('rows-count').textContent = rows.length === table.all.length ? plural(rows.length, 'segment', 'segments')
    : `${rows.length.toLocaleString('en')} of ${plural(table.all.length, 'segment', 'segments')}`;
  layOut();
}

function layOut() {
  table.height = narrow.matches ? 58 : 34;
  table.body.style.height = `${table.rows.length * table.height}px`;
  byId('grid').setAttribute('aria-rowcount', String(table.rows.length + 1));
  table.made.forEach((row) => row.remove());
  table.made.clear();
  byId('grid').classList.toggle('empty', table.rows.length === 0);
  drawRows();
}

function makeRow(item, at) {
  const row = make('div', {
    role: 'row', id: `row-${at}`, class: `row${at === table.active ? ' active' : ''}`, 'aria-rowindex': at + 2, 'aria-selected': String(at === table.active),
  });
  row.style.transform = `translateY(${at * table.height}px)`;
  for (const column of COLUMNS) {
    const cell = make('div', { role: 'gridcell', class: `cell ${column.key}${column.number ? ' number' : ''}` });
    if (column.key === 'presence') {
      const word = presenceOf(item.segment.presence);
      cell.append(make('span', { class: `presence ${word}` }, icon(PRESENCES[word].icon), make('span', {}, column.text(item))));
      cell.title = column.text(item);
    } else if (column.key === 'finding') {
      const weights = item.findings.map(({ diagnosis }) => severityOf(diagnosis.severity));
      const worst = ['loss', 'warning'].find((word) => weights.includes(word));
      if (worst) cell.classList.add(`of-${worst}`);
      cell.append(column.text(item));
    } else if (column.key === 'name') {
      // Names differ at their ends; a long one is cut in its middle, for eyes only.
      const { name } = item.segment;
      const cut = Math.max(0, name.length - 24);
      cell.title = name;
      cell.append(make('span', { class: 'stem' }, name.slice(0, cut)), make('span', { class: 'tail' }, name.slice(cut)));
    } else {
      cell.append(column.text(item));
    }
    row.append(cell);
  }
  row.addEventListener('click', () => activate(at));
  row.addEventListener('dblclick', () => goToItem(item));
  return row;
}

/** Makes the rows that are in sight and drops the others. */
function drawRows() {
  const box = byId('grid');
  const head = table.head.offsetHeight;
  const first = Math.max(0, Math.floor((box.scrollTop - head) / table.height) - 6);
  const last = Math.min(table.rows.length, Math.ceil((box.scrollTop + box.clientHeight) / table.height) + 6);
  for (const [at, row] of table.made) {
    if (at < first || at >= last) {
      row.remove();
      table.made.delete(at);
    }
  }
  const fresh = document.createDocumentFragment();
  for (let at = first; at < last; at += 1) {
    if (table.made.has(at)) continue;
    const row = makeRow(table.rows[at], at);
    table.made.set(at, row);
    fresh.append(row);
  }
  table.body.append(fresh);
  const active = table.active >= first && table.active < last;
  if (active) box.setAttribute('aria-activedescendant', `row-${table.active}`);
  else box.removeAttribute('aria-activedescendant');
}

function activate(at) {
  const before = table.made.get(table.active);
  if (before) {
    before.classList.remove('active');
    before.setAttribute('aria-selected', 'false');
  }
  table.active = at;
  const box = byId('grid');
  const top = at * table.height;
  const head = table.head.offsetHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + table.height + head > box.scrollTop + box.clientHeight) box.scrollTop = top + table.height + head - box.clientHeight;
  drawRows();
  const row = table.made.get(at);
  if (row) {
    row.classList.add('active');
    row.setAttribute('aria-selected', 'true');
  }
  choose(table.rows[at], { reveal: true });
}

function sortBy(key) {
  const { sort } = table;
  sort.down = sort.key === key ? !sort.down : false;
  sort.key = key;
  for (const header of table.head.querySelectorAll('[role=columnheader]')) {
    const own = header.dataset.key === key;
    header.setAttribute('aria-sort', own ? (sort.down ? 'descending' : 'ascending') : 'none');
    header.querySelector('.icon use').setAttribute('href', own && !sort.down ? '#i-up' : '#i-down');
  }
  const keep = table.rows[table.active] ?? null;
  refresh({ keep });
  byId('grid').scrollTop = 0;
  drawRows();
  const { word } = COLUMNS.find((column) => column.key === key);
  say(`Sorted by ${word === '#' ? 'number' : word.toLowerCase()}, ${sort.down ? 'descending' : 'ascending'}`);
}

function onGridKey(event) {
  if (event.target !== byId('grid') || event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, Math.floor(byId('grid').clientHeight / table.height) - 2);
  const last = table.rows.length - 1;
  const goals = {
    ArrowDown: table.active + 1, ArrowUp: table.active - 1, PageDown: table.active + page, PageUp: table.active - page, Home: 0, End: last,
  };
  if (event.key === 'Enter' && table.rows[table.active]) {
    event.preventDefault();
    goToItem(table.rows[table.active]);
  } else if (Object.hasOwn(goals, event.key) && last >= 0) {
    event.preventDefault();
    activate(Math.min(Math.max(goals[event.key], 0), last));
  }
}

/** From a row to its place on the time line. */
function goToItem(item) {
  const around = Math.max((item.until - item.from) * 4, 5000);
  glide(item.from - around, item.until + around);
  choose(item, { reveal: false });
  byId('lanes').focus({ preventScroll: true });
  lanes[item.track].canvas.scrollIntoView({ block: 'center', behavior: smooth() });
  say(spoken(item));
}

/** From the time line to the row of a segment. */
function goToRow(item) {
  if (!table.rows.includes(item)) {
    byId('filter-text').value = '';
    byId('filter-presence').value = '';
    byId('filter-track').value = '';
    refresh();
  }
  const box = byId('grid');
  box.focus({ preventScroll: true });
  const at = table.rows.indexOf(item);
  box.scrollTop = Math.max(0, at * table.height - box.clientHeight / 2);
  activate(at);
  box.scrollIntoView({ block: 'center', behavior: smooth() });
}

function makeTable() {
  table.all = tracks.flatMap(({ items }) => items);
  table.head = make('div', { role: 'rowgroup', class: 'head' }, make('div', { role: 'row', class: 'row', 'aria-rowindex': 1 },
    COLUMNS.map((column) => make('div', {
      role: 'columnheader', class: `cell ${column.key}${column.number ? ' number' : ''}`, 'aria-sort': 'none', 'data-key': column.key,
    }, make('button', { type: 'button', on: { click: () => sortBy(column.key) } }, column.word, icon('down'))))));
  table.body = make('div', { role: 'rowgroup', class: 'rows' });
  const box = byId('grid');
  box.classList.toggle('one-track', tracks.length < 2);
  box.setAttribute('aria-colcount', String(COLUMNS.length));
  box.append(table.head, table.body);
  const presence = byId('filter-presence');
  presence.append(make('option', { value: '' }, 'Everywhere'));
  const used = new Set(table.all.map(({ segment }) => presenceOf(segment.presence)));
  for (const word of Object.keys(PRESENCES)) if (used.has(word)) presence.append(make('option', { value: word }, PRESENCES[word].word));
  if (table.all.some(({ segment }) => segment.obstacle !== null)) presence.append(make('option', { value: 'obstacle' }, 'With an obstacle'));
  if (table.all.some((item) => item.findings.length)) presence.append(make('option', { value: 'found' }, 'With findings'));
  const track = byId('filter-track');
  track.append(make('option', { value: '' }, 'All tracks'));
  tracks.forEach(({ word }, index) => track.append(make('option', { value: index }, word)));
  byId('filter-track-field').hidden = tracks.length < 2;
  for (const id of ['filter-text', 'filter-presence', 'filter-track']) {
    byId(id).addEventListener('input', () => {
      refresh();
      byId('grid').scrollTop = 0;
      drawRows();
      say(byId('rows-count').textContent);
    });
  }
  box.addEventListener('scroll', () => requestAnimationFrame(drawRows), { passive: true });
  box.addEventListener('keydown', onGridKey);
  narrow.addEventListener('change', layOut);
  refresh();
}
