import {
  type ConfigTree,
  type Settings,
  describeConfig,
  loadConfig,
  printConfig,
  readDoorTls,
} from '@derailed/platform/config';
import { CLUSTER, type Cluster, type Role } from '@derailed/platform/cluster';
import { MESH, type Mesh } from '@derailed/platform/mesh';
import {
  AdminModule,
  type Logger,
  METRICS,
  READINESS,
  Readiness,
  type Registry,
  createLogger,
  createRegistry,
} from '@derailed/platform/observability';
import { OperatorError } from '@derailed/shared/kernel';
import { type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Assembly, Door } from './assembly';
import { parseCommandLine, usage } from './command-line';
import { Drain } from './drain';
import { nestLogger } from './nest-logger';
import { type NodeLinks, openLinks } from './links';
import { checkCertificates, claimPorts, closedSections, sayPortInUse } from './ports';
import type { BaseSettings, LinkConfig } from './settings';
import { systemClock, systemRng } from './system';
import { CLOCK, DRAIN, LOGGER, RNG } from './tokens';
import { version } from './version';

/** What an app can build on while it puts itself together. */
export interface NodeContext {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly readiness: Readiness;
  readonly drain: Drain;
}

export interface AppDefinition<S extends Settings> {
  readonly name: string;
  readonly settings: S & BaseSettings;
  /** The roles of an app that has no choice; `gateway` takes ROLES. */
  readonly roles?: readonly Role[];
  /** Sections that have a `listen` which this run does not open. */
  readonly closed?: (config: ConfigTree<S & BaseSettings>) => readonly string[];
  readonly assemble: (
    config: ConfigTree<S & BaseSettings>,
    node: NodeContext,
  ) => Assembly | Promise<Assembly>;
}

@Module({})
class PlatformModule {
  static of(node: NodeContext, mesh: Mesh | undefined, cluster: Cluster | undefined): DynamicModule {
    const values: [symbol, unknown][] = [
      [CLOCK, systemClock],
      [RNG, systemRng],
      [LOGGER, node.logger],
      [METRICS, node.metrics],
      [READINESS, node.readiness],
      [DRAIN, node.drain],
      [MESH, mesh],
      [CLUSTER, cluster],
    ];
    const providers = values.map(([provide, useValue]) => ({ provide, useValue }));
    return { module: PlatformModule, global: true, providers, exports: values.map(([token]) => token) };
  }
}

/**
 * Runs an app from its command line to its end: configuration, doors, modules, signals. An OperatorError becomes one
 * sentence on standard error and exit code 1. SIGTERM and SIGINT stop the app in order and exit with 0.
 */
export async function run<S extends Settings>(app: AppDefinition<S>): Promise<void> {
  try {
    await start(app, process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`${app.name}: ${error.message}\n`);
    process.exit(1);
  }
}

async function start<S extends Settings>(
  app: AppDefinition<S>,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const line = parseCommandLine(args);
  const variables = { ...environment, ...line.overrides };
  if (line.help) return void process.stdout.write(usage(app.name));
  if (line.version) return void process.stdout.write(`${version}\n`);
  const loaded = loadConfig(app.settings, variables);
  if (line.printConfig)
    return void process.stdout.write(printConfig(describeConfig(app.settings, loaded, variables)));

  const closed = closedSections(loaded, app.closed?.(loaded) ?? []);
  checkCertificates(app.settings, loaded, closed);
  const config = await claimPorts(app.settings, loaded, closed);
  const base = config as unknown as ConfigTree<BaseSettings>;
  const node: NodeContext = {
    logger: createLogger(app.name, base.log),
    metrics: createRegistry(app.name),
    readiness: new Readiness(),
    drain: new Drain(),
  };
  const links = 'link' in config ? openLinks(config as unknown as LinkConfig, app.roles, node) : undefined;
  const assembly = await app.assemble(config, node);
  const nest = await startNest(assembly, base, node, links).catch((error: unknown) => {
    throw sayPortInUse(error, app.settings, config, closed);
  });
  stopOnSignal(node, async () => {
    if (links?.cluster.holdsLease() === true) await links.drain();
    await nest.close();
    await links?.close();
    await assembly.close?.();
  });
  if (links !== undefined) await join(app.name, links, node.readiness);
  announce(app, base, assembly, links);
  node.readiness.release('start');
}

/** Makes the node a member, however long that takes; /readyz says what is in the way. */
async function join(name: string, { cluster, greet }: NodeLinks, readiness: Readiness): Promise<void> {
  cluster.onTrouble((why) => {
    if (why === undefined) readiness.release('cluster');
    else if (!cluster.holdsLease()) readiness.hold('cluster', why);
  });
  // Others own its keys by now, and serve them: whatever it still did would be done twice.
  cluster.onLost((why) => {
    process.stderr.write(`${name}: ${why}: this node is no member any more, and stops.\n`);
    process.exit(1);
  });
  await cluster.join();
  await greet();
  await cluster.become('serving');
}

async function startNest(
  assembly: Assembly,
  { admin }: ConfigTree<BaseSettings>,
  node: NodeContext,
  links: NodeLinks | undefined,
): Promise<INestApplication> {
  const root: DynamicModule = {
    module: class AppModule {},
    imports: [
      PlatformModule.of(node, links?.mesh, links?.cluster),
      AdminModule.forRoot(admin),
      ...assembly.modules,
    ],
  };
  const tls = readDoorTls('ADMIN', admin);
  const nest = await NestFactory.create(root, new ExpressAdapter(), {
    logger: nestLogger(node.logger),
    abortOnError: false,
    ...(tls && { httpsOptions: { ...tls, requestCert: tls.ca !== undefined } }),
  });
  assembly.prepare?.(nest);
  for (const options of assembly.microservices ?? []) nest.connectMicroservice(options);
  await nest.init();
  await links?.listen();
  await nest.startAllMicroservices();
  await nest.listen(admin.listen.port, admin.listen.host);
  return nest;
}

function announce<S extends Settings>(
  { name }: AppDefinition<S>,
  { admin }: ConfigTree<BaseSettings>,
  { doors, notes }: Assembly,
  links: NodeLinks | undefined,
): void {
  const { host, port } = admin.listen;
  const all: Door[] = [
    ...(doors ?? []),
    ...(links?.door === undefined ? [] : [links.door]),
    {
      name: 'admin',
      at: `${admin.tlsCert === undefined ? 'http' : 'https'}://${host}:${port} (/healthz, /readyz, /metrics)`,
    },
  ];
  const width = Math.max(...all.map((door) => door.name.length));
  const lines = [
    `${name} ${version} is ready.`,
    ...all.map((door) => `  ${door.name.padEnd(width)}  ${door.at}`),
    ...(notes ?? []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function stopOnSignal(node: NodeContext, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    node.logger.info({ signal }, 'stopping');
    node.readiness.hold('stop', 'the node is stopping');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        node.logger.error({ error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
