import { systemClock, systemRng } from './system';

describe('systemRng', () => {
  it('is uniform enough in [0, 1) to spread retries', () => {
    const values = Array.from({ length: 2000 }, () => systemRng.next());
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
  });

  it('makes tokens that do not repeat', () => {
    expect(systemRng.token(16)).not.toBe(systemRng.token(16));
  });
});

describe('systemClock', () => {
  it('runs a task once, and not at all when stopped', async () => {
    let ran = 0;
    const stop = systemClock.after(0, () => void ran++);
    stop();
    await new Promise<void>((resolve) => systemClock.after(1, resolve));
    expect(ran).toBe(0);
  });
});
