import {
  address,
  count,
  doorTls,
  duration,
  optionalText,
  parseAddress,
  setting,
  size,
} from '@derailed/platform/config';
import { z } from 'zod';
import { largestChunk } from './grpc/wire';

export const meshSettings = {
  listen: setting(
    'LINK_LISTEN',
    'Where other nodes connect (gRPC). Used only with CLUSTER.',
    address('127.0.0.1:18000'),
  ),
  advertise: setting(
    'LINK_ADVERTISE',
    'What other nodes dial, and how this node finds itself in CLUSTER. Absent: LINK_LISTEN.',
    optionalText().refine((text) => text === undefined || parseAddress(text) !== undefined, {
      message: 'must be HOST:PORT, such as 10.0.0.1:18000',
    }),
  ),
  secret: setting(
    'CLUSTER_SECRET',
    'What nodes show each other; the same on every node. Required when LINK_LISTEN is off loopback.',
    optionalText(),
    true,
  ),
  ...doorTls('LINK'),
  ca: setting(
    'LINK_CA',
    'Path to PEM certificates of the authorities that signed the other nodes; dialling then uses TLS. Absent: LINK_TLS_CA.',
    optionalText(),
  ),
  grace: setting(
    'LINK_GRACE',
    'How long a link may be broken before its peer counts as gone and what it has not received is dropped.',
    duration('5s', { min: '50ms', max: '1m' }),
  ),
  forget: setting(
    'LINK_FORGET',
    'How long a peer that is gone, and that nobody asks for, is still dialled.',
    duration('10m', { min: '1s' }),
  ),
  window: setting(
    'LINK_WINDOW',
    'Bytes that may be on their way to a peer unreceived; a frame counts for 1 KiB at least. The rest waits in the queue.',
    size('4M', { min: 64 * 1024 }),
  ),
  queue: setting(
    'LINK_QUEUE',
    'Bytes that may wait for a peer; past it, sending fails. As much again may wait in acks and answers; past that, the peer is given up.',
    size('64M', { min: 64 * 1024 }),
  ),
  localQueue: setting(
    'LINK_LOCAL_QUEUE',
    'Messages that may wait between the roles of this process; past it, sending fails.',
    count(65_536, { min: 1 }),
  ),
  message: setting(
    'LINK_MESSAGE',
    'Largest message between nodes, in bytes.',
    size('32M', { min: 64 * 1024 }),
  ),
  chunk: setting(
    'LINK_CHUNK',
    'Messages over this many bytes travel in parts of it, so that others can pass.',
    size('64K', { min: 1024 }).refine((bytes) => bytes <= largestChunk, { message: 'must be at most 512K' }),
  ),
  calls: setting('LINK_CALLS', 'Calls in flight to one peer, and from one peer.', count(16_384, { min: 1 })),
  peers: setting('LINK_PEERS', 'Nodes that this one keeps links with.', count(1024, { min: 1 })),
};

export type MeshConfig = z.infer<z.ZodObject<typeof meshSettings>>;
