import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Ticks of /proc/PID/stat in a second: USER_HZ, which Linux shows to programs as 100 everywhere. */
const ticksPerSecond = 100;

/** Seconds of CPU that the process has used so far, in user and kernel mode, all its threads. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Seconds of all processors of the machine since it was started, and those of them in which they had work. */
export function machineSeconds(): { readonly all: number; readonly busy: number } {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    all += Object.values(times).reduce((sum, ms) => sum + ms, 0) / 1000;
    idle += times.idle / 1000;
  }
  return { all, busy: all - idle };
}

/** Resident memory of the process in bytes. Linux only. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
