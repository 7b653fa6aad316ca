import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import type { MicroserviceOptions } from '@nestjs/microservices';

/** A door as the start prints it. */
export interface Door {
  readonly name: string;
  /** A URL, or HOST:PORT. */
  readonly at: string;
}

/** An app, or a part of one, put together: a list of modules, and what Nest must connect for them. */
export interface Assembly {
  readonly modules: readonly (DynamicModule | Type)[];
  readonly microservices?: readonly MicroserviceOptions[];
  /** Called before the app starts, for a WebSocket adapter. */
  readonly prepare?: (app: INestApplication) => void;
  readonly doors?: readonly Door[];
  /** Printed under the doors. */
  readonly notes?: readonly string[];
  /** Runs after everything else has stopped. */
  readonly close?: () => Promise<void>;
}

/** Several parts as one app; they close in reverse. */
export function combine(parts: readonly Assembly[]): Assembly {
  return {
    modules: parts.flatMap(({ modules }) => modules),
    microservices: parts.flatMap(({ microservices }) => microservices ?? []),
    prepare: (app) => {
      for (const part of parts) part.prepare?.(app);
    },
    doors: parts.flatMap(({ doors }) => doors ?? []),
    notes: parts.flatMap(({ notes }) => notes ?? []),
    close: async () => {
      for (const part of [...parts].reverse()) await part.close?.();
    },
  };
}
