import type { z } from 'zod';
import { duration, setting } from '@derailed/platform/config';

/** What a presence-node can be told. */
export const presenceSettings = {
  coalesce: setting(
    'PRESENCE_COALESCE',
    "A user's changes of presence are told at most this often, the first of a burst at once.",
    duration('1s'),
  ),
  grace: setting(
    'PRESENCE_GRACE',
    'How long a dropped session, and the sessions of a session-node that is gone, still count as online.',
    duration('10s'),
  ),
};

export type PresenceConfig = z.infer<z.ZodObject<typeof presenceSettings>>;
