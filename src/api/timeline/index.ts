/**
 * SERVE what happened to one record: `GET /customers/{id}/timeline`, also of a deleted one and of an id that is only reserved.
 * May touch: src/store, src/catalogs, src/core, and the rest of src/api.
 */
import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { isKnown, readTimeline, TIMELINE_KINDS } from '../../store/timeline';
import type { TimelineEntry } from '../../store/timeline';
import { answering, json } from '../answer';
import { idOf, notFound } from '../customers/address';
import { limit } from '../customers/list';
import type { ApiDeps } from '../deps';
import { parseQuery } from '../input';
import { Problem } from '../problem';
import { resource } from '../resource';
import { masked } from './mask';
import { doerOf, wordsOf } from './words';

const FLAGS: Readonly<Record<string, boolean>> = { '1': true, true: true, '0': false, false: false };

export const timelineQuery = z.strictObject({
  limit,
  cursor: z.string().optional().meta({ description: 'The `next_cursor` of the page before.' }),
  mask: z
    .enum(['1', '0', 'true', 'false'], { error: 'It must be 1 or 0.' })
    .transform((text) => FLAGS[text] === true)
    .optional()
    .meta({ description: 'Personal values as `a***@e***.com`.' }),
});

const entryBody = z
  .object({
    seq: z.int().meta({ description: 'Grows; the order in which things happened to this record.' }),
    at: z.iso.datetime({ precision: 3 }),
    kind: z.enum(TIMELINE_KINDS),
    by: z
      .string()
      .meta({ description: '`product`, `operator`, `counterpart`, or the name of a connection.' }),
    connection: z.string().nullable(),
    text: z.string().meta({ description: 'What happened, in plain words and without values.' }),
    version: z.int().nullable().meta({ description: 'After a change; or the version an intent sends.' }),
    run_id: z.string().nullable().meta({ description: 'The workflow run whose look this belongs to.' }),
    request_id: z.string().nullable().meta({ description: "The system's id of the request it answered." }),
    changes: z
      .array(z.object({ name: z.string(), before: z.unknown(), after: z.unknown() }))
      .meta({ description: "On a change the record's fields, else what its link shows." }),
    detail: z.record(z.string(), z.unknown()).meta({ description: 'Ids and codes; differs by kind.' }),
  })
  .meta({ id: 'TimelineEntry' });

export const timelineBody = z
  .object({ data: z.array(entryBody), has_more: z.boolean(), next_cursor: z.string().nullable() })
  .meta({ id: 'Timeline' });

function presentEntry(entry: TimelineEntry): z.output<typeof entryBody> {
  const { seq, kind, connection, version, runId, requestId, detail } = entry;
  return {
    seq,
    at: entry.at.toISOString(),
    kind,
    by: doerOf(entry),
    connection,
    text: wordsOf(entry),
    version,
    run_id: runId,
    request_id: requestId,
    changes: Object.entries(entry.changes).map(([name, [before, after]]) => ({ name, before, after })),
    detail,
  };
}

function readCursor(text: string): number {
  const seq = /^\d{1,15}$/.test(text) ? Number(text) : null;
  if (seq === null) {
    throw new Problem('cursor_invalid', 'Send `next_cursor` as it was given, or start without one.');
  }
  return seq;
}

function readTimelineOf({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    const query = parseQuery(timelineQuery, request.url);
    const { limit: size, cursor, mask = false } = query;
    const before = cursor === undefined ? null : readCursor(cursor);
    // One entry more than asked for tells whether there is another page.
    const found = await readTimeline(database, id, { limit: size + 1, before });
    if (found.length === 0 && !(await isKnown(database, id))) throw notFound();
    const page = found.slice(0, size);
    const next = found.length > page.length ? String(page.at(-1)?.seq) : null;
    const params = new URLSearchParams({
      limit: String(size),
      cursor: next ?? '',
      ...(mask ? { mask: '1' } : {}),
    });
    const headers =
      next === null ? {} : { Link: `</customers/${id}/timeline?${params.toString()}>; rel="next"` };
    const data = page.map((entry) => presentEntry(mask ? masked(entry) : entry));
    return json(200, { data, has_more: next !== null, next_cursor: next }, headers);
  });
}

export function routeTimeline(router: Router, deps: ApiDeps): void {
  resource(router, '/customers/:id/timeline', { get: readTimelineOf(deps) });
}
