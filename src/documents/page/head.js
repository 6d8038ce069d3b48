// The head: what it all comes to, of what, and how much is where.

function fact(name, value, more = {}) {
  return value === null || value === '' ? null
    : make('div', { class: 'fact', ...more }, make('dt', {}, name), make('dd', {}, value));
}

/** One sentence on how much is where. */
function summary() {
  const { totals } = check;
  const parts = [];
  if (totals.segments === 0) {
    parts.push('No segment is known.');
  } else {
    parts.push(`${totals.present.toLocaleString('en')} of ${plural(totals.segments, 'segment', 'segments')} `
      + `${totals.present === 1 ? 'is' : 'are'} in the recording’s own store`);
    const rest = [];
    if (totals.elsewhere) rest.push(`${totals.elsewhere.toLocaleString('en')} only in another store`);
    if (totals.lost) rest.push(`${totals.lost.toLocaleString('en')} lost`);
    if (totals.unknown) rest.push(`${totals.unknown.toLocaleString('en')} not known`);
    if (totals.frozen) rest.push(`${totals.frozen.toLocaleString('en')} archived and not restored`);
    parts[0] += `${rest.map((text) => `, ${text}`).join('')}.`;
  }
  if (bag) {
    parts.unshift(`${bag.segments_verified.toLocaleString('en')} of ${plural(bag.segments, 'segment', 'segments')} and `
      + `${bag.objects_verified.toLocaleString('en')} of ${plural(bag.objects, 'file', 'files')} of all kinds are in this bag and verified.`);
    parts.push('This is how the last fetch found the stores; report.json has the evidence for each file.');
  } else if (Object.hasOwn(DEPTHS, check.depth)) {
    parts.push(DEPTHS[check.depth]);
  }
  return parts.join(' ');
}

function shares() {
  const { totals } = check;
  const times = [
    ['present', totals.present, totals.present_ms], ['elsewhere', totals.elsewhere, totals.elsewhere_ms],
    ['lost', totals.lost, totals.lost_ms], ['unlisted', null, totals.unlisted_ms],
    ['unknown', totals.unknown, totals.unknown_ms], ['never-recorded', null, totals.never_recorded_ms],
  ];
  const shown = times.filter(([word, count, ms]) => count || ms || word === 'present' || word === 'lost');
  const all = times.reduce((sum, [, , ms]) => sum + ms, 0);
  const bar = make('div', { class: 'share', 'aria-hidden': 'true' });
  for (const [word, , ms] of shown) {
    if (!ms) continue;
    const piece = make('span', { class: `swatch ${word}` });
    piece.style.flexGrow = String(ms / all);
    bar.append(piece);
  }
  const list = make('ul', { class: 'totals' });
  for (const [word, count, ms] of shown) {
    list.append(make('li', { class: count || ms ? '' : 'none' },
      make('span', { class: 'what' }, make('span', { class: `swatch ${word}`, 'aria-hidden': 'true' }), PRESENCES[word].word),
      make('span', { class: 'count' }, count === null ? length(ms) : count.toLocaleString('en')),
      make('span', { class: 'time' }, count === null ? 'of time'
        : `${count === 1 ? 'segment' : 'segments'}${ms ? `, ${length(ms)}` : ''}`)));
  }
  return [all ? bar : null, list];
}

function showHead() {
  const word = bag ? bag.outcome : check.standing;
  const known = bag ? OUTCOMES : STANDINGS;
  const standing = Object.hasOwn(known, word) ? known[word] : { word, icon: 'question', tone: 'fair' };
  document.title = `${standing.word}: recording ${check.recording}`;
  byId('mark').replaceChildren(make('b', {}, 'recfetch'), bag ? ' fetch' : ' check');
  const from = millis(check.first);
  const until = millis(check.last);
  const at = millis(check.at);
  const sameDay = from !== null && until !== null && pieces(from).day === pieces(until).day;
  const when = from === null || until === null ? null
    : `${moment(from)} – ${sameDay ? pieces(until).time : moment(until)} ${zoneWord(until)}`;
  byId('head').replaceChildren(
    make('div', { class: `standing ${standing.tone}` },
      make('span', { class: 'badge' }, icon(standing.icon)),
      make('div', {},
        make('h1', { id: 'standing' }, standing.word),
        make('p', { class: 'summary' }, summary()))),
    make('dl', { class: 'facts' },
      fact('Recording', check.recording, { class: 'fact mono' }),
      fact('Channel', check.channel),
      fact('Project', check.app_id, { class: 'fact mono' }),
      fact('Recorder', check.recorder === null ? null : `uid ${check.recorder}`),
      fact('Mode', check.mode === null ? null : Object.hasOwn(MODES, check.mode) ? MODES[check.mode] : check.mode),
      fact('Folder', check.folder, { class: 'fact mono' }),
      fact('Time', when, { class: 'fact wide' }),
      fact('Length', from === null || until === null ? null : length(until - from)),
      fact('Size', check.totals.bytes ? bytes(check.totals.bytes) : null),
      fact('At Agora', check.state === 'untold' ? null : Object.hasOwn(STATES, check.state) ? STATES[check.state] : check.state),
      fact(bag ? 'Fetched' : 'Checked', at === null ? null : `${pieces(at).day} ${pieces(at).time.slice(0, 8)} ${zoneWord(at)}`),
      fact('Exit code', String(bag ? bag.exit_code : check.exit_code))),
    ...shares().filter(Boolean),
  );
  byId('foot').replaceChildren(
    make('p', {}, `Written by ${check.written_by}, format ${check.format}. This page needs no network and sends nothing; `
      + 'the check itself is inside of it, as JSON.'));
}
