import { type PresenceRequest, publicPresence } from './presence';

const request = (fields: Partial<PresenceRequest>): PresenceRequest => ({
  status: 'online',
  activities: [],
  ...fields,
});

const stream = {
  name: 'live',
  type: 1,
  url: 'https://www.twitch.tv/x',
  details: 'd',
  party: { id: 'p' },
  secret: 's',
};

it('shows of a bot what bots may set', () => {
  const shown = publicPresence(request({ activities: [stream] }), true, 'web', 5);
  expect(JSON.parse(shown.activities)).toEqual([
    { name: 'live', type: 1, created_at: 5, url: 'https://www.twitch.tv/x' },
  ]);
});

it('shows of people more, but nothing that is not known', () => {
  const [shown] = JSON.parse(
    publicPresence(request({ activities: [stream] }), false, 'desktop', 5).activities,
  ) as object[];
  expect(shown).toEqual({
    name: 'live',
    type: 1,
    created_at: 5,
    url: stream.url,
    details: 'd',
    party: { id: 'p' },
  });
});

it.each([
  [{ ...stream, type: 0 }],
  [{ ...stream, url: 'https://twitch.tv.evil.example/' }],
  [{ ...stream, url: 'https://evil.example/twitch.tv/' }],
  [{ ...stream, url: 5 }],
])('leaves out the url of %j', (activity) => {
  expect(publicPresence(request({ activities: [activity] }), true, 'web', 5).activities).not.toContain('url');
});

it('shows nothing of one who is invisible', () => {
  const shown = publicPresence(request({ status: 'invisible', activities: [stream] }), false, '', 5);
  expect(shown).toEqual({ status: 'invisible', activities: '[]', client: '' });
});

it('makes people who say offline invisible, and leaves bots online', () => {
  expect(publicPresence(request({ status: 'offline' }), false, '', 5).status).toBe('invisible');
  expect(publicPresence(request({ status: 'offline' }), true, '', 5).status).toBe('online');
});
