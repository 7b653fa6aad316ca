import { invalidArgument, isSnowflake, type Snowflake } from '@derailed/shared/kernel';

/**
 * Reads the fields of an event's data. A field that is absent is undefined; one of the wrong shape is
 * INVALID_ARGUMENT with its path, such as `data.role.permissions`.
 */
export class Fields {
  private constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly path: string,
  ) {}

  /** @throws CallError INVALID_ARGUMENT when `value` is not an object */
  static of(value: unknown, path: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidArgument(path, 'must be an object');
    }
    return new Fields(value as Readonly<Record<string, unknown>>, path);
  }

  /** As they came. */
  get all(): Readonly<Record<string, unknown>> {
    return this.values;
  }

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }

  object(name: string): Fields {
    return Fields.of(this.values[name], this.at(name));
  }

  id(name: string): Snowflake {
    return this.optionalId(name) ?? this.wrong(name, 'must be a decimal id as text');
  }

  optionalId(name: string): Snowflake | undefined {
    return this.read(name, isSnowflake, 'must be a decimal id as text');
  }

  idOrNull(name: string): Snowflake | null | undefined {
    return this.values[name] === null ? null : this.optionalId(name);
  }

  text(name: string): string | undefined {
    return this.read(name, isText, 'must be text');
  }

  textOrNull(name: string): string | null | undefined {
    return this.values[name] === null ? null : this.text(name);
  }

  integer(name: string): number | undefined {
    return this.read(name, isWhole, 'must be a whole number');
  }

  flag(name: string): boolean | undefined {
    return this.read(name, isFlag, 'must be true or false');
  }

  /** Permission bits: decimal text, or a number where it is exact. */
  permissions(name: string): bigint | undefined {
    const bits = this.read(name, isBits, 'must be permission bits as decimal text');
    return bits === undefined ? undefined : BigInt(bits);
  }

  /** Milliseconds since the Unix epoch. */
  timeOrNull(name: string): number | null | undefined {
    const text = this.textOrNull(name);
    if (text === undefined || text === null) return text;
    const time = Date.parse(text);
    return Number.isNaN(time) ? this.wrong(name, 'must be an ISO 8601 time') : time;
  }

  ids(name: string): Snowflake[] | undefined {
    return this.read(name, isIds, 'must be a list of decimal ids as text');
  }

  objects(name: string): Fields[] | undefined {
    const list = this.read(name, isList, 'must be a list');
    return list?.map((item, at) => Fields.of(item, `${this.at(name)}[${at}]`));
  }

  wrong(name: string, why: string): never {
    throw invalidArgument(this.at(name), why);
  }

  private at(name: string): string {
    return `${this.path}.${name}`;
  }

  private read<T>(name: string, is: (value: unknown) => value is T, why: string): T | undefined {
    const value = this.values[name];
    if (value === undefined) return undefined;
    return is(value) ? value : this.wrong(name, why);
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isBits(value: unknown): value is string | number {
  return typeof value === 'string' ? /^\d{1,20}$/.test(value) : isWhole(value) && value >= 0;
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function isIds(value: unknown): value is Snowflake[] {
  return Array.isArray(value) && value.every(isSnowflake);
}
