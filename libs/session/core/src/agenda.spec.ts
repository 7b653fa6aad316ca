import fc from 'fast-check';
import { Agenda } from './agenda';

describe('Agenda', () => {
  it('runs what is due in the order of time, and not what was dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.boolean())), fc.nat(1000), (plan, now) => {
        const agenda = new Agenda();
        const ran: number[] = [];
        const entries = plan.map(([at, stays]) => ({ stays, entry: agenda.add(at, () => ran.push(at)) }));
        for (const { stays, entry } of entries) if (!stays) agenda.drop(entry);
        const staying = plan.flatMap(([at, stays]) => (stays ? [at] : [])).sort((a, b) => a - b);
        expect(agenda.nextWake()).toBe(staying[0]);
        agenda.tick(now);
        expect(ran).toEqual(staying.filter((at) => at <= now));
        expect(agenda.nextWake()).toBe(staying.find((at) => at > now));
      }),
    );
  });

  it('runs what a task plans for the same time', () => {
    const agenda = new Agenda();
    const ran: string[] = [];
    agenda.add(5, () => agenda.add(5, () => ran.push('second')));
    agenda.tick(5);
    expect(ran).toEqual(['second']);
  });
});
