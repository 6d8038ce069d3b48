// The findings: those of one rule together, with what the rule means and what to do once.

const FIRST = 5;
const MORE = 200;

/** Findings of the same rule, weight and advice, in the order in which the check gives them. */
function groups() {
  const found = new Map();
  for (const finding of findings) {
    const { code, severity, means, do: remedy } = finding.diagnosis;
    const key = JSON.stringify([code, severity, means, remedy]);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(finding);
  }
  return [...found.values()];
}

const shownGroups = [];

function whenWord(finding) {
  if (finding.from === null) return null;
  const from = onLine(finding.from);
  if (finding.until === null || finding.until <= finding.from) return from;
  return `${from} – ${onLine(finding.until)} (${length(finding.until - finding.from)})`;
}

function findingItem(finding) {
  const { diagnosis } = finding;
  const { about } = diagnosis;
  const facts = [];
  const when = whenWord(finding);
  if (when) facts.push(make('span', { class: 'when' }, when));
  if (finding.track !== null && tracks.length > 1 && tracks[finding.track]) facts.push(make('span', {}, tracks[finding.track].word));
  if (about.segment !== null) facts.push(make('span', {}, `#${about.segment}`));
  if (about.object !== null) facts.push(make('span', { class: 'mono' }, about.object));
  if (about.store !== null) facts.push(make('span', {}, `store ${about.store}`));
  const seen = [];
  if (diagnosis.expected !== null) seen.push(make('div', {}, make('dt', {}, 'Expected'), make('dd', {}, diagnosis.expected)));
  if (diagnosis.found !== null) seen.push(make('div', {}, make('dt', {}, 'Found'), make('dd', {}, diagnosis.found)));
  return make('li', { id: `finding-${finding.index}`, tabindex: '-1' },
    make('div', { class: 'body' },
      make('p', { class: 'text' }, diagnosis.text),
      facts.length ? make('p', { class: 'facts-line' }, facts) : null,
      seen.length ? make('dl', { class: 'seen' }, seen) : null),
    finding.from === null ? null : make('button', {
      type: 'button', class: 'jump', 'aria-label': `Show on the time line: ${diagnosis.text}`,
      on: { click: () => goToTime(finding) },
    }, 'Show'));
}

/** Adds more of a group's findings to its list. */
function grow(group, until) {
  const goal = Math.min(until, group.findings.length);
  const added = [];
  while (group.shown < goal) {
    added.push(findingItem(group.findings[group.shown]));
    group.shown += 1;
  }
  group.list.append(...added);
  const left = group.findings.length - group.shown;
  group.more.hidden = left === 0;
  group.more.textContent = `Show ${Math.min(left, MORE).toLocaleString('en')} more of ${left.toLocaleString('en')}`;
}

function makeGroup(list) {
  const { code, rule, severity, means, do: remedy } = list[0].diagnosis;
  const weight = severityOf(severity);
  const group = { findings: list, shown: 0, list: make('ul', { class: 'found' }), more: make('button', { type: 'button', class: 'more' }) };
  group.more.addEventListener('click', () => {
    const next = group.shown;
    grow(group, group.shown + MORE);
    group.list.children[next]?.focus();
  });
  shownGroups.push(group);
  grow(group, FIRST);
  const words = [];
  if (means) words.push(make('div', {}, make('dt', {}, 'Means'), make('dd', {}, means)));
  if (remedy) words.push(make('div', {}, make('dt', {}, 'Do'), make('dd', {}, remedy)));
  return make('article', { class: `group ${weight}` },
    make('h3', {}, make('span', { class: 'severity' }, icon(SEVERITIES[weight].icon), SEVERITIES[weight].word), ' ',
      make('span', { class: 'rule' }, rule.replaceAll('-', ' ')), ' ', make('span', { class: 'code' }, code),
      list.length > 1 ? make('span', { class: 'times' }, ` × ${list.length.toLocaleString('en')}`) : null),
    words.length ? make('dl', { class: 'advice' }, words) : null,
    group.list, group.more);
}

function showFindings() {
  const counts = Object.entries(SEVERITIES).map(([word, { word: name }]) => {
    const count = findings.filter(({ diagnosis }) => severityOf(diagnosis.severity) === word).length;
    const many = name === 'Loss' ? 'losses' : `${name.toLowerCase()}s`;
    return count ? plural(count, name.toLowerCase(), many) : null;
  });
  byId('findings-count').textContent = counts.filter(Boolean).join(', ');
  const shownBefore = shownGroups.map((group) => group.shown);
  shownGroups.length = 0;
  const box = byId('finding-groups');
  box.replaceChildren(...groups().map(makeGroup));
  shownGroups.forEach((group, index) => grow(group, shownBefore[index] ?? 0));
  if (findings.length > 0) return;
  // Only of what is whole may be said that nothing is wrong.
  const whole = check.standing === 'nothing-missing' && (bag === null || bag.outcome === 'complete');
  box.append(whole ? make('p', { class: 'nothing' }, icon('check'), 'Nothing was found that is wrong or worth knowing.')
    : make('p', { class: 'nothing' }, 'No finding was written down.'));
}

function smooth() {
  return still.matches ? 'auto' : 'smooth';
}

/** From a finding to its place on the time line. */
function goToTime(finding) {
  const least = Math.max((range.until - range.from) / 200, 5000);
  const around = Math.max((finding.until - finding.from) * 2, least);
  glide(finding.from - around, finding.until + around);
  if (finding.item) choose(finding.item, { reveal: false });
  const lane = lanes[finding.track ?? 0];
  byId('lanes').focus({ preventScroll: true });
  (lane ? lane.canvas : byId('lanes')).scrollIntoView({ block: 'center', behavior: smooth() });
  say(`${finding.diagnosis.code} ${finding.diagnosis.text}. On the time line.`);
}

/** And back. */
function goToFinding(finding) {
  const group = shownGroups.find((each) => each.findings.includes(finding));
  if (group) grow(group, group.findings.indexOf(finding) + 1);
  const element = byId(`finding-${finding.index}`);
  if (!element) return;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: 'center', behavior: smooth() });
  for (const old of document.querySelectorAll('.found .current')) old.classList.remove('current');
  element.classList.add('current');
}
