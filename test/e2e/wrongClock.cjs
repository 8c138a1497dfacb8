// Loaded before a program (NODE_OPTIONS=--require): its clock is off by CLOCK_OFF_MS. Timers run as ever.
const off_ms = Number(process.env.CLOCK_OFF_MS);
if (!Number.isFinite(off_ms)) throw new Error('CLOCK_OFF_MS says by how many milliseconds the clock is off');

const Right = Date;
const now = () => Right.now() + off_ms;

globalThis.Date = new Proxy(Right, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new Right(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
