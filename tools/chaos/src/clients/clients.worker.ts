import { seededRng } from '@derailed/shared/kernel';
import { ChaosClient, type ClientPlace } from './chaos-client';
import type { Order, Report } from './messages';

/** A process full of clients; its parent says when they come, and gets what they lived through. */
class ClientProcess {
  private clients: readonly ChaosClient[] = [];
  private place: ClientPlace | undefined;

  handle(order: Order): void {
    switch (order.kind) {
      case 'start':
        this.start(order);
        break;
      case 'count':
        say({ kind: 'count', count: this.count() });
        break;
      case 'finish':
        this.finish();
        break;
    }
  }

  private start({ doors, guilds, clients, seed, events, overMs }: Extract<Order, { kind: 'start' }>): void {
    const place: ClientPlace = {
      doors,
      guilds,
      rng: seededRng(seed),
      longestWay: new Float32Array(events),
    };
    this.place = place;
    this.clients = clients.map((traits) => new ChaosClient(traits, place));
    this.clients.forEach((client, index) =>
      setTimeout(() => client.connect(), (index / this.clients.length) * overMs),
    );
  }

  private count(): Extract<Report, { kind: 'count' }>['count'] {
    const { clients } = this;
    return {
      live: clients.filter((client) => client.isLive).length,
      guilds: clients.reduce((sum, client) => sum + client.guilds, 0),
      events: clients.reduce((sum, client) => sum + client.events, 0),
      banned: clients.flatMap(({ banned }) => banned ?? []),
    };
  }

  private finish(): void {
    const { place } = this;
    for (const client of this.clients) client.leave();
    for (const { sessions } of this.clients)
      for (const session of sessions) say({ kind: 'history', session: session.history() });
    if (place !== undefined) say({ kind: 'finished', longestWay: place.longestWay });
  }
}

function say(report: Report): void {
  process.send?.(report);
}

const clients = new ClientProcess();
process.on('message', (order: Order) => clients.handle(order));
process.on('disconnect', () => process.exit(0));
