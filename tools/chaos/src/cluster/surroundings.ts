import type { RunningEtcd, TcpProxy } from '@derailed/testing';
import type { Incident } from '../judge/history';
import type { Fault, Surrounding } from '../plan/faults';
import { machineTime, sleep } from '../time';

/** What all nodes depend on, and what is done to it. */
export class Surroundings {
  /**
   * @param database through which all nodes reach PostgreSQL
   * @param behind HOST:PORT of PostgreSQL itself
   */
  constructor(
    private readonly etcd: Pick<RunningEtcd, 'kill' | 'restart' | 'pause' | 'resume'>,
    private readonly database: Pick<TcpProxy, 'cut' | 'retarget'>,
    private readonly behind: string,
    private readonly say: (text: string) => void,
  ) {}

  /** Ends when it is there again. */
  async do({ action, role, downFor }: Fault & { readonly role: Surrounding }): Promise<Incident> {
    const at = machineTime();
    this.say(`${action} ${role}`);
    if (role === 'postgres') {
      this.database.retarget('');
      this.database.cut();
      await sleep(downFor);
      this.database.retarget(this.behind);
    } else if (action === 'stop') {
      this.etcd.pause();
      await sleep(downFor);
      this.etcd.resume();
    } else {
      await this.etcd.kill();
      await sleep(downFor);
      await this.etcd.restart();
    }
    const until = machineTime();
    this.say(`${role} is back after ${Math.round(until - at)} ms`);
    return { action, role, nth: 0, at, until };
  }
}
