import type { Fields } from './fields';

/** What stands here, seen from one link. */
export type Local =
  /** no row and no tombstone: the record id is only reserved, for an object born in the remote system */
  | { readonly kind: 'none' }
  /** a row that was never agreed with this remote */
  | { readonly kind: 'created'; readonly fields: Fields; readonly version: number }
  /** a row with a base; whether any field differs is for the merge to say */
  | { readonly kind: 'edited'; readonly fields: Fields; readonly version: number }
  | { readonly kind: 'deleted'; readonly fields: Fields; readonly version: number }
  /** a row that came back by an explicit restore, while the link was ending or as a new generation */
  | { readonly kind: 'restored'; readonly fields: Fields; readonly version: number };

/** What stands there. */
export type Remote =
  | { readonly kind: 'none' }
  /** an object that was never agreed with our row */
  | { readonly kind: 'created'; readonly fields: Fields }
  /** an object with a base */
  | { readonly kind: 'edited'; readonly fields: Fields }
  /** deleted by the system's own word: `deleted: true` or a verified event, never a 404 */
  | { readonly kind: 'deleted' }
  /** could not be told */
  | { readonly kind: 'unknown' };

export type LocalKind = Local['kind'];
export type RemoteKind = Remote['kind'];

/** A record as Postgres has it. */
export type LocalRecord =
  | { readonly kind: 'absent' }
  | { readonly kind: 'live'; readonly fields: Fields; readonly version: number }
  | { readonly kind: 'tombstone'; readonly fields: Fields; readonly version: number };

/** The link's part in telling how each side is to be seen. */
export interface LinkView {
  readonly generation: number;
  readonly ending: boolean;
  readonly hasBase: boolean;
  /** Whether an object of this generation is known. What is deleted there then is that one, and not the one before it. */
  readonly hasObject: boolean;
}

/** Names what stands here, in the words of the decision table. */
export function describeLocal(record: LocalRecord, link: LinkView): Local {
  switch (record.kind) {
    case 'absent':
      return { kind: 'none' };
    case 'tombstone':
      return { kind: 'deleted', fields: record.fields, version: record.version };
    case 'live': {
      const restored = link.ending || (link.generation > 1 && !link.hasBase && !link.hasObject);
      const kind = restored ? 'restored' : link.hasBase ? 'edited' : 'created';
      return { kind, fields: record.fields, version: record.version };
    }
  }
}
