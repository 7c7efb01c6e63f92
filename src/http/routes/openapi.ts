// The API's description. Answered without the store, to whoever asks.
import { z } from 'zod';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { openApiDocument } from '../openapi/document.ts';
import { gatherRoutes } from '../openapi/routes.ts';

const anything = z.looseObject({ openapi: z.string() });

/** Must be called before the other routes are added: it listens for them. */
export function openApiRoutes(app: HttpApp, { version }: Pick<HttpDependencies, 'version'>): void {
  const routes = gatherRoutes(app);
  // Made when first asked for: all routes are there by then, and starting does not wait for it.
  let document: ReturnType<typeof openApiDocument> | undefined;

  app.get(
    '/openapi.json',
    {
      config: { anyHost: true, open: true },
      schema: {
        doc: { id: 'describeApi', tag: 'health', summary: 'This description of the API' },
        response: { 200: anything },
      },
    },
    async () => (document ??= openApiDocument(routes, version)),
  );
}
