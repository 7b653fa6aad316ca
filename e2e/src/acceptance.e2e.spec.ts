import { connectionSuite } from './acceptance/connection.suite';
import { contentSuite } from './acceptance/content.suite';
import { decisionsSuite } from './acceptance/decisions.suite';
import { encodingsSuite } from './acceptance/encodings.suite';
import { finePrintSuite } from './acceptance/fine-print.suite';
import { identifySuite } from './acceptance/identify.suite';
import { membersSuite } from './acceptance/members.suite';
import {
  type SlowLines,
  beginSlowLines,
  departureSuite,
  resumeSuite,
  slowSuite,
} from './acceptance/resume.suite';
import { sightSuite } from './acceptance/sight.suite';
import { type Stage, stages } from './acceptance/stage';
import { structureSuite } from './acceptance/structure.suite';

jest.setTimeout(20_000);

describe.each(stages)('the client contract, %s', (_, start) => {
  let stage: Stage;
  let slow: SlowLines;

  beforeAll(async () => {
    stage = await start();
    slow = beginSlowLines(stage);
  }, 60_000);
  afterEach(() => stage.clear());
  afterAll(() => stage.stop(), 30_000);

  connectionSuite(() => stage);
  encodingsSuite(() => stage);
  identifySuite(() => stage);
  resumeSuite(() => stage);
  membersSuite(() => stage);
  contentSuite(() => stage);
  finePrintSuite(() => stage);
  sightSuite(() => stage);
  structureSuite(() => stage);
  decisionsSuite(() => stage);
  slowSuite(() => slow);
  departureSuite(() => stage);
});
