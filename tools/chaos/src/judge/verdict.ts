import type { PublishLog, SessionHistory, Violation, ViolationKind } from './history';

/** What a client may see of a guild. */
export type Sight = 'nothing' | 'open' | 'all';

/** Compares what was acked with what each session got. */
export function judge(
  log: PublishLog,
  sessions: readonly SessionHistory[],
  sight: (client: number, guild: number) => Sight,
): readonly Violation[] {
  const eventsOf = eventsByGuild(log);
  return sessions.flatMap((session) => judgeSession(log, eventsOf, session, sight));
}

/** Events that never were acked. Publishers go on until each is, so none may be left. */
export function judgeAcks(log: PublishLog): readonly Violation[] {
  const violations: Violation[] = [];
  for (let event = 0; event < log.sentAt.length; event++) {
    const at = log.sentAt[event] ?? 0;
    if (at > 0 && log.ackedAt[event] === 0)
      violations.push({ kind: 'unacked', at, event, what: `event ${event} was sent and has no ack` });
  }
  return violations;
}

function eventsByGuild(log: PublishLog): ReadonlyMap<number, readonly number[]> {
  const events = new Map<number, number[]>();
  for (let event = 0; event < log.guild.length; event++) {
    const guild = log.guild[event] as number;
    const known = events.get(guild);
    if (known === undefined) events.set(guild, [event]);
    else known.push(event);
  }
  return events;
}

/** What was seen of one guild so far. */
interface Track {
  readonly seen: Set<number>;
  first: number;
  last: number;
}

function judgeSession(
  log: PublishLog,
  eventsOf: ReadonlyMap<number, readonly number[]>,
  session: SessionHistory,
  sight: (client: number, guild: number) => Sight,
): readonly Violation[] {
  const violations: Violation[] = [];
  const { client, received } = session;
  const say = (kind: ViolationKind, event: number, how: string): void => {
    const guild = log.guild[event];
    violations.push({
      kind,
      at: log.ackedAt[event] || (log.sentAt[event] ?? 0),
      event,
      client,
      what: `client ${client}, session ${session.sessionId}: event ${event} of guild ${guild ?? '?'} ${how}`,
    });
  };
  for (const { expected, got, at } of session.seqBreaks)
    violations.push({
      kind: 'seq',
      at,
      client,
      what: `client ${client}, session ${session.sessionId}: seq ${got} came where ${expected} was next`,
    });
  for (const event of session.early) say('too early', event, 'came before its GUILD_CREATE');

  const tracks = new Map<number, Track>();
  for (let at = 0; at < received.length; at++) {
    const event = received[at] as number;
    const guild = log.guild[event];
    if (guild === undefined || !(log.sentAt[event] as number)) {
      say('made up', event, 'was never published');
      continue;
    }
    if (!maySee(sight(client, guild), log.closed[event])) say('leaked', event, 'is not for this client');
    const track = tracks.get(guild);
    if (track === undefined) {
      tracks.set(guild, { seen: new Set([event]), first: event, last: event });
    } else if (track.seen.has(event)) {
      say('doubled', event, 'came again');
    } else {
      if (event < track.last) say('out of order', event, `came after event ${track.last}`);
      else track.last = event;
      track.seen.add(event);
    }
  }

  for (const [guild, enteredAt] of session.enteredAt) {
    const seen = sight(client, guild);
    const track = tracks.get(guild);
    // What was published before the session was in belongs to it only if something before that came already.
    const first = track?.first ?? Infinity;
    // What a session that has ended had not passed on is lost with it.
    const last = session.end === undefined ? Infinity : (track?.last ?? -1);
    for (const event of eventsOf.get(guild) ?? []) {
      if (event > last) break;
      const belongs = event >= first || (log.sentAt[event] as number) > enteredAt;
      if (!belongs || log.ackedAt[event] === 0 || !maySee(seen, log.closed[event])) continue;
      if (track?.seen.has(event) !== true) say('lost', event, 'was acked and never came');
    }
  }
  return violations;
}

function maySee(sight: Sight, closed: number | undefined): boolean {
  return sight === 'all' || (sight === 'open' && closed === 0);
}
