/** A plan as a short story in plain English, for whoever has to understand a failing seed. */
import type { Fields } from '../../../src/core/fields';
import type { Effect } from './ledger';
import type { Act, Citizen, Deed, Plan, PlannedConnection, Rates, When, WriteHere } from './plan';

const NAMES = ['Ann', 'Ben', 'Cleo', 'Dan'];

export function nameOf(who: number): string {
  return NAMES[who] ?? `No. ${who}`;
}

function valuesIn(fields: Fields): string {
  const told = Object.entries(fields).map(
    ([field, value]) => `${field} ${value === null ? 'nothing' : JSON.stringify(value)}`,
  );
  return told.length === 0 ? 'nothing' : told.join(' and ');
}

function seconds(ms: number): string {
  if (Math.abs(ms) >= 3_600_000) return `${Math.round(ms / 360_000) / 10} h`;
  return Math.abs(ms) >= 1_000 ? `${Math.round(ms / 100) / 10} s` : `${ms} ms`;
}

function moment(when: When): string {
  if (when.kind === 'at') return `After ${seconds(when.ms)}`;
  const { connection, operation, nth, phase } = when;
  const which = nth === 1 ? 'the first' : `${operation} no. ${nth}, a`;
  const state = phase === 'arriving' ? 'is on its way' : 'was done and not yet answered';
  return nth === 1
    ? `While ${which} ${operation} at ${connection} ${state}`
    : `While ${which} call at ${connection}, ${state}`;
}

function written({ does, who, fields }: WriteHere): string {
  const name = nameOf(who);
  switch (does) {
    case 'insert':
      return `${name} is added here with ${valuesIn(fields)}`;
    case 'update':
      return `${name} gets ${valuesIn(fields)} here`;
    case 'remove':
      return `${name} is deleted here`;
    case 'restore':
      return `${name} is restored here with ${valuesIn(fields)}`;
  }
}

function done(deed: Deed): string {
  switch (deed.kind) {
    case 'write here': {
      const writes = deed.writes.map(written).join(', and ');
      if (deed.ends === 'rollback') return `in one transaction that is rolled back: ${writes}`;
      return deed.writes.length > 1 ? `in one transaction: ${writes}` : writes;
    }
    case 'edit there':
      return `${nameOf(deed.who)} gets ${valuesIn(deed.fields)} at ${deed.connection}`;
    case 'plant there':
      return `${nameOf(deed.who)} is added at ${deed.connection} with ${valuesIn(deed.fields)}`;
    case 'erase there':
      return `${nameOf(deed.who)} is deleted at ${deed.connection}`;
    case 'copy mark':
      return `somebody copies ${nameOf(deed.from)}'s mark to ${nameOf(deed.to)} at ${deed.connection}`;
    case 'kill':
      return `${deed.process} is killed, and starts again ${seconds(deed.for_ms)} later`;
    case 'stall':
      return `${deed.process} is stalled for ${seconds(deed.for_ms)}`;
    case 'outage':
      return `${deed.connection} has an outage (${deed.how}) for ${seconds(deed.for_ms)}`;
    case 'fault':
      return `the next ${deed.operation} at ${deed.connection} meets: ${deed.fault}`;
    case 'webhooks lost':
      return `no webhook of ${deed.connection} arrives for ${seconds(deed.for_ms)}`;
    case 'redeliver':
      return `${deed.connection} delivers all its events once more`;
    case 'leap':
      return `${seconds(deed.ms)} pass`;
    case 'skew':
      return `the database's clock is set ${seconds(Math.abs(deed.ms))} ${deed.ms < 0 ? 'back' : 'forward'}`;
    case 'temporal down':
      return `Temporal is away for ${seconds(deed.for_ms)}`;
    case 'temporal wiped':
      return 'Temporal loses everything';
    case 'terminate':
      return `somebody terminates the run of ${nameOf(deed.who)}`;
    case 'sweep':
      return `a sweep of ${deed.connection} is asked for`;
    case 'hint':
      return `an operator asks for a look at ${nameOf(deed.who)}`;
    case 'rest':
      return 'all comes to rest';
  }
}

