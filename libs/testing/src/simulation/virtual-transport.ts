import type { IncomingStream, Transport, Visitor } from '@derailed/platform/mesh';
import { ConnectRequest, type Hello, type Welcome } from '@derailed/shared/contract';
import type { Cancel } from '@derailed/shared/kernel';
import type { ConnectionEnd, VirtualNetwork } from './virtual-network';
import type { VirtualProcess } from './virtual-loop';

/** What a stream's other side says. */
type Answer =
  | { readonly kind: 'welcome'; readonly welcome: Welcome }
  | { readonly kind: 'received'; readonly seq: number };

/** A dead peer of a link is found out within this time (ms). */
const linkKeepalive = 6000;

const serviceOf = (address: string): string => `${address}/link`;

/** Carries the links of a node over a virtual network. Frames are the bytes that gRPC would carry. */
export function virtualTransport(network: VirtualNetwork, process: VirtualProcess): Transport {
  let shut: Cancel | undefined;
  return {
    dial: (address, hello, events) => {
      const end = network.dial(process, serviceOf(address), {
        received: (item) => {
          const answer = item as Answer;
          if (answer.kind === 'welcome') events.welcome(answer.welcome);
          else events.received(answer.seq);
        },
        drained: () => events.drained(),
        closed: (why) => events.closed(why),
      });
      end.send(hello, 64);
      return {
        write: (frame) => end.send(frame, frame.length),
        close: () => end.close('cancelled'),
      };
    },
    door: (visitors) => ({
      listen: async () => {
        shut = network.listen(process, serviceOf(process.host), linkKeepalive, (end) => {
          let visitor: Visitor | undefined;
          let greeted = false;
          return {
            received: (item) => {
              if (greeted) visitor?.frame(ConnectRequest.decode(item as Buffer));
              else visitor = visitors.hello(item as Hello, new Incoming(end));
              greeted = true;
            },
            closed: () => visitor?.closed(),
          };
        });
      },
      close: () => shut?.(),
    }),
  };
}

class Incoming implements IncomingStream {
  constructor(private readonly connection: ConnectionEnd) {}

  welcome(welcome: Welcome): void {
    this.connection.send({ kind: 'welcome', welcome } satisfies Answer, 64);
  }

  received(seq: number): void {
    this.connection.send({ kind: 'received', seq } satisfies Answer, 16);
  }

  end(): void {
    this.connection.close('it ended the stream');
  }

  refuse(_code: number, why: string): void {
    this.connection.close(why);
  }
}
