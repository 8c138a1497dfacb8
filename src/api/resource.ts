import type { RequestHandler, Router } from 'express';
import { Problem } from './problem';

type Method = 'get' | 'post' | 'patch' | 'delete';

/** One path with its methods. Every other method is answered 405 with `Allow`. */
export function resource(
  router: Router,
  path: string,
  methods: Partial<Record<Method, RequestHandler | RequestHandler[]>>,
): void {
  const route = router.route(path);
  const names = Object.keys(methods) as Method[];
  for (const name of names) route[name](methods[name]!);
  const allow = [
    ...names.flatMap((name) => (name === 'get' ? ['GET', 'HEAD'] : [name.toUpperCase()])),
    'OPTIONS',
  ];
  route.all((request, response) => {
    if (request.method !== 'OPTIONS') {
      throw new Problem('method', `Allowed here: ${allow.join(', ')}.`, {
        headers: { Allow: allow.join(', ') },
      });
    }
    response.setHeader('Allow', allow.join(', '));
    response.status(204).end();
  });
}