function toldAct({ when, deed }: Act): string {
  return deed.kind === 'rest' ? 'Then all comes to rest.' : `${moment(when)}: ${done(deed)}.`;
}

function toldCitizen({ who, stands, at, fields, theirs }: Citizen): string {
  const name = nameOf(who);
  switch (stands) {
    case 'paired':
      return `${name} stands on all sides, in sync, with ${valuesIn(fields)}.`;
    case 'here':
      return `${name} stands here alone, with ${valuesIn(fields)}.`;
    case 'there':
      return `${name} stands at ${at} alone, with ${valuesIn(fields)}.`;
    case 'strangers':
      return `${name} stands here with ${valuesIn(fields)}, and at ${at}, unknown to each other, with ${valuesIn(theirs)}.`;
  }
}

function toldConnection(connection: PlannedConnection): string {
  const { name, form, refuses, tellsCause, tellsPrevious, hasEventList, listLag_ms } = connection;
  const traits = [
    ...(form === 'as written' ? [] : [form]),
    ...(refuses ? ['refuses values with #'] : []),
    ...(tellsCause ? [] : ['does not tell causes']),
    ...(tellsPrevious ? [] : ['does not tell previous values']),
    ...(hasEventList ? [] : ['has no event list']),
    ...(listLag_ms === 0 ? [] : [`lists ${seconds(listLag_ms)} late`]),
  ];
  return traits.length === 0 ? '' : `${name} ${traits.join(', ')}.`;
}

function toldRates({ calls, events, deaths, stalls }: Rates): string {
  const percent = (rate: number): string => `${Math.round(rate * 1000) / 10} %`;
  const faults = Object.entries(calls).filter(([, rate]) => rate > 0);
  const told = [
    ...faults.map(([fault, rate]) => `${fault} ${percent(rate)}`),
    ...(['dropped', 'doubled', 'late'] as const).flatMap((what) =>
      events[what] > 0 ? [`events ${what} ${percent(events[what])}`] : [],
    ),
    ...(deaths > 0 ? [`deaths ${percent(deaths)}`] : []),
    ...(stalls > 0 ? [`stalls ${percent(stalls)}`] : []),
  ];
  return told.length === 0 ? '' : `Weather: ${told.join(', ')}.`;
}

/** What happens in a run of this plan, a sentence a line. */
export function tell(plan: Plan): string {
  const { seed, name, schedule, onConflict, onDelete, deleteGuard, connections, workers, held } = plan;
  const title = `${name ?? 'A story'} (seed ${seed}, schedule ${schedule})`;
  const rules = [
    `Conflicts: ${onConflict}; deletions here: ${onDelete}`,
    deleteGuard === null ? '' : `at most ${deleteGuard.count} deletion in ten minutes`,
    `workers ${workers.join(' and ')}`,
    held ? 'nothing is looked at before the last act' : '',
  ];
  return [
    title,
    `${rules.filter(Boolean).join('; ')}.`,
    ...connections.map(toldConnection),
    ...plan.population.map(toldCitizen),
    ...plan.acts.map(toldAct),
    toldRates(plan.rates),
  ]
    .filter(Boolean)
    .join('\n');
}

/** What the remotes saw of it, one effect a line. */
export function tellEffects(effects: readonly Effect[]): string {
  return effects
    .map(({ step, connection, by, does, remoteId, key, values, after, applied, replayed }) => {
      const what = by === 'us' ? valuesIn(values ?? {}) : after === null ? '' : valuesIn(after);
      const how = replayed ? ' (replayed)' : applied ? '' : ' (no effect)';
      const under = key === null ? '' : ` under …${key.slice(-6)}`;
      return `${step}: ${by === 'us' ? 'we' : 'people'} ${does} ${remoteId ?? ''} at ${connection}: ${what}${under}${how}`;
    })
    .join('\n');
}
