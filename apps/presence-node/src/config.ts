import { roleSettings } from '@derailed/platform/runtime';
import { presenceSettings } from '@derailed/presence/node';

export const settings = { ...roleSettings, presence: presenceSettings };
