import { duration, flag, optionalText, setting } from '@derailed/platform/config';
import { z } from 'zod';
import { type Role, roles } from './cluster';
import { isRole } from './parse';

function roleList() {
  return z
    .string()
    .default(roles.join(','))
    .transform((text, context): readonly Role[] => {
      const names = text.split(',').map((name) => name.trim());
      const unknown = names.find((name) => !isRole(name));
      if (unknown === undefined) return roles.filter((role) => names.includes(role));
      context.addIssue({
        code: 'custom',
        message: `must name roles of ${roles.join(', ')}`,
      });
      return z.NEVER;
    });
}

/** How a node finds the others. */
export const membershipSettings = {
  cluster: setting(
    'CLUSTER',
    'Who else is there. etcd:HOST:PORT,HOST:PORT/PREFIX: whoever is listed in that etcd. static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE: these for ever, the same text for every node, this one included. Absent: only this process.',
    optionalText(),
  ),
  leaseTtl: setting(
    'LEASE_TTL',
    'How long after a node falls silent others take over what it owned (etcd only). The same on every node.',
    duration('10s', { min: '2s', max: '5m' }),
  ),
  drainTimeout: setting(
    'DRAIN_TIMEOUT',
    'How long a node that is told to stop waits for others to have taken its keys, and its sessions (etcd only). Clients of sessions that are left identify again.',
    duration('30s', { max: '1h' }),
  ),
  etcdUser: setting('ETCD_USER', 'User of etcd, when it wants one.', optionalText()),
  etcdPassword: setting('ETCD_PASSWORD', 'Password of ETCD_USER.', optionalText(), true),
  etcdTls: setting(
    'ETCD_TLS',
    'Whether etcd is spoken to over TLS. ETCD_CA and ETCD_CERT say so too.',
    flag(false),
  ),
  etcdCa: setting(
    'ETCD_CA',
    'Path to PEM certificates of the authorities that signed the etcd servers. Absent: those of the system.',
    optionalText(),
  ),
  etcdCert: setting('ETCD_CERT', 'Path to the PEM certificate that etcd is shown.', optionalText()),
  etcdKey: setting('ETCD_KEY', 'Path to the PEM private key of ETCD_CERT.', optionalText()),
};

export type MembershipConfig = z.infer<z.ZodObject<typeof membershipSettings>>;

export const clusterSettings = {
  ...membershipSettings,
  roles: setting('ROLES', 'Roles of this process, separated by commas; also --roles.', roleList()),
};

export type ClusterConfig = z.infer<z.ZodObject<typeof clusterSettings>>;
