import { persistenceSettings } from '@derailed/platform/persistence';
import { roleSettings } from '@derailed/platform/runtime';
import { sessionSettings } from '@derailed/session/node';

export const settings = { ...roleSettings, database: persistenceSettings, session: sessionSettings };
