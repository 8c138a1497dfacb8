import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Router } from 'express';
import { openApiDocument } from './openapi';
import { resource } from './resource';

const SWAGGER_UI = path.dirname(require.resolve('swagger-ui-dist/package.json'));

/** Everything comes from here, so the page works offline; Swagger UI writes style attributes, hence 'unsafe-inline'. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Counterpart API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
`;

interface File {
  readonly type: string;
  readonly read: () => string | Buffer;
}

function fromSwaggerUi(name: string, type: string): File {
  return { type, read: () => readFileSync(path.join(SWAGGER_UI, name)) };
}

const FILES: Readonly<Record<string, File>> = {
  '/docs': { type: 'text/html; charset=utf-8', read: () => PAGE },
  '/docs/start.js': { type: 'text/javascript; charset=utf-8', read: () => START },
  '/docs/swagger-ui.css': fromSwaggerUi('swagger-ui.css', 'text/css; charset=utf-8'),
  '/docs/swagger-ui-bundle.js': fromSwaggerUi('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
  '/docs/favicon-32x32.png': fromSwaggerUi('favicon-32x32.png', 'image/png'),
};

/** `GET /openapi.json` and the page that shows it, open to everybody. A browser that is sent to `/` finds it too. */
export function routeDocs(router: Router): void {
  resource(router, '/', {
    get: (_request, response) => {
      response.statusCode = 302;
      response.setHeader('Location', '/docs');
      response.end();
    },
  });
  for (const [address, file] of Object.entries(FILES)) {
    resource(router, address, {
      get: (_request, response) => {
        response.setHeader('Content-Security-Policy', PAGE_POLICY);
        response.setHeader('Content-Type', file.type);
        response.end(file.read());
      },
    });
  }
  const document = JSON.stringify(openApiDocument());
  resource(router, '/openapi.json', {
    get: (_request, response) => {
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.end(document);
    },
  });
}
