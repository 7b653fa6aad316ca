import 'reflect-metadata';
import { authApp } from '@derailed/auth/node';
import { run } from '@derailed/platform/runtime';
import { settings } from './config';

void run({
  name: 'auth',
  settings,
  assemble: (config) => authApp(config.auth),
});
