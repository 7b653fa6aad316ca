import { authServiceSettings } from '@derailed/auth/node';
import { baseSettings } from '@derailed/platform/runtime';

export const settings = { ...baseSettings, auth: authServiceSettings };
