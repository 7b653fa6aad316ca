import type { Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { StateChange } from './change';
import { Classes, type ClassView, type Reclassing } from './classes';
import { GuildState } from './guild-state';
import type { Handover } from './handover';
import { type Sight, Sights } from './sight';

const unchanged: Reclassing = { redefined: [], moved: [] };

/** A loaded guild: its state, and what the subscribed users see of it. */
export class GuildModel {
  state: GuildState;
  /** Counts the changes of what GUILD_CREATE says to everybody. */
  version = 1;
  private sights: Sights;
  private readonly classes = new Classes();
  /** Subscribed users in a timeout, and when (wall ms) it ends. */
  private readonly timeouts = new Map<Snowflake, number>();

  constructor(snapshot: GuildSnapshot | Handover) {
    this.state = new GuildState(snapshot);
    this.sights = new Sights(this.state);
  }

  /** Classes in use. */
  get classCount(): number {
    return this.classes.size;
  }

  /** What the subscribed user sees. */
  viewOf(userId: Snowflake): ClassView | undefined {
    return this.classes.viewOf(userId);
  }

  views(): IterableIterator<ClassView> {
    return this.classes.views();
  }

  /** A member has its first subscriber, or another one. */
  admit(member: Member, wall: number): ClassView {
    const userId = member.user.id;
    if (!this.classes.has(userId)) this.assign(member, wall);
    return this.classes.viewOf(userId) as ClassView;
  }

  /** The user has no subscriber left. @param isShown others are shown it all the same */
  release(userId: Snowflake, isShown: boolean): void {
    this.classes.remove(userId);
    this.timeouts.delete(userId);
    if (!isShown) this.forget(userId);
  }

  /** Nobody is shown the member for its own sake any more. */
  forget(userId: Snowflake): void {
    if (!this.state.complete && !this.classes.has(userId)) this.state.members.delete(userId);
  }

  /** Takes in a change; what it did to the classes. */
  fold(change: StateChange, wall: number): Reclassing {
    const { shared, sight } = this.state.fold(change);
    if (shared) this.version++;
    if (sight === 'nobody') return unchanged;
    if (sight === 'everybody') return this.reassignAll(wall);
    return this.reassignOne(sight.userId, wall);
  }

  /** Goes over to what the database says; every subscribed user is a member there. */
  adopt(state: GuildState, wall: number): Reclassing {
    this.state = state;
    this.version++;
    return this.reassignAll(wall);
  }

  /** Wall time at which the next timeout ends. */
  nextTimeout(): number | undefined {
    let next: number | undefined;
    for (const until of this.timeouts.values()) if (next === undefined || until < next) next = until;
    return next;
  }

  /** Ends the timeouts whose time has come. */
  expireTimeouts(wall: number): Reclassing {
    const moved = [...this.timeouts]
      .filter(([, until]) => until <= wall)
      .flatMap(([userId]) => this.reassignOne(userId, wall).moved);
    return { redefined: [], moved };
  }

  private reassignAll(wall: number): Reclassing {
    this.sights = new Sights(this.state);
    return this.classes.reassign((userId) => {
      const member = this.state.members.get(userId);
      return member && this.sightOf(member, wall);
    });
  }

  private reassignOne(userId: Snowflake, wall: number): Reclassing {
    const member = this.state.members.get(userId);
    if (member === undefined || !this.classes.has(userId)) return unchanged;
    const moved = this.assign(member, wall);
    return moved === undefined ? unchanged : { redefined: [], moved: [moved] };
  }

  private assign(member: Member, wall: number): ReturnType<Classes['assign']> {
    return this.classes.assign(member.user.id, this.sightOf(member, wall));
  }

  private sightOf(member: Member, wall: number): Sight {
    const { communicationDisabledUntil: until } = member;
    if (until !== null && until > wall) this.timeouts.set(member.user.id, until);
    else this.timeouts.delete(member.user.id);
    return this.sights.of(member, wall);
  }
}
