import { Kind } from '@derailed/audience/core';
import { AudienceView } from './audience-view';

/** All audiences that sessions of this node are in, or ask to be in. */
export class Views {
  private readonly guilds = new Map<string, AudienceView>();
  private readonly users = new Map<string, AudienceView>();
  private lastNumber = 0;
  private readonly nextNumber = (): number => ++this.lastNumber;

  constructor(private readonly recentIds: number) {}

  get size(): number {
    return this.guilds.size + this.users.size;
  }

  get(kind: number, id: string): AudienceView | undefined {
    return this.byId(kind).get(id);
  }

  open(kind: Kind, id: string): AudienceView {
    const views = this.byId(kind);
    let view = views.get(id);
    if (view === undefined) {
      view = new AudienceView(kind, id, this.recentIds, this.nextNumber);
      views.set(id, view);
    }
    return view;
  }

  close(view: AudienceView): void {
    const views = this.byId(view.kind);
    if (views.get(view.id) === view) views.delete(view.id);
  }

  *all(): IterableIterator<AudienceView> {
    yield* this.guilds.values();
    yield* this.users.values();
  }

  /** Those that there are now. */
  of(kind: Kind): AudienceView[] {
    return [...this.byId(kind).values()];
  }

  private byId(kind: number): Map<string, AudienceView> {
    return kind === Kind.user ? this.users : this.guilds;
  }
}
