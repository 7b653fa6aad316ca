import type { DynamicModule, Provider, Type } from '@nestjs/common';

/** What Nest calls a provider by. */
export type Token = string | symbol | Type | Provider['constructor'];

interface Hooks {
  onModuleInit?(): unknown;
  onApplicationBootstrap?(): unknown;
  onModuleDestroy?(): unknown;
  beforeApplicationShutdown?(): unknown;
  onApplicationShutdown?(): unknown;
}

/** In the order in which Nest calls them. */
const starting = ['onModuleInit', 'onApplicationBootstrap'] as const;
const stopping = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'] as const;

/**
 * Puts the providers of a Nest module together without Nest, which takes milliseconds and real turns of the event
 * loop to start: the very module that an app has runs in the simulation. Knows what our modules use: constructor
 * injection of classes and tokens, values and synchronous factories.
 */
export class Injector {
  private readonly made: object[] = [];

  /** @param values what the platform provides globally */
  constructor(private readonly values: Map<unknown, unknown>) {}

  /** @param leaveOut providers that need what is not there */
  load({ providers = [], imports = [] }: DynamicModule, leaveOut: readonly unknown[] = []): void {
    for (const each of imports) this.load(each as DynamicModule, leaveOut);
    const waiting = new Map<unknown, Provider>();
    for (const provider of providers) {
      const token = 'provide' in provider ? (provider.provide as unknown) : provider;
      if (!leaveOut.includes(token)) waiting.set(token, provider);
    }
    for (const token of [...waiting.keys()]) this.resolve(token, waiting);
  }

  get<T>(token: unknown): T {
    if (!this.values.has(token)) throw new Error(`nobody provides ${nameOf(token)}`);
    return this.values.get(token) as T;
  }

  async start(): Promise<void> {
    await this.call(starting);
  }

  async stop(): Promise<void> {
    await this.call(stopping);
  }

  private async call(hooks: readonly (keyof Hooks)[]): Promise<void> {
    for (const hook of hooks) for (const each of this.made) await (each as Hooks)[hook]?.();
  }

  private resolve(token: unknown, waiting: Map<unknown, Provider>): unknown {
    if (this.values.has(token)) return this.values.get(token);
    const provider = waiting.get(token);
    if (provider === undefined) throw new Error(`nobody provides ${nameOf(token)}`);
    waiting.delete(token);
    const value = this.make(provider, (wanted) => this.resolve(wanted, waiting));
    this.values.set(token, value);
    if (typeof value === 'object' && value !== null && !('useValue' in provider)) this.made.push(value);
    return value;
  }

  private make(provider: Provider, resolve: (token: unknown) => unknown): unknown {
    if (typeof provider === 'function') return new provider(...tokensOf(provider).map(resolve));
    if ('useValue' in provider) return provider.useValue as unknown;
    if ('useFactory' in provider)
      return provider.useFactory(...(provider.inject ?? []).map(resolve)) as unknown;
    throw new Error(`a kind of provider that the simulation does not know: ${nameOf(provider)}`);
  }
}

/** What the constructor of an injectable class wants. */
function tokensOf(type: Type): unknown[] {
  const types = (Reflect.getMetadata('design:paramtypes', type) ?? []) as unknown[];
  const named = (Reflect.getMetadata('self:paramtypes', type) ?? []) as { index: number; param: unknown }[];
  const tokens = [...types];
  for (const { index, param } of named) tokens[index] = param;
  return tokens;
}

function nameOf(token: unknown): string {
  return typeof token === 'function' ? token.name : String(token);
}
