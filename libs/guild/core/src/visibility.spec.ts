import { type GuildCast, type GuildStep, guildSteps, isNaiveThread, NaiveGuild } from '@derailed/testing';
import * as fc from 'fast-check';
import { GuildRig, guildId, ownerId } from './guild.fixture';

const cast: GuildCast = {
  guildId,
  userIds: [ownerId, '2', '3', '4', '5'],
  roleIds: ['10', '11', '12'],
  channels: new Map([
    ['200', 0],
    ['201', 2],
    ['202', 4],
    ['203', 11],
    ['204', 12],
  ]),
};
const { userIds } = cast;
const channelIds = [...cast.channels.keys()];
/** What becomes of threads is said otherwise. */
const plainIds = channelIds.filter((id) => !isNaiveThread(cast.channels.get(id) ?? 0));

const change = guildSteps(cast, { members: 0 });
type Step = GuildStep | { do: 'wait'; ms: number } | { do: 'stall'; on: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), on: fc.boolean() }) },
);

/** Makes the change in the model, and publishes it. */
function apply(rig: GuildRig, model: NaiveGuild, action: Step): void {
  if (action.do === 'wait') rig.wait(action.ms);
  else if (action.do === 'stall') {
    if (action.on) rig.full.add('n2');
    else rig.full.delete('n2');
  } else if (model.allows(action)) {
    const { name, data } = model.apply(action, rig.at.wall);
    rig.publish(name, data);
  }
}

/** Everybody of the cast on two session-nodes, in the guild that the database has. */
function rigOf(model: NaiveGuild): GuildRig {
  const rig = new GuildRig({ idle: 1e9, nodeGrace: 1e9 });
  userIds.forEach((id, at) => rig.subscribe(`s${id}`, id, { node: `n${1 + (at % 2)}` }));
  rig.load(model.snapshot());
  return rig;
}

/** What the client of each of these users knows, and what there is for it to see. */
function compareSights(rig: GuildRig, model: NaiveGuild, users: readonly string[]): void {
  for (const userId of users) {
    const sights = plainIds.filter((id) => model.sees(userId, id, rig.at.wall));
    const shown = plainIds.filter((id) => rig.shownTo(`s${userId}`).has(id));
    expect([userId, shown]).toEqual([userId, sights]);
  }
}

describe('Reconciliation', () => {
  it('leaves every client with just what the database allows, whatever became of the events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(change, fc.constantFrom('told', 'twice', 'late', 'never')), { maxLength: 30 }),
        (steps) => {
          const model = new NaiveGuild(cast);
          const rig = rigOf(model);
          const late: (() => void)[] = [];
          for (const [action, fate] of steps) {
            if (!model.allows(action)) continue;
            const { name, data } = model.apply(action, rig.at.wall);
            const publish = (): void => void rig.publish(name, data);
            if (fate === 'late') late.unshift(publish);
            else if (fate !== 'never') publish();
            if (fate === 'twice') publish();
          }
          for (const publish of late) publish();
          // Timeouts of the test end long before.
          rig.wait(30_000);
          if (rig.asked.at(-1)?.kind !== 'reread') rig.wait(2_000_000);
          rig.reread(model.snapshot());
          compareSights(rig, model, userIds);
          for (const userId of userIds) {
            for (const id of channelIds) {
              const before = rig.got(`s${userId}`).length;
              rig.publish('PROBE', {}, { channelId: id });
              const got = rig.got(`s${userId}`).length > before;
              expect([userId, id, got]).toEqual([userId, id, model.sees(userId, id, rig.at.wall)]);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('Visibility classes', () => {
  it('let a member have an event exactly when that member can view its channel, whatever was changed before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new NaiveGuild(cast);
        const rig = rigOf(model);
        const expected = new Map<string, string[]>(userIds.map((id) => [id, []]));
        let probes = 0;
        for (const action of steps) {
          apply(rig, model, action);
          compareSights(
            rig,
            model,
            userIds.filter((_, at) => at % 2 === 0),
          );
          for (const id of channelIds) {
            const name = `PROBE_${++probes}`;
            for (const userId of userIds)
              if (model.sees(userId, id, rig.at.wall)) expected.get(userId)?.push(name);
            rig.publish(name, {}, { channelId: id });
          }
        }
        rig.full.clear();
        rig.wait(1000);
        compareSights(rig, model, userIds);
        for (const userId of userIds)
          expect(rig.got(`s${userId}`).filter((name) => name.startsWith('PROBE'))).toEqual(
            expected.get(userId),
          );
      }),
      { numRuns: 300 },
    );
  });
});
