import type { AudienceEvent } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import type { ClassView, Reclassing } from './classes';
import type { Outbox } from './outbox';

/** What a session-node was last told of a class. */
interface Told {
  readonly view: ClassView;
  /** Version of the shared part of GUILD_CREATE that it holds for the class; undefined: none. */
  data: number | undefined;
}

/** A class change in the log: it came before the event with index `at`. With a userId it is a move. */
interface Change {
  readonly at: number;
  readonly view: ClassView;
  readonly userId: Snowflake | undefined;
}

/**
 * Keeps the session-nodes' class tables. They travel in the guild's stream, each change before the first event that
 * it governs. A log of the changes lies beside the audience's log of events, so that a node that catches up filters
 * every event by the classes of that event's time.
 */
export class ClassStream {
  private readonly told = new Map<string, Map<number, Told>>();
  /** The number under which a node keeps what it is told. */
  private readonly keptAs = new Map<string, number>();
  /** Nodes that know who is online. */
  private readonly aware = new Set<string>();
  private readonly log: Change[] = [];
  /** Changes before events up to this index may be missing from the log. */
  private forgottenAt = 0;

  constructor(
    private readonly guildId: Snowflake,
    private readonly logSize: number,
    private readonly out: Outbox,
  ) {}

  /** The node knows nothing any more, or what it knows is uncertain. */
  forget(node: string): void {
    this.told.delete(node);
    this.keptAs.delete(node);
    this.aware.delete(node);
  }

  /**
   * The node keeps what it is told under this number. What it was told before, perhaps when it kept nothing, is lost: it is
   * told those classes again, for it may have sessions of them.
   */
  keep(node: string, number: number, at: number): void {
    if (number === 0 || this.keptAs.get(node) === number) return;
    const lost = [...(this.told.get(node)?.values() ?? [])];
    this.forget(node);
    this.keptAs.set(node, number);
    for (const { view } of lost) this.introduce(node, view, at);
  }

  /** The node asks again for what it should have: what it holds of the class is uncertain. */
  doubt(node: string, view: ClassView): void {
    this.told.get(node)?.delete(view.id);
    this.aware.delete(node);
  }

  /** Whether the node knows who is online, and hears of changes since. From now on it does. */
  knowsPresences(node: string): boolean {
    const knows = this.aware.has(node);
    this.aware.add(node);
    return knows;
  }

  /** Changes are not told as long as nobody wants them. */
  forgetPresences(): void {
    this.aware.clear();
  }

  /** Makes sure that the node knows the class before it is mentioned to it. */
  introduce(node: string, view: ClassView, at: number): void {
    const known = this.toldTo(node);
    if (known.get(view.id)?.view === view) return;
    known.set(view.id, { view, data: undefined });
    const { channelIds, permissions, managedIds } = view.sight;
    const value = {
      guildId: this.guildId,
      classId: view.id,
      channelIds: [...channelIds],
      permissions,
      managedChannelIds: [...managedIds],
    };
    this.out.send([node], { $case: 'classTable', value }, at);
  }

  /** Whether the node, which knows the class, holds this version of its shared data. From now on it does. */
  holdsData(node: string, view: ClassView, version: number): boolean {
    const known = this.toldTo(node).get(view.id);
    if (known === undefined) return false;
    const holds = known.data === version;
    known.data = version;
    return holds;
  }

  /**
   * Tells the nodes what concerns them, and remembers it for those that catch up later.
   * @param receiving the nodes that are sent to now
   * @param hosts whether the node has a session of the user
   */
  change(
    { redefined, moved }: Reclassing,
    at: number,
    receiving: Iterable<string>,
    hosts: (node: string, userId: Snowflake) => boolean,
  ): void {
    if (redefined.length === 0 && moved.length === 0) return;
    for (const { after } of redefined) this.remember({ at, view: after, userId: undefined });
    for (const { after, userId } of moved) this.remember({ at, view: after, userId });
    for (const node of receiving) {
      for (const { after } of redefined) {
        if (this.told.get(node)?.has(after.id)) this.introduce(node, after, at);
      }
      for (const { after, userId } of moved) {
        if (hosts(node, userId)) this.move(node, userId, after, at);
      }
    }
  }

  /**
   * Sends what a node has missed, with the class changes between the events. Moves of users who are no longer
   * there are said too: they may have been at the time. False: the changes are no longer all here.
   * @param after the node has everything up to this index
   * @param present the classes of its users now
   * @param next index of the next event
   */
  catchUp(
    node: string,
    after: number,
    events: readonly AudienceEvent[],
    present: Iterable<ClassView>,
    next: number,
  ): boolean {
    if (this.forgottenAt > after) return false;
    this.told.delete(node);
    this.aware.delete(node);
    const changes = this.log.filter(({ at }) => at > after);
    let place = 0;
    const changesUntil = (index: number): void => {
      for (
        let change = changes[place];
        change !== undefined && change.at <= index;
        change = changes[++place]
      ) {
        if (change.userId === undefined) this.introduce(node, change.view, change.at);
        else this.move(node, change.userId, change.view, change.at);
      }
    };
    for (const event of events) {
      changesUntil(event.index);
      this.out.send([node], { $case: 'audienceEvent', value: event }, event.index);
    }
    changesUntil(next);
    for (const view of present) this.introduce(node, view, next);
    return true;
  }

  private move(node: string, userId: Snowflake, view: ClassView, at: number): void {
    this.introduce(node, view, at);
    const value = { guildId: this.guildId, userId, classId: view.id };
    this.out.send([node], { $case: 'reclassed', value }, at);
  }

  private remember(change: Change): void {
    this.log.push(change);
    if (this.log.length < this.logSize * 2) return;
    const dropped = this.log.splice(0, this.log.length - this.logSize);
    this.forgottenAt = dropped.at(-1)?.at ?? this.forgottenAt;
  }

  private toldTo(node: string): Map<number, Told> {
    let known = this.told.get(node);
    if (known === undefined) this.told.set(node, (known = new Map()));
    return known;
  }
}
