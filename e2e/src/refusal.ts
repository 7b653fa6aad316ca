import { runApp } from '@derailed/testing';
import type { Environment } from './wiring';

const doors = ['GATEWAY_LISTEN', 'TUNNEL_LISTEN', 'AUTH_LISTEN', 'LINK_LISTEN'];
/** Free ports for all doors. */
export const anyPorts: Environment = Object.fromEntries(doors.map((name) => [name, '127.0.0.1:0']));

/** What the app has to say when it does not start. All else that a failed start could show would be a mistake. */
export async function refusal(app: string, env: Environment, args: readonly string[] = []): Promise<string> {
  const { code, stdout, stderr } = await runApp(app, { env: { ...anyPorts, ...env }, args });
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^[^\n]+\.\n$/),
  });
  expect(stderr.startsWith(`${app}: `)).toBe(true);
  return stderr.slice(app.length + 2).trimEnd();
}
