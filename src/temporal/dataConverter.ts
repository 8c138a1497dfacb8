import path from 'node:path';

/** The same in client, worker and bundle; a path, because workflows load it inside their sandbox. */
export const DATA_CONVERTER = { failureConverterPath: path.join(__dirname, 'failureConverter') } as const;
