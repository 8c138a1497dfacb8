const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** A running hash of everything that happened: two 32-bit FNV-1a streams (isthe.com/chongo/tech/comp/fnv), cheap at each step. */
export class RunningHash {
  private a = OFFSET;
  private b = OFFSET ^ 0x5bd1e995;

  add(text: string): void {
    let { a, b } = this;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, PRIME);
      b = Math.imul(b + code, 0x85ebca6b) ^ (b >>> 15);
    }
    this.a = Math.imul(a ^ 0x1f, PRIME);
    this.b = b;
  }

  addNumber(value: number): void {
    this.a = Math.imul(this.a ^ value, PRIME);
    this.b = Math.imul(this.b + value, 0x85ebca6b) ^ (this.b >>> 15);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.a, this.b].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
