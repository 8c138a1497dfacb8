/** What an answer has that Stripe's OpenAPI does not: fields, types, values of an enumeration; and what it lacks. */

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonAt(parent: unknown, name: string): Json | null {
  const value = isJson(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined;
  return isJson(value) ? value : null;
}

function listAt(parent: Json, name: string): readonly unknown[] {
  const value = parent[name];
  return Array.isArray(value) ? value : [];
}

export class OpenApi {
  constructor(private readonly spec: unknown) {}

  version(): string {
    return String(jsonAt(this.spec, 'info')?.['version']);
  }

  /** @returns every way in which `answer` is none of this operation's answers; none when it is one */
  problems(method: string, path: string, status: number, answer: unknown): string[] {
    const operation = jsonAt(this.pathItem(path), method.toLowerCase());
    if (operation === null) return [`Stripe has no ${method} ${path}`];
    const responses = jsonAt(operation, 'responses');
    const response = jsonAt(responses, status === 200 ? '200' : 'default');
    const schema = jsonAt(jsonAt(jsonAt(response, 'content'), 'application/json'), 'schema');
    if (schema === null) return [`Stripe's ${method} ${path} has no answer ${status}`];
    return this.check(answer, schema, '');
  }

  /** The same for an object in a place where the specification allows any, e.g. an event's. */
  problemsOf(name: string, value: unknown): string[] {
    return this.check(value, this.component(name), '');
  }

  private component(name: string): Json {
    const schema = jsonAt(jsonAt(jsonAt(this.spec, 'components'), 'schemas'), name);
    if (schema === null) throw new Error(`The specification has no schema ${name}`);
    return schema;
  }

  private pathItem(path: string): Json | null {
    const paths = jsonAt(this.spec, 'paths') ?? {};
    const given = path.split('/');
    const fits = (template: string): boolean => {
      const wanted = template.split('/');
      return (
        wanted.length === given.length &&
        wanted.every((part, i) => part === given[i] || (part.startsWith('{') && given[i] !== ''))
      );
    };
    return jsonAt(paths, path) ?? jsonAt(paths, Object.keys(paths).find(fits) ?? '');
  }

  private check(value: unknown, schema: Json, at: string): string[] {
    const { $ref: reference } = schema;
    if (typeof reference === 'string') {
      return this.check(value, this.component(reference.replace('#/components/schemas/', '')), at);
    }
    if (value === null) return schema['nullable'] === true ? [] : [`${at}: must not be null`];
    const alternatives = listAt(schema, 'anyOf').filter(isJson);
    if (alternatives.length > 0) return this.fewest(value, alternatives, at);
    const options = listAt(schema, 'enum');
    if (options.length > 0 && !options.includes(value)) {
      return [`${at}: ${JSON.stringify(value)} is none of ${options.join(', ')}`];
    }
    switch (schema['type']) {
      case 'object':
        return isJson(value) ? this.checkObject(value, schema, at) : [`${at}: must be an object`];
      case 'array':
        return Array.isArray(value)
          ? value.flatMap((item, i) => this.check(item, jsonAt(schema, 'items') ?? {}, `${at}[${i}]`))
          : [`${at}: must be an array`];
      case 'integer':
        return Number.isSafeInteger(value) ? [] : [`${at}: must be an integer`];
      case 'string':
      case 'boolean':
      case 'number':
        return typeof value === schema['type'] ? [] : [`${at}: must be a ${schema['type']}`];
      default:
        return [`${at}: the specification says no type that this comparison knows`];
    }
  }

  private fewest(value: unknown, alternatives: readonly Json[], at: string): string[] {
    const tried = alternatives.map((schema) => this.check(value, schema, at));
    return tried.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }

  private checkObject(value: Json, schema: Json, at: string): string[] {
    const properties = jsonAt(schema, 'properties');
    const more = schema['additionalProperties'];
    const missing = listAt(schema, 'required').filter((name) => !Object.hasOwn(value, String(name)));
    const found = missing.map((name) => `${at}.${String(name)}: is missing`);
    for (const [name, inner] of Object.entries(value)) {
      const known = jsonAt(properties, name);
      if (known !== null) found.push(...this.check(inner, known, `${at}.${name}`));
      else if (isJson(more)) found.push(...this.check(inner, more, `${at}.${name}`));
      // An object of which nothing is specified may have anything.
      else if (properties !== null) found.push(`${at}.${name}: Stripe has no such field`);
    }
    return found;
  }
}
