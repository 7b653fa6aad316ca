import { kindOf, summarise } from './summary';

describe('summary of a jest report', () => {
  it('tells the kinds apart by file name', () => {
    expect(kindOf('/x/ring.spec.ts')).toBe('core');
    expect(kindOf('/x/mesh.contract.spec.ts')).toBe('contract');
    expect(kindOf('/x/gateway.e2e.spec.ts')).toBe('e2e');
  });

  it('counts a file that could not run as one failure', () => {
    const counts = summarise({
      testResults: [
        { name: 'a.spec.ts', message: 'cannot find module', status: 'failed', assertionResults: [] },
        {
          name: 'b.e2e.spec.ts',
          message: '',
          status: 'failed',
          assertionResults: [
            { fullName: 'one', status: 'passed' },
            { fullName: 'two', status: 'failed' },
            { fullName: 'three', status: 'pending' },
          ],
        },
      ],
    });
    expect(counts.core).toEqual({ passed: 0, failed: 1, failures: ['a.spec.ts: cannot find module'] });
    expect(counts.e2e).toEqual({ passed: 1, failed: 1, failures: ['b.e2e.spec.ts: two'] });
    expect(counts.contract).toEqual({ passed: 0, failed: 0, failures: [] });
  });
});
