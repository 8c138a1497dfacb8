/** null for a text that is no JSON: files cut short by a power failure, lines cut short by a crash. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
