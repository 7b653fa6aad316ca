import { optionalText, setting } from '@derailed/platform/config';
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

export const clusterSettings = {
  cluster: setting(
    'CLUSTER',
    'Who else is there: static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE, the same text for every node, this one included. Absent: only this process.',
    optionalText(),
  ),
  roles: setting('ROLES', 'Roles of this process, separated by commas; also --roles.', roleList()),
};

export type ClusterConfig = z.infer<z.ZodObject<typeof clusterSettings>>;
