import { decodeSessionId, sessionRingKey } from '@derailed/shared/protocol';
import type { Entry } from './agenda';
import { close } from './doorstep';
import type { Kit } from './kit';
import type { NodeRef, Resume } from './messages';
import { forwarded, moveFlow } from './move-messages';
import type { Sessions } from './sessions';

interface Search {
  readonly nodes: Set<string>;
  readonly resumes: { readonly value: Resume; readonly gateway: NodeRef }[];
  timer: Entry | undefined;
}

/** How long the others may take to say whether they have a session, in milliseconds. */
const answerWithin = 3_000;
/** Sessions that are looked for at once; past it a client is asked to come again. */
const mostSearches = 16_384;
const mostResumes = 16;

/** Resumes of sessions that are not here, while sessions may be elsewhere: other nodes are asked for them. */
export class StrayResumes {
  private readonly searches = new Map<string, Search>();

  constructor(
    private readonly kit: Kit,
    private readonly sessions: Sessions,
  ) {}

  /**
   * Takes the resume of a session that is not here. False: nobody else may have it.
   * @param isForwarded another node has passed it on: it is not passed on again
   */
  take(value: Resume, gateway: NodeRef, isForwarded: boolean, now: number): boolean {
    const { placement, outbox } = this.kit;
    const place = decodeSessionId(value.sessionId);
    if (place === undefined) return false;
    const owner = placement.ownerOf('session-node', sessionRingKey(place));
    if (owner !== undefined && owner !== placement.self.id && !isForwarded) {
      outbox.send(owner, moveFlow, forwarded({ $case: 'resume', value }, gateway));
      return true;
    }
    return this.search(value, gateway, now);
  }

  /** Somebody has it, and it is on its way. The resumes that waited for it. */
  found(sessionId: string): Search['resumes'] {
    const search = this.searches.get(sessionId);
    if (search === undefined) return [];
    this.end(sessionId, search);
    return search.resumes;
  }

  /** That node does not have it. */
  absent(sessionId: string, node: string, now: number): void {
    const search = this.searches.get(sessionId);
    if (search?.nodes.delete(node) === true && search.nodes.size === 0) this.giveUp(sessionId, search, now);
  }

  /** The member list has changed: whoever is off it has no session any more. */
  review(now: number): void {
    const holders = new Set(this.kit.placement.holders());
    for (const [sessionId, { nodes }] of [...this.searches])
      for (const node of [...nodes]) if (!holders.has(node)) this.absent(sessionId, node, now);
  }

  private search(value: Resume, gateway: NodeRef, now: number): boolean {
    const { sessionId } = value;
    let search = this.searches.get(sessionId);
    if (search === undefined) {
      const nodes = this.kit.placement.holders();
      if (nodes.length === 0) return false;
      if (this.searches.size >= mostSearches) {
        this.sessions.doorstep.refuse(gateway, value.connection, close.tryAgain);
        return true;
      }
      const begun: Search = { nodes: new Set(nodes), resumes: [], timer: undefined };
      begun.timer = this.kit.agenda.add(now + answerWithin, () => this.postpone(sessionId, begun));
      this.searches.set(sessionId, begun);
      for (const node of nodes)
        this.kit.outbox.send(node, moveFlow, { $case: 'sessionWanted', value: { sessionId } });
      search = begun;
    }
    if (search.resumes.length < mostResumes) search.resumes.push({ value, gateway });
    else this.sessions.doorstep.refuse(gateway, value.connection, close.tryAgain);
    return true;
  }

  /** Somebody says nothing who may have it, and may be back: their clients come again. */
  private postpone(sessionId: string, search: Search): void {
    this.end(sessionId, search);
    for (const { value, gateway } of search.resumes)
      this.sessions.doorstep.refuse(gateway, value.connection, close.tryAgain);
  }

  private giveUp(sessionId: string, search: Search, now: number): void {
    this.end(sessionId, search);
    for (const { value, gateway } of search.resumes) this.sessions.resume(value, gateway, now);
  }

  private end(sessionId: string, search: Search): void {
    this.kit.agenda.drop(search.timer);
    this.searches.delete(sessionId);
  }
}
