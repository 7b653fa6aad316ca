/** What a client does when its socket was closed, as Discord documents it for its close codes. */
export type AfterClose = 'resume' | 'identify' | 'never';

const identifyAgain: ReadonlySet<number> = new Set([1000, 4001, 4003, 4005, 4007, 4009]);
/** The token, shard, version or intents are wrong: coming back changes nothing. */
const neverAgain: ReadonlySet<number> = new Set([4004, 4010, 4011, 4012, 4013, 4014]);

export function afterClose(code: number): AfterClose {
  if (neverAgain.has(code)) return 'never';
  return identifyAgain.has(code) ? 'identify' : 'resume';
}
