import type { Incident, SessionHistory, Violation } from './history';

/** How long what a node had sent may still be on its way to a client. */
const inFlight = 5_000;

export interface Ends {
  readonly violations: readonly Violation[];
  /** Incidents that ended sessions, and how many. */
  readonly endedBy: ReadonlyMap<Incident, number>;
}

/**
 * Sessions may end when a session-node dies: killed, or stopped for longer than its lease; no more of them than it had.
 * Nothing else may end one.
 */
export function judgeEnds(
  sessions: readonly SessionHistory[],
  incidents: readonly Incident[],
  leaseMs: number,
): Ends {
  const deadly = incidents.filter((incident) => isDeadly(incident, leaseMs));
  const endedBy = new Map<Incident, number>();
  const violations: Violation[] = [];
  for (const { client, sessionId, heardAt, end } of sessions) {
    if (end === undefined) continue;
    const cause = deadly.find(
      (incident) =>
        incident.at <= end.at &&
        heardAt <= incident.at + inFlight &&
        (endedBy.get(incident) ?? 0) < (incident.sessions ?? Infinity),
    );
    if (cause !== undefined) endedBy.set(cause, (endedBy.get(cause) ?? 0) + 1);
    else
      violations.push({
        kind: 'ended',
        at: end.at,
        client,
        what: `client ${client}, session ${sessionId} ended (${end.why}), and no session-node had died`,
      });
  }
  return { violations, endedBy };
}

/** Each client has a session in the end, which is in all its guilds. @param guildsOf numbers of the client's guilds */
export function judgeConvergence(
  sessions: readonly SessionHistory[],
  clients: number,
  guildsOf: (client: number) => readonly number[],
  at: number,
): readonly Violation[] {
  const living = new Map(
    sessions.flatMap((session) => (session.end === undefined ? [[session.client, session] as const] : [])),
  );
  const violations: Violation[] = [];
  for (let client = 0; client < clients; client++) {
    const session = living.get(client);
    if (session === undefined) {
      violations.push({ kind: 'stuck', at, client, what: `client ${client} had no session in the end` });
      continue;
    }
    const missing = guildsOf(client).filter((guild) => !session.enteredAt.has(guild));
    if (missing.length > 0)
      violations.push({
        kind: 'stuck',
        at,
        client,
        what: `client ${client}, session ${session.sessionId} never got guilds ${missing.join(', ')}`,
      });
  }
  return violations;
}

function isDeadly({ action, role, at, until }: Incident, leaseMs: number): boolean {
  if (role !== 'session-node') return false;
  // A lease is believed for a second less than it lasts, and renewed every third of it.
  return action === 'kill' || action === 'exit' || (action === 'stop' && until - at > leaseMs / 2);
}
