/** The sum of a counter's series on a node's /metrics whose labels have `label`. @param at HOST:PORT of its admin door */
export async function readMetric(at: string, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`http://${at}/metrics`)).text();
  const series = text
    .split('\n')
    .filter((line) => /^[^{ ]+/.exec(line)?.[0] === name && line.includes(label));
  // A series is there from its first count on.
  if (!text.includes(`# TYPE ${name} `)) throw new Error(`${at} has no metric ${name}`);
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
