import { roleSettings } from '@derailed/platform/runtime';
import { tunnelSettings } from '@derailed/tunnel/node';

export const settings = { ...roleSettings, tunnel: tunnelSettings };
