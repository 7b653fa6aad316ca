import 'reflect-metadata';
import { run } from '@derailed/platform/runtime';
import { tunnelApp } from '@derailed/tunnel/node';
import { settings } from './config';

void run({
  name: 'tunnel',
  roles: ['tunnel'],
  settings,
  assemble: (config) => tunnelApp(config.tunnel),
});
