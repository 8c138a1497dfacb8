/** Histories that are kept: files of Temporal's own JSON, one event a line, named `<shape>.<day of recording>.json`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as proto from '@temporalio/proto';
import { patchProtobufRoot } from '@temporalio/proto/lib/patch-protobuf-root';
import type { History } from '@temporalio/common/lib/proto-utils';

interface ProtoJson {
  toJson(type: unknown, message: object): { events: Event[] };
  fromJson(type: unknown, json: object, options: { ignoreUnknownFields: boolean }): History;
}

/**
 * `historyToJSON` of @temporalio/common says "type must be a Type" wherever npm gives it another copy of protobufjs than
 * @temporalio/proto has, which made the type; so the same is done here with the copy that belongs to the type.
 */
const { toJson, fromJson } = createRequire(require.resolve('@temporalio/proto'))(
  'protobufjs/ext/protojson',
) as ProtoJson;
const root = patchProtobufRoot(proto) as unknown as { lookupType(name: string): unknown };
const HISTORY = root.lookupType('temporal.api.history.v1.History');

const FOLDER = path.join(__dirname, 'histories');

// oxlint-disable-next-line typescript/no-explicit-any -- events are looked into field by field
export type Event = Record<string, any>;

export interface KeptHistory {
  readonly file: string;
  readonly shape: string;
  readonly events: readonly Event[];
}

/** Who polled stands in many events as `<process>@<machine>`, also inside the name of its sticky queue. */
const MACHINE = /\d+@[\w.-]+?(?=-counterpart|")/g;

/** As Temporal's tools write it, without the name of the machine it was recorded on. */
export function eventsOf(history: History): Event[] {
  const text = JSON.stringify(toJson(HISTORY, proto.temporal.api.history.v1.History.fromObject(history)));
  return (JSON.parse(text.replaceAll(MACHINE, 'worker')) as { events: Event[] }).events;
}

export function keep(shape: string, recorded: string, events: readonly Event[]): void {
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  writeFileSync(path.join(FOLDER, `${shape}.${recorded}.json`), `{"events":[\n${lines}\n]}\n`);
}

/** All that were ever kept, old recordings beside new ones. */
export function keptHistories(): KeptHistory[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => {
      const { events } = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as { events: Event[] };
      return { file, shape: file.split('.')[0]!, events };
    });
}

/** What the worker replays. */
export function historyOf({ events }: Pick<KeptHistory, 'events'>): History {
  return fromJson(HISTORY, { events }, { ignoreUnknownFields: true });
}

/** The whole text, and beside what is encoded in it (payloads are base64) what that says. */
export function readable(events: readonly Event[]): string {
  return JSON.stringify(events, (_key, value: unknown) => {
    if (typeof value !== 'string' || !/^[\w+/]+=*$/.test(value)) return value;
    return `${value} ${Buffer.from(value, 'base64').toString('utf8')}`;
  });
}
