import { createSecureContext } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { readPem } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import type { MembershipConfig } from '../config';

type Access = Omit<MembershipConfig, 'cluster' | 'leaseTtl'>;

/** @throws OperatorError for half a pair or a file that can't be used */
export function etcdCredentials({ etcdTls, etcdCa, etcdCert, etcdKey }: Access): ChannelCredentials {
  if ((etcdCert === undefined) !== (etcdKey === undefined)) {
    const [has, lacks] = etcdCert === undefined ? ['ETCD_KEY', 'ETCD_CERT'] : ['ETCD_CERT', 'ETCD_KEY'];
    throw new OperatorError(`${has} needs ${lacks}.`);
  }
  if (!etcdTls && etcdCa === undefined && etcdCert === undefined) return ChannelCredentials.createInsecure();
  const ca = etcdCa === undefined ? null : readPem('ETCD_CA', etcdCa);
  const cert = etcdCert === undefined ? null : readPem('ETCD_CERT', etcdCert);
  const key = etcdKey === undefined ? null : readPem('ETCD_KEY', etcdKey);
  try {
    createSecureContext({ ...(ca && { ca }), ...(cert && key && { cert, key }) });
  } catch (error) {
    throw new OperatorError(`ETCD_CA, ETCD_CERT and ETCD_KEY can't be used: ${(error as Error).message}.`);
  }
  return ChannelCredentials.createSsl(ca, key, cert);
}

/** @throws OperatorError for one without the other */
export function etcdUser({
  etcdUser: name,
  etcdPassword: password,
}: Access): { name: string; password: string } | undefined {
  if (name === undefined && password === undefined) return undefined;
  if (name === undefined) throw new OperatorError('ETCD_PASSWORD needs ETCD_USER.');
  if (password === undefined) throw new OperatorError('ETCD_USER needs ETCD_PASSWORD.');
  return { name, password };
}
