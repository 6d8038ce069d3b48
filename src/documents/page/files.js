// Plain tables: stores, playlists, orphans, other files, and the stretches of the time line.

const ROWS = 50;

/** A table whose rows are made fifty at first and more on demand. */
function plainTable(caption, headers, rows, cells) {
  const body = make('tbody');
  const more = make('button', { type: 'button', class: 'more' });
  let shown = 0;
  const extend = (count) => {
    const goal = Math.min(shown + count, rows.length);
    const fresh = [];
    for (; shown < goal; shown += 1) {
      fresh.push(make('tr', {}, cells(rows[shown]).map((cell, at) => make('td', { class: headers[at][1] ?? '' }, cell ?? '–'))));
    }
    body.append(...fresh);
    const left = rows.length - shown;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(left, 500).toLocaleString('en')} more of ${left.toLocaleString('en')}`;
  };
  more.addEventListener('click', () => extend(500));
  extend(ROWS);
  return make('div', { class: 'plain' },
    make('table', {},
      make('caption', {}, caption, ' ', make('span', { class: 'times' }, rows.length.toLocaleString('en'))),
      make('thead', {}, make('tr', {}, headers.map(([word, kind]) => make('th', { scope: 'col', class: kind ?? '' }, word)))),
      body),
    more);
}

function presenceMark(word) {
  const known = presenceOf(word);
  return make('span', { class: `presence ${known}` }, icon(PRESENCES[known].icon), PRESENCES[known].word);
}

function showFiles() {
  const box = byId('file-tables');
  const tables = [plainTable('Stores', [['Name'], ['What it is'], ['Role'], ['Objects', 'number'], ['Problem']], check.stores,
    (store) => [store.name, store.description, store.role === 'own' ? 'the recording’s own' : store.role,
      store.objects === null ? null : store.objects.toLocaleString('en'), store.problem])];
  const file = (each) => [make('span', { class: 'mono' }, each.key), bytes(each.size), moment(millis(each.modified)), presenceMark(each.presence)];
  const headers = [['Key'], ['Size', 'number'], ['Changed', 'number'], ['Where']];
  for (const [caption, files] of [['Playlists', check.playlists], ['Slices that no playlist lists', check.orphans], ['Other files', check.others]]) {
    if (files.length) tables.push(plainTable(caption, headers, files, file));
  }
  box.replaceChildren(...tables.map((each) => {
    const scroll = make('div', { class: 'scroll', tabindex: '0', role: 'region' }, each);
    scroll.setAttribute('aria-label', each.querySelector('caption').textContent);
    return scroll;
  }));
}

function showStretches() {
  const rows = tracks.flatMap((track) => track.stretches.map((each) => ({ track, ...each })));
  byId('stretches').hidden = rows.length === 0;
  byId('stretch-rows').replaceChildren(plainTable('Every moment of each track',
    [['Track'], ['From', 'number'], ['Until', 'number'], ['Length', 'number'], ['Where'], ['Store']], rows,
    ({ track, stretch, from, until }) => [track.word, onLine(from), onLine(until), length(until - from), presenceMark(stretch.presence), stretch.store]));
}

/** On paper stand the segments that are not simply there; a table that scrolls cannot be printed. */
function showPrint() {
  // Nobody can press a button of a sheet of paper.
  for (const group of shownGroups) grow(group, 1000);
  const wanted = table.all.filter((item) => item.segment.presence !== 'present' || item.findings.length || item.segment.obstacle !== null);
  const headers = COLUMNS.map((column) => [column.word, column.number ? 'number' : '']);
  const rows = wanted.slice(0, 2000);
  const left = wanted.length - rows.length;
  const printed = plainTable('Segments that are not simply there', headers, rows, (item) => COLUMNS.map((column) => column.text(item)));
  printed.querySelector('.more').remove();
  const body = printed.querySelector('tbody');
  for (const item of rows.slice(ROWS)) body.append(make('tr', {}, COLUMNS.map((column) => make('td', {}, column.text(item)))));
  byId('print-rows').replaceChildren(wanted.length ? printed : make('p', {}, 'Every segment is simply there.'),
    left ? make('p', {}, `${left.toLocaleString('en')} more are left out here.`) : '');
}
