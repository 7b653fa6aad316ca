import { describeMesh } from './mesh-conformance.fixture';
import { grpcWorld, networkWorld } from './wirings.fixture';

jest.setTimeout(30_000);

describeMesh('an in-process network', networkWorld);
describeMesh('gRPC', grpcWorld);
