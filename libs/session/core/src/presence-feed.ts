import type { Kit } from './kit';
import type { Session } from './session';

/** Tells the presence-nodes how each session is seen: one message a node, with the guilds that it owns. */
export class PresenceFeed {
  constructor(private readonly kit: Pick<Kit, 'placement' | 'outbox'>) {}

  /** How the session is seen now, in all its guilds. */
  show(session: Session): void {
    session.shown = true;
    this.upsert(session, session.guilds);
  }

  /** The session is no longer seen anywhere. */
  hide(session: Session): void {
    if (!session.shown) return;
    session.shown = false;
    this.clear(session, session.guilds);
  }

  /** The session lives at another node, which shows it. */
  moved({ id: sessionId, userId, shown, guilds }: Session): void {
    if (!shown) return;
    for (const [node, guildIds] of this.owners(guilds))
      this.kit.outbox.send(node, `p:${userId}`, {
        $case: 'presenceMoved',
        value: { guildIds, userId, sessionId },
      });
  }

  joined(session: Session, guildId: string): void {
    // While it moves the other node speaks for it, and the last word is to be that one's.
    if (session.shown && session.waiting === undefined) this.upsert(session, [guildId]);
  }

  left(session: Session, guildId: string): void {
    if (session.shown) this.clear(session, [guildId]);
  }

  /** A presence-node that knows nothing (any more) hears of the session again. */
  repeat(session: Session, node: string): void {
    if (session.shown) this.upsert(session, session.guilds, node);
  }

  private upsert(session: Session, guilds: Iterable<string>, only?: string): void {
    const { id, userId, presence, hop } = session;
    for (const [node, guildIds] of this.owners(guilds)) {
      if (only !== undefined && node !== only) continue;
      this.kit.outbox.send(node, `p:${userId}`, {
        $case: 'presenceUpsert',
        value: { guildIds, userId, sessionId: id, presence, hop },
      });
    }
  }

  private clear({ id, userId }: Session, guilds: Iterable<string>): void {
    for (const [node, guildIds] of this.owners(guilds)) {
      this.kit.outbox.send(node, `p:${userId}`, {
        $case: 'presenceClear',
        value: { guildIds, userId, sessionId: id },
      });
    }
  }

  private owners(guilds: Iterable<string>): Map<string, string[]> {
    const owners = new Map<string, string[]>();
    for (const guildId of guilds) {
      const node = this.kit.placement.ownerOf('presence-node', guildId);
      if (node === undefined) continue;
      const theirs = owners.get(node);
      if (theirs === undefined) owners.set(node, [guildId]);
      else theirs.push(guildId);
    }
    return owners;
  }
}
