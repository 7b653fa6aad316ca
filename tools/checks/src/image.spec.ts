import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDockerfile } from './image';

const root = join(__dirname, '../../..');
const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');

describe('the Dockerfile', () => {
  it('builds with the script, copies all that it makes, and runs as another user than root', () => {
    expect(readDockerfile(dockerfile)).toEqual({
      build: ['deploy/image-files.sh /out'],
      copies: [{ from: '/out/', to: '/opt/derailed/' }],
      user: '10001:10001',
      command: ['node', 'gateway/main.js'],
    });
  });

  it('uses the Node that the repository is developed with', () => {
    const version = readFileSync(join(root, '.nvmrc'), 'utf8').trim().replace(/^v/, '');
    expect(dockerfile).toContain(`ARG NODE=${version}\n`);
  });

  it('is refused when the image gets files in another way', () => {
    expect(() => readDockerfile(`${dockerfile}COPY . /opt/derailed/\n`)).toThrow(/only COPY --from=build/);
    expect(() => readDockerfile(`${dockerfile}RUN npm install\n`)).toThrow(/from the build stage alone/);
  });
});
